"""Criteria sets as data: what comes with the project, what is refused, where imports fail."""

import io
import json
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from assessment.framework import (
    Correspondence,
    CriteriaSet,
    Document,
    Mapping,
    Orientation,
    TableNotValidError,
    Telemetry,
    Unknown,
    framework_from_json,
    read_criteria,
    shipped,
    shipped_ids,
)
from plant.errors import DataError

HEADER = (
    "pillar,pillar_name_vi,component,component_name_vi,criterion,name_vi,points,telemetry,levels_vi"
)
LEVELS = "một|hai|ba|bốn|năm"


def criteria_set(name: str) -> CriteriaSet:
    found = shipped(name)
    assert isinstance(found, CriteriaSet)
    return found


def dbi() -> CriteriaSet:
    return criteria_set("DBI-SME-1970")


def as_json(framework: CriteriaSet) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(framework.model_dump_json())
    return found


def test_dbi_is_complete() -> None:
    framework = dbi()

    assert (len(framework.pillars), len(framework.components), len(framework.criteria)) == (
        6,
        10,
        60,
    )
    assert framework.total_points == 320
    assert [pillar.max_points for pillar in framework.pillars] == [65, 25, 80, 65, 50, 35]
    assert framework.criterion("2.1.1").points == (0, 5, 10, 15, 20, 25)


def test_dbi_agrees_with_the_reference(shared_data: Path) -> None:
    reference = json.loads((shared_data / "framework_dbi_sme_1970.json").read_text("utf-8"))

    assert [
        (one.id, one.component, one.name_vi, one.max_points, one.telemetry.value, one.ratio_vi)
        for one in dbi().criteria
    ] == [
        (
            one["id"],
            one["component"],
            unicodedata.normalize("NFC", one["name_vi"]),
            one["max_points"],
            one["telemetry"],
            one.get("ratio_vi"),
        )
        for one in reference["criteria"]
    ]
    assert {one.id: one.max_points for one in dbi().components} == {
        one["id"]: one["max_points"] for one in reference["components"]
    }


def test_telemetry_touches_27_criteria_and_5_of_them_directly() -> None:
    kinds = Counter(criterion.telemetry for criterion in dbi().criteria)
    direct = [one for one in dbi().criteria if one.telemetry is Telemetry.DIRECT]

    assert sum(kinds.values()) - kinds[Telemetry.NONE] == 27
    assert [one.id for one in direct] == ["3.2.9", "3.2.11", "3.2.12", "6.1.4", "6.1.6"]
    assert sum(one.max_points for one in direct) == 25


def test_what_is_not_known_is_said() -> None:
    framework = dbi()
    ratios = [one for one in framework.criteria if one.ratio_vi]

    assert framework.uncertainties_vi
    assert {one.unknown for one in ratios} == {Unknown.RATIO_CUTOFFS}
    assert [one.id for one in framework.criteria if one.unknown is Unknown.OPTION_POINTS] == [
        "1.2.1",
        "1.2.2",
        "1.2.3",
    ]
    assert all(one.note_vi for one in framework.criteria if one.unknown is Unknown.OPTION_POINTS)


@pytest.mark.parametrize("name", shipped_ids())
def test_words_are_composed(name: str) -> None:
    text = shipped(name).model_dump_json()

    assert unicodedata.is_normalized("NFC", text)
    assert framework_from_json(text) == shipped(name)


def test_siri_orients_and_has_no_points() -> None:
    siri = shipped("SIRI")

    assert isinstance(siri, Orientation)
    assert len(siri.dimensions) == 16
    assert siri.dimensions[6].bands_en[4] == "Real-Time"
    assert siri.dimensions[15].bands_en == (None,) * 6
    assert "points" not in siri.model_dump_json()


def test_the_set_of_1567_is_empty() -> None:
    assert criteria_set("DBI-1567").is_empty
    with pytest.raises(DataError, match="DBI-SME-1970, DBI-1567, SIRI"):
        shipped("DBI-2158")


def _twice(data: dict[str, Any]) -> None:
    data["criteria"].append(data["criteria"][0])


def _heavier(data: dict[str, Any]) -> None:
    data["criteria"][0]["points"] = [0, 1, 2, 3, 4, 6]


def _lost_component(data: dict[str, Any]) -> None:
    data["criteria"][0]["component"] = "9.9"


