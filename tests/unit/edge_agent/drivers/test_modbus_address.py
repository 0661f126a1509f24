import pytest
from pymodbus.client.mixin import ModbusClientMixin

from edge_agent.drivers.modbus.address import (
    Cell,
    Space,
    grouped,
    parse_address,
    parse_type,
)
from edge_agent.drivers.modbus.coding import Order

TYPES = ModbusClientMixin.DATATYPE


def cell(address: str, type_: str | None = None, order: str = "big", unit: int = 1) -> Cell:
    space, number, bit = parse_address(address)
    return Cell.make(space, number, bit, parse_type(type_, space, bit), unit, Order.parse(order))


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("int16", TYPES.INT16, -2),
        ("uint16", TYPES.UINT16, 65535),
        ("int32", TYPES.INT32, -70000),
        ("uint32", TYPES.UINT32, 4_000_000_000),
        ("int64", TYPES.INT64, -(2**60)),
        ("uint64", TYPES.UINT64, 2**64 - 1),
        ("float32", TYPES.FLOAT32, 0.5),
        ("float64", TYPES.FLOAT64, 0.1),
    ],
)
def test_a_number_is_read_back_when_another_library_wrote_it(
    name: str, kind: TYPES, value: float, order: str
) -> None:
    words = ModbusClientMixin.convert_to_registers(
        value, kind, word_order="little" if order == "little" else "big"
    )
    assert cell("hr:0", name).coding.width == len(words)
    assert cell("hr:0", name, order).decode(words) == value


def test_text_ends_at_its_length_or_a_nul_when_it_is_read() -> None:
    words = ModbusClientMixin.convert_to_registers("LSX-17-Đ", TYPES.STRING)
    text = cell("hr:0", "string[9]")
    assert text.coding.width == 5
    assert text.decode(words) == "LSX-17-Đ"
    assert cell("hr:0", "string6").decode(words[:3]) == "LSX-17"
    assert cell("hr:0", "string[4]").decode([0x4100, 0x4242]) == "A"


def test_a_bit_is_read_when_it_is_named() -> None:
    assert cell("hr:3.0").decode([0b1001]) is True
    assert cell("hr:3.1").decode([0b1001]) is False
    assert cell("co:3").decode([True]) is True


def test_neighbours_share_a_request_when_they_are_close() -> None:
    cells = [cell("hr:0", "uint64"), cell("hr:4"), cell("hr:21", "float32"), cell("hr:40")]
    groups = grouped(enumerate(cells), max_gap=16)
    assert [(group.start, group.count) for group in groups] == [(0, 23), (40, 1)]
    assert [key for group in groups for key, _ in group.cells] == [0, 1, 2, 3]


def test_a_request_stays_within_the_protocol_when_there_is_much_to_read() -> None:
    cells = [cell(f"hr:{number}", "float64") for number in range(0, 400, 4)]
    groups = grouped(enumerate(cells), max_gap=0)
    assert all(group.count <= 125 for group in groups)
    assert [len(group.cells) for group in groups] == [31, 31, 31, 7]


def test_spaces_are_read_apart_when_their_numbers_touch() -> None:
    groups = grouped(enumerate([cell("hr:0"), cell("ir:1"), cell("co:2"), cell("di:3")]), 16)
    assert {group.space for group in groups} == set(Space)


def test_cells_may_overlap_when_one_is_a_part_of_the_other() -> None:
    groups = grouped(enumerate([cell("hr:0", "uint32"), cell("hr:0.3"), cell("hr:1")]), 0)
    assert [(group.start, group.count, len(group.cells)) for group in groups] == [(0, 2, 3)]


# 1234.5 is 0x449A5000; the orders are as meters' manuals print them.
@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("ABCD", [0x449A, 0x5000]),
        ("CDAB", [0x5000, 0x449A]),
        ("BADC", [0x9A44, 0x0050]),
        ("DCBA", [0x0050, 0x9A44]),
    ],
)
def test_a_float_is_right_when_its_order_is_named(order: str, words: list[int]) -> None:
    assert cell("hr:0", "float32", order).decode(words) == 1234.5


