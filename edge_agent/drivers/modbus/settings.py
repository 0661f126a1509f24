"""Settings of a Modbus TCP source."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from edge_agent.drivers.modbus.address import Cell, Space, parse_address, parse_type
from edge_agent.drivers.tag import SampledTagSettings, SourceSettings
from plant.settings import Port, StrictModel

WordOrder = Literal["big", "little"]


class ModbusTagSettings(SampledTagSettings):
    """A tag that is read from registers or bits."""

    address: str
    """`hr:` holding register, `ir:` input register, `co:` coil or `di:` discrete input, with its
    number from 0; `hr:10.3` is bit 3 of a register."""
    type: str | None = None
    """`int16`, `uint16`, `int32`, `uint32`, `int64`, `uint64`, `float32`, `float64`, `bit`, or
    `string[n]` of n characters (also written `string16`, as YAML wants brackets quoted); left out,
    `uint16` for registers and `bit` for bits."""

    @model_validator(mode="after")
    def _cell_exists(self) -> Self:
        _ = self.cell
        return self

    @property
    def cell(self) -> Cell:
        """Where the tag lies and how it is coded; raises ValueError for what cannot be."""
        space, number, bit = parse_address(self.address)
        return Cell.make(space, number, bit, parse_type(self.type, space, bit))


class PlcClockSettings(StrictModel):
    """A block of holding registers with the PLC's own unix time."""

    address: Annotated[int, Field(ge=0, le=65535)]
    """Number of the first holding register, from 0."""
    type: Literal["uint32", "uint64", "float64"] = "uint64"
    """How the time is coded."""
    unit: Literal["s", "ms", "us"] = "ms"
    """What it counts since 1970-01-01T00:00Z."""

    @property
    def cell(self) -> Cell:
        """Where the clock lies and how it is coded."""
        return Cell.make(Space.HOLDING_REGISTER, self.address, None, parse_type(self.type))

    @property
    def to_microseconds(self) -> int:
        """How many microseconds one count is."""
        return {"s": 1_000_000, "ms": 1000, "us": 1}[self.unit]


class ModbusSettings(SourceSettings):
    """A Modbus TCP server (PLC) that is polled."""

    driver: Literal["modbus"]
    """Chooses this driver."""
    host: str
    """Name or address of the PLC."""
    port: Port = 502
    """TCP port of the PLC."""
    unit_id: Annotated[int, Field(ge=0, le=255)] = 1
    """Unit identifier behind the address; 1 or 255 for most PLCs."""
    poll_interval_s: Annotated[float, Field(gt=0)] = 1.0
    """How often all tags are read (plant time)."""
    timeout_s: Annotated[float, Field(gt=0)] = 3.0
    """How long an answer may take before the connection counts as lost."""
    word_order: WordOrder = "big"
    """Order of the registers within a value of 32 or 64 bits."""
    retry_missing_s: Annotated[float, Field(gt=0)] = 10.0
    """How often tags that the PLC does not know are tried again (wall time)."""
    max_gap: Annotated[int, Field(ge=0, le=120)] = 16
    """Unused registers that may be read along to save a request; 0 for PLCs that refuse gaps."""
    clock: PlcClockSettings | None = None
    """The PLC's own clock, giving every reading its source time; left out, the agent's clock."""
    tags: Annotated[list[ModbusTagSettings], Field(min_length=1)]
    """The tags of this source."""