def _gap(data: dict[str, Any]) -> None:
    data["pillar_rule"][2]["from_percent"] = 25


def _in_two_bands(data: dict[str, Any]) -> None:
    data["pillar_rule"][1]["from_included"] = data["pillar_rule"][0]["to_included"] = True


def _easier(data: dict[str, Any]) -> None:
    data["overall_rule"]["steps"][3]["above_points"] = 100


def _unreachable(data: dict[str, Any]) -> None:
    data["overall_rule"]["steps"][4]["pillars"] = 7


def _falling_cap(data: dict[str, Any]) -> None:
    data["telemetry_caps"]["direct"].reverse()


def _misspelt(data: dict[str, Any]) -> None:
    data["criteria"][0]["telemetri"] = "direct"


def _wordless(data: dict[str, Any]) -> None:
    data["criteria"][0]["levels_vi"] = None


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_twice, "tiêu chí có hai lần: 1.1.1"),
        (_heavier, "thành phần 1.1: ghi 45 điểm, cộng được 46"),
        (_lost_component, "tiêu chí 1.1.1: không có thành phần 9.9"),
        (_gap, "mức trụ cột 2 không nối tiếp mức 1"),
        (_in_two_bands, "10 % thuộc cả hai mức 0 và 1"),
        (_easier, "mức 4 phải đòi hỏi hơn mức 3"),
        (_unreachable, "mức chung 5: đòi hỏi điều không thể đạt"),
        (_falling_cap, "trần bằng chứng của 'direct' phải tăng dần"),
        (_misspelt, "criteria.0.telemetri"),
        (_wordless, "1.1.1: không có mô tả mức"),
    ],
)
def test_a_set_that_is_not_sound_is_refused(spoil: Any, words: str) -> None:
    data = as_json(dbi())
    spoil(data)

    with pytest.raises(DataError, match=words):
        framework_from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("confirmed", "cap"),
    [
        (set(), (2, Document.ASSET_REGISTER)),
        ({Document.ASSET_REGISTER}, (3, Document.STRATEGY_DECISION)),
        ({Document.STRATEGY_DECISION, Document.STAFFING_DOCUMENT}, (2, Document.ASSET_REGISTER)),
        (set(Document), (5, None)),
    ],
)
def test_a_document_lifts_the_cap_only_on_top_of_those_below_it(
    confirmed: set[Document], cap: tuple[int, Document | None]
) -> None:
    assert dbi().telemetry_cap("3.2.9", confirmed) == cap


def test_indirect_telemetry_supports_no_level() -> None:
    assert dbi().telemetry_cap("6.1.1", set(Document)) == (0, None)
    assert dbi().telemetry_cap("3.2.6", set(Document)) == (2, None)


# --- import ---


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\r\n".join((header, *rows)).encode("utf-8-sig")


def workbook(content: bytes) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in content.decode("utf-8-sig").splitlines():
        book.active.append(line.split(","))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


GOOD = table(
    f"1,Hạ tầng,1.1,Kết nối,1.1.1,Máy kết nối,0-5,direct,{LEVELS}",
    f"1,Hạ tầng,1.1,Kết nối,1.1.2,Chiến lược,0/5/10/15/20/25,,{LEVELS}",
    f"2,Dữ liệu,2.1,Quản trị,2.1.1,Chất lượng,0-5,partial,{LEVELS}",
)