@pytest.mark.parametrize(
    ("kind", "order", "words", "value"),
    [
        ("float64", "HGFEDCBA", [0x0000, 0x0000, 0x004A, 0x9340], 1234.5),
        ("float16", "ABCD", [0x3E00], 1.5),
        ("uint16", "BA", [0x3412], 0x1234),
        ("uint32", "DCBA", [0x7856, 0x3412], 0x12345678),
        ("bcd16", "ABCD", [0x1234], 1234),
        ("bcd32", "ABCD", [0x0012, 0x3456], 123456),
        ("bcd32", "CDAB", [0x3456, 0x0012], 123456),
        ("bcd64", "ABCD", [0x0000, 0x0012, 0x3456, 0x7890], 1234567890),
        ("uint8", "ABCD", [0xFE7F], 0x7F),
        ("uint8h", "ABCD", [0xFE7F], 0xFE),
        ("int8h", "ABCD", [0xFE7F], -2),
        ("int8l", "BADC", [0xFE7F], -2),
        ("string[4]", "BADC", [0x5358, 0x3731], "XS17"),
        ("string[4]", "CDAB", [0x5853, 0x3137], "XS17"),
    ],
)
def test_a_value_is_right_when_its_type_and_order_are_named(
    kind: str, order: str, words: list[int], value: object
) -> None:
    assert cell("hr:0", kind, order).decode(words) == value


def test_a_bit_lies_in_the_register_as_its_bytes_are_ordered() -> None:
    assert cell("hr:0.0", order="BADC").decode([0x0100]) is True
    assert cell("hr:0.8", order="ABCD").decode([0x0100]) is True


def test_a_register_is_no_decimal_when_a_digit_is_none() -> None:
    with pytest.raises(ValueError, match="12a4"):
        cell("hr:0", "bcd16").decode([0x12A4])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("40001", (Space.HOLDING_REGISTER, 0, None)),
        ("400001", (Space.HOLDING_REGISTER, 0, None)),
        ("465536", (Space.HOLDING_REGISTER, 65535, None)),
        ("40011.3", (Space.HOLDING_REGISTER, 10, 3)),
        ("30005", (Space.INPUT_REGISTER, 4, None)),
        ("10001", (Space.DISCRETE_INPUT, 0, None)),
        ("00017", (Space.COIL, 16, None)),
        ("hr:40000", (Space.HOLDING_REGISTER, 40000, None)),
        ("HR:0x9C41", (Space.HOLDING_REGISTER, 40001, None)),
        ("hr:30001", (Space.HOLDING_REGISTER, 30001, None)),
    ],
)
def test_numbers_of_manuals_are_understood(
    written: str, meant: tuple[Space, int, int | None]
) -> None:
    assert parse_address(written) == meant


@pytest.mark.parametrize(
    ("written", "hints"),
    [
        ("hr:40001", ("write 40001 (or hr:0)", "440002 (or hr:0x9c41)")),
        ("hr:400011", ("write 400011 (or hr:10)",)),
        ("ir:30001", ("write 30001 (or ir:0)", "330002")),
        ("di:10005", ("write 10005 (or di:4)",)),
        ("50001", ("no address such as",)),
        ("40000", ("go from 400001",)),
        ("hr:10.16", ("bits go to 15",)),
    ],
)
def test_an_address_of_two_meanings_is_refused_with_both(
    written: str, hints: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=r"write|such|bits|go") as refused:
        parse_address(written)
    assert all(hint in str(refused.value) for hint in hints)


def test_units_are_read_apart() -> None:
    groups = grouped(enumerate([cell("hr:0", unit=2), cell("hr:1", unit=1), cell("hr:2")]), 16)
    assert [(group.unit, group.start, group.count) for group in groups] == [(1, 1, 2), (2, 0, 1)]
