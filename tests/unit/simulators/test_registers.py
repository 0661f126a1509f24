import struct

import pytest

from plant.errors import ConfigurationError
from plant.measurement import TagRole, Value
from simulators.pilot import ServedTag
from simulators.registers import block_of, field_of


def tag(address: str, type_: str, **more: object) -> ServedTag:
    given = {"name": "m-1/x", "work_unit": "a/l/m-1", "address": address, "type": type_} | more
    return ServedTag.model_validate(given)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("int16", -1234.0),
        ("uint16", 65535.0),
        ("int32", -70000.0),
        ("uint32", 4_000_000_000.0),
        ("int64", -(2.0**40)),
        ("uint64", 2.0**40),
        ("float32", 0.5),
        ("float64", 1 / 3),
    ],
)
def test_number_comes_back_when_it_fits_its_type(type_: str, value: float) -> None:
    field = field_of(tag("hr:5", type_))
    block = bytearray((field.count + 3) * 2)

    field.encode(value, block, base=2)

    assert field.decode(bytes(block), base=2) == value


@pytest.mark.parametrize(("value", "raw"), [(25.34, 253), (-400.0, -4000), (5000.0, 32767)])
def test_number_is_scaled_and_clipped_when_it_is_an_integer(value: float, raw: int) -> None:
    field = field_of(tag("hr:0", "int16", scale=0.1))
    block = bytearray(2)

    field.encode(value, block, base=0)

    assert struct.unpack(">h", block)[0] == raw
    assert field.decode(bytes(block), 0) == raw * 0.1


@pytest.mark.parametrize("text", ["", "LSX-2601", "exactly-12ch"])
def test_text_comes_back_when_it_fits(text: str) -> None:
    field = field_of(tag("hr:0", "string[12]", role=TagRole.ORDER))
    block = bytearray(b"\xff" * 12)

    field.encode(text, block, base=0)

    assert field.decode(bytes(block), 0) == text


@pytest.mark.parametrize(("value", "code"), [("EXECUTE", 6), ("HELD", 11), ("NEW", 0)])
def test_text_becomes_its_code_when_states_are_given(value: Value, code: int) -> None:
    states = {6: "EXECUTE", 11: "HELD", 0: ""}
    field = field_of(tag("hr:0", "uint16", role=TagRole.STATE, states=states))
    block = bytearray(2)

    field.encode(value, block, base=0)

    assert struct.unpack(">H", block)[0] == code
    assert field.decode(bytes(block), 0) == states[code]


def test_block_holds_clock_and_values_when_encoded() -> None:
    block = block_of([tag("hr:14", "uint16"), tag("hr:15", "uint32", name="m-1/y")], clock=10)

    data = block.encode(1_700_000_000_123_456, [7, 8])

    assert (block.first, block.count) == (10, 7)
    assert struct.unpack(">QHI", data) == (1_700_000_000_123, 7, 8)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ([tag("hr:2", "uint16")], "register 2 belongs to the clock and to m-1/x"),
        ([tag("hr:4", "uint32"), tag("hr:5", "uint16", name="m-1/y")], "to m-1/x and to m-1/y"),
        ([tag("40001", "uint16")], "hr:10"),
        ([tag("hr:4", "uint8")], "uint16"),
    ],
)
def test_layout_is_refused_when_it_cannot_be_served(tags: list[ServedTag], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        block_of(tags, clock=0)
