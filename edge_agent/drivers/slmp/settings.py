"""Settings of a Mitsubishi MELSEC controller."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from edge_agent.drivers.slmp.address import MAX_WORDS, Cell, Digits
from edge_agent.drivers.slmp.frame import Route
from edge_agent.drivers.tag import SampledTagSettings, SourceSettings
from plant.settings import Port


class SlmpTagSettings(SampledTagSettings):
    """A tag that is read from a controller's devices."""

    address: str
    """A device as GX Works writes it: `D100`, `W1A`, `R0`, `ZR32768`, `SD210`, `TN0`, `CN0` words;
    `M10`, `X1F`, `Y20`, `B0`, `L0`, `SM400` bits; `D100.A` one bit of a word."""
    type: str | None = None
    """`int16`, `uint16`, `int32`, `uint32`, `int64`, `uint64`, `float32`, `float64`, `bcd16`,
    `bcd32`, `bit`, or `string[n]` of n characters (also written `string16`); left out, `int16` for
    words and `bit` for bits."""

    @model_validator(mode="after")
    def _cell_exists(self) -> Self:
        _ = Cell.parse(self.address, self.type)
        return self


class SlmpSettings(SourceSettings):
    """A Mitsubishi MELSEC controller (iQ-R, iQ-F, Q, L) that is polled by SLMP over TCP."""

    driver: Literal["slmp"]
    """Chooses this driver."""
    host: str
    """Name or address of the controller."""
    port: Port = 5007
    """TCP port that its parameters open for SLMP (MC protocol), in binary code."""
    network: Annotated[int, Field(ge=0, le=239)] = 0
    """Number of the controllers' network; 0 for the controller that is connected."""
    station: Annotated[int, Field(ge=0, le=255)] = 255
    """Number of the controller in that network; 255 for the one that is connected."""
    module: Annotated[int, Field(ge=0, le=0xFFFF)] = 0x03FF
    """Input and output number of the CPU: 1023 (03FFH), or 992 to 995 of several CPUs."""
    x_y: Digits = "hex"
    """How X and Y are counted: `hex`, or `octal` as FX5 (iQ-F) does."""
    poll_interval_s: Annotated[float, Field(gt=0)] = 1.0
    """How often all tags are read (plant time)."""
    timeout_s: Annotated[float, Field(gt=0)] = 3.0
    """How long an answer may take before the connection counts as lost."""
    retry_missing_s: Annotated[float, Field(gt=0)] = 10.0
    """How often tags that the controller does not have are tried again (wall time)."""
    max_gap: Annotated[int, Field(ge=0, le=200)] = 32
    """Unused devices that may be read along to save a request."""
    max_words: Annotated[int, Field(ge=4, le=MAX_WORDS)] = MAX_WORDS
    """Most words of one request."""
    encoding: str = "cp932"
    """Character set of strings; Japanese by default, which holds ASCII."""
    tags: Annotated[list[SlmpTagSettings], Field(min_length=1)]
    """The tags of this source."""

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        try:
            b"\x00".decode(value)
        except (LookupError, ValueError) as exc:
            raise ValueError(f"{value!r} is no character set such as cp932 or utf-8") from exc
        return value

    @model_validator(mode="after")
    def _cells_exist(self) -> Self:
        _ = self.cells()
        return self

    @property
    def where(self) -> str:
        """The controller's address, in words."""
        return f"{self.host}:{self.port}"

    @property
    def route(self) -> Route:
        """The controller, as requests name it."""
        return Route(self.network, self.station, self.module)

    def cells(self) -> list[tuple[int, Cell]]:
        """Return each tag's number with where it lies; raise ValueError for what cannot be."""
        return [
            (key, Cell.parse(tag.address, tag.type, self.x_y)) for key, tag in enumerate(self.tags)
        ]
