"""Settings of a Siemens S7 controller."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from edge_agent.drivers.s7.address import Cell
from edge_agent.drivers.tag import SampledTagSettings, SourceSettings
from plant.settings import Port


class S7TagSettings(SampledTagSettings):
    """A tag that is read from a controller's memory."""

    address: str
    """`DB1.DBX0.0` a bit, `DB1.DBB2` a byte, `DB1.DBW2` two bytes, `DB1.DBD4` four, of a data
    block that is not optimised; `M0.1`, `MW10`, `IW64`, `QB0` of the other areas."""
    type: str | None = None
    """`bool`, `byte`, `usint`, `sint`, `word`, `uint`, `int`, `dword`, `udint`, `dint`, `ulint`,
    `lint`, `real`, `lreal`, or `string[n]` of n characters (also written `string20`); left out,
    `bool`, `byte`, `word` or `dword` as the address is wide. Types of eight bytes and strings
    begin at a `DBB` or `DBX….0` address."""

    @model_validator(mode="after")
    def _cell_exists(self) -> Self:
        _ = self.cell
        return self

    @property
    def cell(self) -> Cell:
        """Where the tag lies and how it is coded; raises ValueError for what cannot be."""
        return Cell.parse(self.address, self.type)


class S7Settings(SourceSettings):
    """A Siemens S7 controller (300, 400, 1200, 1500 with PUT/GET allowed) that is polled."""

    driver: Literal["s7"]
    """Chooses this driver."""
    host: str
    """Name or address of the controller."""
    port: Port = 102
    """TCP port of the controller."""
    rack: Annotated[int, Field(ge=0, le=7)] = 0
    """Rack of the CPU."""
    slot: Annotated[int, Field(ge=0, le=31)] = 1
    """Slot of the CPU: 1 for S7-1200 and 1500, 2 for S7-300."""
    connection: Literal["pg", "op", "basic"] = "op"
    """Which of the controller's connection resources to take."""
    poll_interval_s: Annotated[float, Field(gt=0)] = 1.0
    """How often all tags are read (plant time)."""
    timeout_s: Annotated[float, Field(gt=0)] = 3.0
    """How long an answer may take before the connection counts as lost."""
    retry_missing_s: Annotated[float, Field(gt=0)] = 10.0
    """How often tags that the controller does not have are tried again (wall time)."""
    max_gap: Annotated[int, Field(ge=0, le=200)] = 32
    """Unused bytes that may be read along to save a request."""
    encoding: str = "latin-1"
    """Character set of strings."""
    tags: Annotated[list[S7TagSettings], Field(min_length=1)]
    """The tags of this source."""

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        try:
            b"\x00".decode(value)
        except (LookupError, ValueError) as exc:
            raise ValueError(f"{value!r} is no character set such as latin-1 or cp1258") from exc
        return value
