"""Settings of a Modbus source."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from edge_agent.drivers.modbus.address import (
    MAX_BITS,
    Cell,
    Space,
    parse_address,
    parse_type,
)
from edge_agent.drivers.modbus.coding import MAX_REGISTERS, Order
from edge_agent.drivers.tag import SampledTagSettings, SourceSettings
from plant.settings import Port, StrictModel

UnitId = Annotated[int, Field(ge=0, le=255)]
ByteOrder = Annotated[Order, BeforeValidator(Order.parse)]


class ModbusTagSettings(SampledTagSettings):
    """A tag that is read from registers or bits."""

    address: str
    """`hr:` holding register, `ir:` input register, `co:` coil or `di:` discrete input, with its
    number from 0; `hr:10.3` is bit 3 of a register. Or the number that manuals give, from 1:
    `40011` is `hr:10`, `30001` is `ir:0`, `40011.3` a bit; in quotes where it begins with 0."""
    type: str | None = None
    """`int16`, `uint16`, `int32`, `uint32`, `int64`, `uint64`, `float16`, `float32`, `float64`;
    `int8`, `uint8` for the low byte of a register, `int8h`, `uint8h` for the high one; `bcd16`,
    `bcd32`, `bcd64`; `bit`; or `string[n]` of n characters (also written `string16`, as YAML wants
    brackets quoted). Left out, `uint16` for registers and `bit` for bits."""
    unit_id: UnitId | None = None
    """Unit identifier of the device behind a gateway or on a serial line; left out, the
    source's."""
    word_order: ByteOrder | None = None
    """Order of the bytes of this tag, as the source's `word_order`; left out, as there."""

    @field_validator("address", mode="before")
    @classmethod
    def _address_is_text(cls, value: object) -> object:
        if isinstance(value, float):
            raise ValueError(f"write the address {value} in quotes: .1 and .10 are one number")
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _cell_exists(self) -> Self:
        _ = self.cell()
        return self

    def cell(self, unit_id: int = 1, order: Order = Order.ABCD) -> Cell:
        """Return where the tag lies and how it is coded, by a source's unit and order.

        Raises ValueError for what cannot be.
        """
        space, number, bit = parse_address(self.address)
        return Cell.make(
            space,
            number,
            bit,
            parse_type(self.type, space, bit),
            unit_id if self.unit_id is None else self.unit_id,
            self.word_order or order,
        )


class PlcClockSettings(StrictModel):
    """A block of holding registers with the PLC's own unix time."""

    address: Annotated[int, Field(ge=0, le=65535)]
    """Number of the first holding register, from 0."""
    type: Literal["uint32", "uint64", "float64"] = "uint64"
    """How the time is coded."""
    unit: Literal["s", "ms", "us"] = "ms"
    """What it counts since 1970-01-01T00:00Z."""

    @property
    def to_microseconds(self) -> int:
        """How many microseconds one count is."""
        return {"s": 1_000_000, "ms": 1000, "us": 1}[self.unit]


class SerialLineSettings(StrictModel):
    """A serial line (RS-485 or RS-232) with Modbus RTU devices."""

    port: Path
    """The port, such as `/dev/ttyUSB0`, or better a name under `/dev/serial/by-id`."""
    baud_rate: Annotated[int, Field(ge=50, le=4_000_000)] = 9600
    """Bits per second."""
    parity: Literal["none", "even", "odd"] = "even"
    """Parity bit; the standard's default is even."""
    stop_bits: Literal[1, 2] = 1
    """Stop bits."""


class ModbusSettings(SourceSettings):
    """A Modbus server (PLC), a gateway with several behind it, or a serial line, that is polled."""

    driver: Literal["modbus"]
    """Chooses this driver."""
    host: str | None = None
    """Name or address of the PLC or gateway."""
    port: Port = 502
    """TCP port of the PLC or gateway."""
    framing: Literal["tcp", "rtu"] = "tcp"
    """`rtu` for gateways that pass on the frames of a serial line as they are (RTU over TCP)."""
    serial: SerialLineSettings | None = None
    """A serial line in place of a host."""
    unit_id: UnitId = 1
    """Unit identifier behind the address; 1 or 255 for most PLCs. Sources with the same host and
    port, or the same line, share one connection."""
    poll_interval_s: Annotated[float, Field(gt=0)] = 1.0
    """How often all tags are read (plant time)."""
    timeout_s: Annotated[float, Field(gt=0)] = 3.0
    """How long an answer may take."""
    word_order: ByteOrder = Order.ABCD
    """Order of the bytes within a value, A the most significant: `ABCD` (or `big`), `CDAB`
    (`little`: the low register first), `BADC` (bytes swapped in each register, also of 16-bit
    values, bits and text) or `DCBA`."""
    encoding: str = "utf-8"
    """Character set of strings."""
    retry_missing_s: Annotated[float, Field(gt=0)] = 10.0
    """How often tags that the PLC does not know, and units that are silent, are tried again (wall
    time)."""
    max_gap: Annotated[int, Field(ge=0, le=120)] = 16
    """Unused registers that may be read along to save a request; 0 for PLCs that refuse gaps."""
    max_registers: Annotated[int, Field(ge=1, le=MAX_REGISTERS)] = MAX_REGISTERS
    """Most registers that the PLC takes in one request; a lower limit is learnt."""
    max_bits: Annotated[int, Field(ge=1, le=MAX_BITS)] = MAX_BITS
    """Most bits that the PLC takes in one request; a lower limit is learnt."""
    clock: PlcClockSettings | None = None
    """The PLC's own clock, giving readings of the source's unit their source time; left out, the
    agent's clock when each answer came."""
    tags: Annotated[list[ModbusTagSettings], Field(min_length=1)]
    """The tags of this source."""

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        try:
            b"\x00".decode(value)
        except (LookupError, ValueError) as exc:
            raise ValueError(f"{value!r} is no character set such as utf-8 or cp1258") from exc
        return value

    @model_validator(mode="after")
    def _has_one_line(self) -> Self:
        if (self.host is None) == (self.serial is None):
            raise ValueError("give either host or serial")
        return self

    @property
    def where(self) -> str:
        """The address, in words."""
        return f"{self.host}:{self.port}" if self.serial is None else str(self.serial.port)

    def cells(self) -> list[tuple[int, Cell]]:
        """Return each tag's number with where it lies and how it is coded."""
        return [(key, tag.cell(self.unit_id, self.word_order)) for key, tag in enumerate(self.tags)]

    def clock_cell(self) -> Cell | None:
        """Return where the PLC's clock lies and how it is coded, if it has one."""
        if self.clock is None:
            return None
        return Cell.make(
            Space.HOLDING_REGISTER,
            self.clock.address,
            None,
            parse_type(self.clock.type),
            self.unit_id,
            self.word_order,
        )