@pytest.mark.parametrize("content", [GOOD, workbook(GOOD)], ids=["csv", "xlsx"])
def test_criteria_are_imported_as_a_new_version(content: bytes) -> None:
    imported = read_criteria(content, criteria_set("DBI-1567"), "1.0.0")

    assert imported.edition == "DBI-1567@1.0.0"
    assert imported.total_points == 35
    assert [(one.id, one.max_points) for one in imported.pillars] == [("1", 30), ("2", 5)]
    assert imported.criterion("1.1.1").telemetry is Telemetry.DIRECT
    assert framework_from_json(imported.model_dump_json()) == imported


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (f"1,A,1.1,B,1.1.1,,0-5,direct,{LEVELS}", "dòng 2, cột name_vi: để trống"),
        (f"1,A,1.1,B,1.1.1,C,năm,direct,{LEVELS}", "dòng 2, cột points ('năm'): phải có dạng"),
        (f"1,A,1.1,B,1.1.1,C,5/0,direct,{LEVELS}", "dòng 2, cột levels_vi"),
        (f"1,A,1.1,B,1.1.1,C,0-5,yes,{LEVELS}", "dòng 2, cột telemetry ('yes'): phải là một"),
        (f"1,A,1.1,B,=A1,C,0-5,direct,{LEVELS}", "dòng 2, cột criterion ('=A1'): là công thức"),
        (f"1,A,1.1,B,1 1,C,0-5,direct,{LEVELS}", "dòng 2, cột criterion ('1 1')"),
        ("1,A,1.1,B,1.1.1,C,0-5,direct,một|hai", "dòng 2, cột levels_vi ('một|hai')"),
        (f"1,A,1.1,B,1.1.1,C,0-5,direct,{LEVELS},thừa", "('thừa'): dòng dài hơn dòng tiêu đề"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_wrong_cell_is_named(row: str, words: str, form: str) -> None:
    content = table(row) if form == "csv" else workbook(table(row))

    with pytest.raises(TableNotValidError) as caught:
        read_criteria(content, criteria_set("DBI-1567"), "1.0.0")

    assert words in str(caught.value)


def test_every_wrong_row_is_named_at_once() -> None:
    content = table(
        f"1,A,1.1,B,1.1.1,C,0-5,,{LEVELS}",
        f"1,Khác,1.1,B,1.1.2,C,0-5,,{LEVELS}",
        f"2,Z,1.1,B,1.1.3,C,0-5,,{LEVELS}",
        f"1,A,1.1,B,1.1.1,C,0-5,,{LEVELS}",
    )

    with pytest.raises(TableNotValidError) as caught:
        read_criteria(content, criteria_set("DBI-1567"), "1.0.0")

    assert [(one.row, one.column) for one in caught.value.problems] == [
        (3, "pillar_name_vi"),
        (4, "pillar"),
        (5, "criterion"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "tệp trống"),
        (table(), "bảng không có tiêu chí nào"),
        (table("1", header="pillar,la"), "cột la: cột không biết"),
        (table("1", header=HEADER + ",pillar"), "cột pillar: cột có hai lần"),
        ("pillar\nTrụ".encode("utf-16"), "không phải UTF-8"),
        (b"PK\x03\x04 no workbook", "không phải sổ tính XLSX"),
        (table('1,"A'), "không phải CSV"),
        (b"x" * 5_000_001, "lớn hơn"),
    ],
)
def test_a_file_that_is_no_table_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(TableNotValidError, match=words):
        read_criteria(content, criteria_set("DBI-1567"), "1.0.0")


# --- mapping ---


def mapping(*correspondences: dict[str, Any]) -> Mapping:
    return Mapping.model_validate(
        {
            "id": "M",
            "version": "1.0.0",
            "source_edition": "DBI-1567@1.0.0",
            "target_edition": "SIRI@1.0.0",
            "made_by": "Phòng Quản lý Công nghiệp",
            "correspondences": correspondences,
        }
    )


def test_what_a_mapping_leaves_out_is_named() -> None:
    source = read_criteria(GOOD, criteria_set("DBI-1567"), "1.0.0")
    partial = mapping(
        {"criterion": "1.1.1", "others": ["SIRI-7"], "relation": "related", "reason_vi": "Nối"},
        {"criterion": "1.1.2", "others": ["SIRI-99"], "relation": "same", "reason_vi": "Nối"},
        {"criterion": "7.7.7", "relation": "absent", "reason_vi": "Không hỏi"},
    )

    assert partial.problems(source, shipped("SIRI")) == [
        "7.7.7: không có trong DBI-1567@1.0.0",
        "2.1.1: chưa được đối chiếu",
        "1.1.2: SIRI-99 không có trong SIRI@1.0.0",
    ]
    assert partial.problems(dbi(), shipped("SIRI"))[0].startswith("bảng đối chiếu đi từ DBI-1567")
    with pytest.raises(DataError, match=r"không đối chiếu tiêu chí '2\.1\.1'"):
        partial.of("2.1.1")


def test_a_mapping_holds_no_points() -> None:
    fields = set(Mapping.model_fields) | set(Correspondence.model_fields)
    assert not any("point" in name or "level" in name for name in fields)
    with pytest.raises(ValueError, match="không hợp với"):
        mapping({"criterion": "1", "others": ["2"], "relation": "absent", "reason_vi": "x"})
