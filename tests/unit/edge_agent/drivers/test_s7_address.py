"""S7 addresses, types and grouped reads, without a controller."""

import struct

import pytest

from edge_agent.drivers.s7.address import Area, Cell, grouped


@pytest.mark.parametrize(
    ("address", "kind", "expected"),
    [
        ("DB1.DBX0.0", None, (Area.DATA_BLOCK, 1, 0, "bool", 1, 0)),
        ("db12.dbx3.7", "BOOL", (Area.DATA_BLOCK, 12, 3, "bool", 1, 7)),
        ("DB1.DBB4", None, (Area.DATA_BLOCK, 1, 4, "byte", 1, 0)),
        ("DB1.DBW4", None, (Area.DATA_BLOCK, 1, 4, "word", 2, 0)),
        ("DB1.DBW4", "int", (Area.DATA_BLOCK, 1, 4, "int", 2, 0)),
        ("DB1.DBD4", None, (Area.DATA_BLOCK, 1, 4, "dword", 4, 0)),
        ("DB1.DBD4", "REAL", (Area.DATA_BLOCK, 1, 4, "real", 4, 0)),
        ("DB1.DBB8", "lreal", (Area.DATA_BLOCK, 1, 8, "lreal", 8, 0)),
        ("DB1.DBX8.0", "LReal", (Area.DATA_BLOCK, 1, 8, "lreal", 8, 0)),
        ("DB1.DBX8.0", "real", (Area.DATA_BLOCK, 1, 8, "real", 4, 0)),
        ("DB1.DBB20", "string[10]", (Area.DATA_BLOCK, 1, 20, "string", 12, 0)),
        ("DB1.DBB20", "string", (Area.DATA_BLOCK, 1, 20, "string", 256, 0)),
        ("M0.1", None, (Area.MERKER, 0, 0, "bool", 1, 1)),
        ("MW10", "int", (Area.MERKER, 0, 10, "int", 2, 0)),
        ("EW64", None, (Area.INPUT, 0, 64, "word", 2, 0)),
        ("IW64", None, (Area.INPUT, 0, 64, "word", 2, 0)),
        ("AB1", None, (Area.OUTPUT, 0, 1, "byte", 1, 0)),
        ("QX1.0", None, (Area.OUTPUT, 0, 1, "bool", 1, 0)),
    ],
)
def test_an_address_says_where_and_how(
    address: str, kind: str | None, expected: tuple[object, ...]
) -> None:
    cell = Cell.parse(address, kind)
    assert (cell.area, cell.block, cell.start, cell.coding.name, cell.size, cell.bit) == expected


@pytest.mark.parametrize(
    ("address", "kind", "words"),
    [
        ("DB1.V0", None, "is no type"),
        ("DB1.DBX0", None, "X goes with a bit"),
        ("DB1.DBW0.1", None, "X goes with a bit"),
        ("DB1.DBX0.8", None, "0 to 7"),
        ("DB1.DBX0.3", "real", "its type is bool"),
        ("DB1.DBW0", "bool", "a bit is written"),
        ("DB1.DBW0", "real", "does not fit real: write it with D"),
        ("DB1.DBD0", "int", "does not fit int: write it with W"),
        ("DB1.DBD0", "lreal", "does not fit lreal: write it with B"),
        ("DB1.DBB0", "fish", "is no type"),
        ("DB1.DBB0", "string[255]", "is no type"),
        ("DB1.DBB0", "string[0]", "is no type"),
        ("DB1.DBD65533", None, "passes byte"),
        ("DB99999.DBW0", None, "go to 65535"),
        ("T5", None, "is no address"),
    ],
)
def test_an_address_that_cannot_be_is_refused(address: str, kind: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Cell.parse(address, kind)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("sint", b"\xfe", -2),
        ("usint", b"\xfe", 254),
        ("int", b"\xff\xfe", -2),
        ("uint", b"\xff\xfe", 65534),
        ("dint", b"\xff\xff\xff\xfe", -2),
        ("udint", b"\xff\xff\xff\xfe", 4294967294),
        ("lint", struct.pack(">q", -5), -5),
        ("ulint", struct.pack(">Q", 2**63), 2**63),
        ("real", struct.pack(">f", 1.5), 1.5),
        ("lreal", struct.pack(">d", 0.1), 0.1),
        ("string[4]", b"\x04\x02ab\x00\x00", "ab"),
        ("string[4]", b"\x04\x00zzzz", ""),
        ("string[2]", b"\x02\x02\xe9\xb0", "é°"),
    ],
)
def test_bytes_become_values(kind: str, raw: bytes, value: object) -> None:
    assert Cell.parse("DB1.DBX0.0", kind).decode(raw, "latin-1") == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("string[2]", b"\x02\x03abc"),
        ("string[2]", b"\x00\x01a\x00"),
        ("string[2]", b"\x02"),
        ("lreal", b"\x00\x00\x00"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_such_value_are_refused(kind: str, raw: bytes) -> None:
    with pytest.raises(ValueError, match="bytes are no"):
        Cell.parse("DB1.DBB0", kind).decode(raw, "latin-1")


def test_reads_are_shared_within_gap_size_and_block() -> None:
    cells = [
        Cell.parse(address, None)
        for address in ("DB1.DBD0", "DB1.DBX4.1", "DB1.DBW40", "DB2.DBW0", "DB1.DBW6", "M0.0")
    ]
    groups = grouped(enumerate(cells), max_gap=8, max_bytes=200)
    assert [(one.area, one.block, one.start, one.size, len(one.cells)) for one in groups] == [
        (Area.DATA_BLOCK, 1, 0, 8, 3),
        (Area.DATA_BLOCK, 1, 40, 2, 1),
        (Area.DATA_BLOCK, 2, 0, 2, 1),
        (Area.MERKER, 0, 0, 1, 1),
    ]
    assert groups[0].bytes_of(cells[1], bytes(range(8))) == b"\x04"
    assert [one.size for one in grouped(enumerate(cells[:3]), max_gap=200, max_bytes=7)] == [5, 2]
