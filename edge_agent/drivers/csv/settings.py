"""Settings of a recorded file that is replayed."""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from edge_agent.drivers.tag import SourceSettings, TagSettings
from plant.settings import StrictModel


class CsvTagSettings(TagSettings):
    """A tag that is one column of the file."""

    column: Annotated[str, Field(min_length=1)]
    """Title of the column, as the first line has it."""


class RecordingSettings(StrictModel):
    """How a recorded file is laid out, and which of its columns are tags."""

    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The one character between columns."""
    decimal_comma: bool = False
    """Whether numbers are written 1,5 instead of 1.5."""
    encoding: str = "utf-8-sig"
    """Character set of the file."""
    time_column: str
    """Title of the column with the source time."""
    time_format: str | None = None
    """Format of the time as of Python's `strptime`; left out, ISO 8601."""
    time_zone: str = "UTC"
    """IANA zone of times that carry no offset themselves."""
    tags: Annotated[list[CsvTagSettings], Field(min_length=1)]
    """The tags of this file."""

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as exc:
            raise ValueError(f"{value!r} is no IANA time zone such as Asia/Ho_Chi_Minh") from exc
        return value

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError as exc:
            raise ValueError(f"{value!r} is no character set such as utf-8 or cp1258") from exc
        return value


class CsvSettings(SourceSettings, RecordingSettings):
    """A recorded file that is replayed once, every row of it."""

    driver: Literal["csv"]
    """Chooses this driver."""
    file: Path
    """The file."""
    rate: Annotated[float, Field(gt=0)] | Literal["max"] = "max"
    """`max` for as fast as the platform takes it, or how many times as fast as it was recorded."""
