"""Settings of a Siemens S7 controller."""

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from edge_agent.drivers.s7.address import Cell
from edge_agent.drivers.s7.coding import is_text
from edge_agent.drivers.tag import SampledTagSettings, SourceSettings
from plant.settings import Port


def _tsap(value: object) -> object:
    if isinstance(value, float):
        raise ValueError(f"write the access point {value} in quotes")
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(?:0x)?([0-9a-f]{2})\.?([0-9a-f]{2})", value.strip().lower())
    if match is None:
        raise ValueError(f"{value!r} is no access point such as 03.01 or 0x0301")
    return int(match[1] + match[2], 16)


Tsap = Annotated[int, BeforeValidator(_tsap), Field(ge=0, le=0xFFFF)]


class S7TagSettings(SampledTagSettings):
    """A tag that is read from a controller's memory."""

    address: str
    """`DB1.DBX0.0` a bit, `DB1.DBB2` a byte, `DB1.DBW2` two bytes, `DB1.DBD4` four, of a data
    block that is not optimised; `M0.1`, `MW10`, `IW64`, `QB0` of the other areas; with TIA's `%`
    before it or without. Or with its type: `DB1,REAL4`, `DB1,X0.3`, `DB1,STRING20.10`."""
    type: str | None = None
    """`bool`, `byte`, `usint`, `sint`, `word`, `uint`, `int`, `dword`, `udint`, `dint`, `lword`,
    `ulint`, `lint`, `real`, `lreal`; `time`, `s5time`, `ltime`, `tod`, `ltod` (in milliseconds);
    `date`, `dt`, `dtl`, `ldt` (text in ISO 8601); `char`, `wchar`, `string[n]`, `wstring[n]` of n
    characters (also written `string20`). Left out, `bool`, `byte`, `word` or `dword` as the
    address is wide. Types of other sizes begin at a `DBB` or `DBX….0` address."""

    @model_validator(mode="before")
    @classmethod
    def _text_is_text(cls, data: object) -> object:
        """What only text can hold is text, unless the tag says otherwise."""
        if isinstance(data, dict) and not {"value_type", "role"} & data.keys():
            typed = re.fullmatch(r"DB\d+[.,]([A-Z_]+?)[\d.]+", str(data.get("address")).upper())
            if is_text(data.get("type") or (typed[1] if typed else "")):
                return {**data, "value_type": "text"}
        return data

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
    local_tsap: Tsap | None = None
    """Own access point, for controllers and gateways that know their partners, as TIA shows it
    (`10.00`) or in hexadecimal (`0x1000`)."""
    remote_tsap: Tsap | None = None
    """The controller's access point, such as `03.01`, in place of `rack`, `slot` and `connection`;
    LOGO! and S7-200 have `02.00` and `10.00`."""
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

    @property
    def where(self) -> str:
        """The controller's address, in words."""
        return f"{self.host}:{self.port}"

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        try:
            b"\x00".decode(value)
        except (LookupError, ValueError) as exc:
            raise ValueError(f"{value!r} is no character set such as latin-1 or cp1258") from exc
        return value
