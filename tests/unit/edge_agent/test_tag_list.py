"""Lists of tags as engineers have them: what is understood, and what is told of the rest."""

from pathlib import Path

import pytest
import yaml

from edge_agent.configuration.sources import checked_for
from edge_agent.inspection.tag_list import read_tag_list
from plant.errors import ConfigurationError
from plant.native.message import EdgeAddress

UNIT = "xuong/chuyen-1/may-1"
KEP = (
    '"Tag Name","Address","Data Type","Respect Data Type","Client Access","Scan Rate","Scaling",'
    '"Eng Units","Description"\n'
    '"Line1.Speed","400001","Float",1,"RO",100,"","rpm","Spindle"\n'
    '"Line1.Run","000017","Boolean",1,"RO",100,"","",""\n'
    '"Line1.Name","400010","String",1,"RO",100,"","",""\n'
    '"Line1.Count","400003","DWord",1,"RO",100,"","",""\n'
)
TIA = (
    "Name;Path;Data Type;Logical Address;Comment\n"
    "Tốc độ;Default tag table;Real;%MD10;Trục chính\n"
    "Start;Default tag table;Bool;%I0.0;\n"
    "Clock;Default tag table;LTime;%MX20.0;\n"
)


def list_of(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "tags.csv"
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_export_of_kepserverex_is_taken(tmp_path: Path, encoding: str) -> None:
    found = read_tag_list(list_of(tmp_path, KEP, encoding), None, UNIT, None)
    assert (found.form, found.driver) == ("KEPServerEX", "modbus")
    assert [(tag["name"], tag["address"], tag.get("type")) for tag in found.tags] == [
        ("may-1/Line1/Speed", "400001", "float32"),
        ("may-1/Line1/Run", "000017", None),
        ("may-1/Line1/Count", "400003", "uint32"),
    ]
    assert found.tags[0]["unit"] == "rpm"
    assert len(found.refused) == 1
    assert found.refused[0].startswith("line 4 (Line1.Name): 'string' is no type")


def test_a_tag_table_of_tia_is_taken(tmp_path: Path) -> None:
    found = read_tag_list(list_of(tmp_path, TIA), None, UNIT, None)
    assert (found.form, found.driver, found.refused) == ("TIA Portal", "s7", [])
    assert [(tag["name"], tag["address"], tag["type"]) for tag in found.tags] == [
        ("may-1/Tốc_độ", "%MD10", "real"),
        ("may-1/Start", "%I0.0", "bool"),
        ("may-1/Clock", "%MX20.0", "ltime"),
    ]


GX = (
    "Class\tLabel Name\tData Type\tConstant\tAssign (Device/Label)\tRemark\n"
    "VAR_GLOBAL\tSanLuong\tDouble Word [Signed]\t\tD100\tSố chai\n"
    "VAR_GLOBAL\tNhietDo\tFLOAT [Single Precision]\t\tD104\t\n"
    "VAR_GLOBAL\tChay\tBit\t\tM10\t\n"
    "VAR_GLOBAL\tCua\tBit\t\tX1F\t\n"
    "VAR_GLOBAL\tMaHang\tSTRING(16)\t\tD200\t\n"
    "VAR_GLOBAL\tKhong\tWord [Signed]\t\t\t\n"
    "VAR_GLOBAL\tSai\tBit\t\tD300\t\n"
)
KEP_MELSEC = (
    "Tag Name,Address,Data Type,Respect Data Type,Client Access,Scan Rate\n"
    "L1.Speed,D0100,Word,1,RO,100\n"
    "L1.Run,M0,Boolean,1,RO,100\n"
    "L1.Flag,D5.3,Boolean,1,RO,100\n"
    "L1.Temp,D0002,Float,1,RO,100\n"
)


def test_labels_of_gx_works_are_taken(tmp_path: Path) -> None:
    found = read_tag_list(list_of(tmp_path, GX, "utf-16"), None, UNIT, None)
    assert (found.form, found.driver) == ("GX Works", "slmp")
    assert [(tag["name"], tag["address"], tag.get("type")) for tag in found.tags] == [
        ("may-1/SanLuong", "D100", "int32"),
        ("may-1/NhietDo", "D104", "float32"),
        ("may-1/Chay", "M10", "bit"),
        ("may-1/Cua", "X1F", "bit"),
        ("may-1/MaHang", "D200", "string[16]"),
    ]
    assert found.tags[0]["description"] == "Số chai"
    assert [line.partition(":")[0] for line in found.refused] == ["line 7 (Khong)", "line 8 (Sai)"]


def test_an_export_of_kepserverex_for_melsec_is_taken(tmp_path: Path) -> None:
    found = read_tag_list(list_of(tmp_path, KEP_MELSEC), None, UNIT, None)
    assert (found.form, found.driver, found.refused) == ("KEPServerEX", "slmp", [])
    assert [(tag["address"], tag.get("type")) for tag in found.tags] == [
        ("D0100", "uint16"), ("M0", "bit"), ("D5.3", "bit"), ("D0002", "float32"),
    ]  # fmt: skip
    text = found.text("plc", {"host": "192.168.3.39"})
    settings = checked_for(EdgeAddress("e", "s", "c"), text)
    assert settings.sources["plc"].driver == "slmp"


def test_what_is_written_is_what_an_edge_takes(tmp_path: Path) -> None:
    found = read_tag_list(list_of(tmp_path, KEP), None, UNIT, None)
    text = found.text("plc", {"host": "192.168.1.10"})
    settings = checked_for(EdgeAddress("e", "s", "c"), text)
    assert [tag.name for tag in settings.sources["plc"].tags] == [t["name"] for t in found.tags]
    assert list(yaml.safe_load(text)) == ["sources"]


def test_rows_that_cannot_be_are_named_with_their_lines(tmp_path: Path) -> None:
    text = "Báo cáo\nTên,Địa chỉ,Hệ số\na,hr:1,0.1\na,hr:2,\n,hr:3,\nb,,\nc,hr:4,x\nd,hr:99999,\n"
    found = read_tag_list(list_of(tmp_path, text), "modbus", UNIT, None)
    assert [tag["name"] for tag in found.tags] == ["may-1/a"]
    assert found.tags[0]["scale"] == 0.1
    assert [line.partition(":")[0] for line in found.refused] == [
        "line 4 (a)", "line 5 (no name)", "line 6 (b)", "line 7 (c)", "line 8 (d)",
    ]  # fmt: skip
    assert "on line 3 already" in found.refused[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the first is: empty"),
        ("x,y\n1,2\n", "no line of titles"),
        ("Name,Address\nx,nowhere\n", "give --driver"),
    ],
)
def test_what_is_no_list_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_tag_list(list_of(tmp_path, text), None, UNIT, None)


def test_a_file_that_is_no_workbook_is_told(tmp_path: Path) -> None:
    file = tmp_path / "tags.xlsx"
    file.write_bytes(b"PK nothing")
    with pytest.raises(ConfigurationError, match="no Excel workbook"):
        read_tag_list(file, None, UNIT, None)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_tag_list(tmp_path / "absent.csv", None, UNIT, None)
