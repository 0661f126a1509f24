"""Types of S7 controllers, byte by byte as their manual has them, and the forms of addresses."""

import pytest

from edge_agent.drivers.s7.address import Cell
from edge_agent.drivers.s7.settings import S7Settings, S7TagSettings
from plant.measurement import ValueType


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("time", "000005dc", 1500),
        ("time", "ffffffff", -1),
        ("s5time", "2127", 127000),
        ("s5time", "0999", 9990),
        ("ltime", "000000003b9aca00", 1000.0),
        ("tod", "05265c00", 86_400_000),
        ("date", "3390", "2026-02-21"),
        ("dt", "2603020600001235", "2026-03-02T06:00:00.123000"),
        ("dtl", "07ea0302020600000bebc200", "2026-03-02T06:00:00.200000"),
        ("ldt", "1898ece5b8a10000", None),
        ("char", "41", "A"),
        ("wchar", "0110", "Đ"),
        ("string[4]", "04025852ffff", "XR"),
        ("wstring[4]", "000400020110006900000000", "Đi"),
        ("bool", "01", True),
        ("usint", "ff", 255),
        ("lword", "ffffffffffffffff", 2**64 - 1),
    ],
)
def test_a_value_is_read_as_its_type_says(kind: str, raw: str, value: object) -> None:
    address = "DB1.DBX0.0"
    read = Cell.parse(address, kind).decode(bytes.fromhex(raw), "latin-1")
    if value is not None:
        assert read == value
    else:
        assert str(read).startswith("2026-")


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("s5time", "0fff"),
        ("dt", "26130206000012ff"),
        ("dtl", "000000000000000000000000"),
        ("string[2]", "02ff4142"),
        ("wstring[2]", "0002000541414242"),
        ("wchar", "d800"),
        ("real", "0000"),
    ],
)
def test_bytes_that_are_no_such_value_are_refused(kind: str, raw: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Cell.parse("DB1.DBX0.0", kind).decode(bytes.fromhex(raw), "latin-1")


@pytest.mark.parametrize(
    ("written", "plain", "kind"),
    [
        ("%DB1.DBD4", "DB1.DBD4", None),
        ("%MW10", "MW10", None),
        ("%I0.1", "I0.1", None),
        ("DB1,REAL4", "DB1.DBD4", "real"),
        ("DB1.REAL4", "DB1.DBD4", "real"),
        ("db1,int2", "DB1.DBW2", "int"),
        ("DB1,X0.3", "DB1.DBX0.3", None),
        ("DB1,DINT8", "DB1.DBD8", "dint"),
        ("DB1,STRING20.10", "DB1.DBB20", "string[10]"),
        ("DB1,S20.10", "DB1.DBB20", "string[10]"),
        ("DB1,DTL30", "DB1.DBX30.0", "dtl"),
        ("DB1,B3", "DB1.DBB3", None),
    ],
)
def test_an_address_may_be_written_in_several_ways(
    written: str, plain: str, kind: str | None
) -> None:
    assert Cell.parse(written, None) == Cell.parse(plain, kind)


@pytest.mark.parametrize(
    ("written", "kind", "words"),
    [
        ("DB1,REAL4", "int", "give one"),
        ("DB1,X0", None, "a bit is written"),
        ("DB1,X0.8", None, "a bit is written"),
        ("DB1,REAL4.2", None, "only bits and strings"),
        ("DB1,FISH4", None, "is no type"),
        ("DB1.DBD4", "dtl", "write it with B"),
        ("DB70000.DBW0", None, "go to 65535"),
    ],
)
def test_an_address_that_cannot_be_is_refused(written: str, kind: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Cell.parse(written, kind)


@pytest.mark.parametrize(
    ("tag", "value_type"),
    [
        ({"address": "DB1,STRING20.10"}, ValueType.TEXT),
        ({"address": "DB1.DBB20", "type": "wstring[5]"}, ValueType.TEXT),
        ({"address": "DB1.DBX0.0", "type": "dtl"}, ValueType.TEXT),
        ({"address": "DB1,REAL4"}, ValueType.NUMBER),
        ({"address": "DB1,DINT4"}, ValueType.NUMBER),
        ({"address": "DB1.DBD4", "type": "time"}, ValueType.NUMBER),
        ({"address": "DB1,S20.10", "value_type": "number"}, ValueType.NUMBER),
    ],
)
def test_what_only_text_can_hold_is_text(tag: dict[str, str], value_type: ValueType) -> None:
    assert S7TagSettings.model_validate({"name": "m/x", "work_unit": "a/b/c"} | tag).kind is (
        value_type
    )


def test_access_points_are_written_as_tia_shows_them() -> None:
    tags = [{"name": "m/x", "work_unit": "a/b/c", "address": "MW0"}]
    common = {"driver": "s7", "host": "plc", "tags": tags}
    settings = S7Settings.model_validate(common | {"local_tsap": "10.00", "remote_tsap": "0x0301"})
    assert (settings.local_tsap, settings.remote_tsap) == (0x1000, 0x0301)
    with pytest.raises(ValueError, match="in quotes"):
        S7Settings.model_validate(common | {"remote_tsap": 3.01})
    with pytest.raises(ValueError, match="no access point"):
        S7Settings.model_validate(common | {"remote_tsap": "3"})
