import pytest
from pymodbus.client.mixin import ModbusClientMixin

from edge_agent.drivers.modbus.address import (
    Cell,
    Space,
    grouped,
    parse_address,
    parse_type,
)

TYPES = ModbusClientMixin.DATATYPE


def cell(address: str, type_: str | None = None) -> Cell:
    space, number, bit = parse_address(address)
    return Cell.make(space, number, bit, parse_type(type_, space, bit))


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
    assert cell("hr:0", name).decode(words, order) == value


def test_text_ends_at_its_length_or_a_nul_when_it_is_read() -> None:
    words = ModbusClientMixin.convert_to_registers("LSX-17-Đ", TYPES.STRING)
    text = cell("hr:0", "string[9]")
    assert text.coding.width == 5
    assert text.decode(words, "big") == "LSX-17-Đ"
    assert cell("hr:0", "string6").decode(words[:3], "big") == "LSX-17"
    assert cell("hr:0", "string[4]").decode([0x4100, 0x4242], "big") == "A"


def test_a_bit_is_read_when_it_is_named() -> None:
    assert cell("hr:3.0").decode([0b1001], "big") is True
    assert cell("hr:3.1").decode([0b1001], "big") is False
    assert cell("co:3").decode([True], "big") is True


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
