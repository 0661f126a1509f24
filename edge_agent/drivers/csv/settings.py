"""Settings of a recorded file that is replayed."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from edge_agent.drivers.moment import AUTO, checked_format, checked_zone
from edge_agent.drivers.tag import SourceSettings, WrittenTagSettings
from plant.settings import StrictModel


class CsvTagSettings(WrittenTagSettings):
    """A tag that is one column of the file, or one variable of a long one."""

    column: Annotated[str, Field(min_length=1)] | None = None
    """Title of the column, as the line of titles has it; of several with one title, `Flow#1`
    is the first."""
    variable: Annotated[str, Field(min_length=1)] | None = None
    """Name of the variable in a file with one value per row (`variable_column`)."""

    @property
    def wanted(self) -> str:
        """The name by which the file knows the tag."""
        return self.column or self.variable or ""

    @model_validator(mode="after")
    def _is_found_in_one_way(self) -> Self:
        if (self.column is None) == (self.variable is None):
            raise ValueError("give either column, or variable for a file with one value per row")
        return self


class RecordingSettings(StrictModel):
    """How a recorded file is laid out, and which of its columns are tags."""

    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The one character between columns; a first line such as `sep=;` outranks it."""
    decimal_comma: bool = False
    """Whether numbers are written 1,5 instead of 1.5."""
    encoding: str = "utf-8-sig"
    """Character set of the file, such as `cp1258`, `utf-16` or `utf-8-sig`."""
    skip_lines: Annotated[int, Field(ge=0)] | None = None
    """Lines before that of the titles; left out, the first line that has all titles, among the
    first 50, is it."""
    time_column: str
    """Title of the column with the source time, or with the date."""
    clock_column: str | None = None
    """Title of the column with the time of day, when `time_column` has only the date; a space joins
    both."""
    time_format: Annotated[str, AfterValidator(checked_format)] = AUTO
    """Format of the time as of Python's `strptime`, such as `%d/%m/%Y %H:%M:%S`; `s`, `ms`, `us`,
    `ns` for numbers since 1970, `epoch` to tell these by their size; `auto` for ISO 8601 or
    `epoch`."""
    time_zone: Annotated[str, AfterValidator(checked_zone)] = "UTC"
    """IANA zone of times that carry no offset themselves."""
    variable_column: str | None = None
    """Title of the column with the name of the variable, in a file with one value per row."""
    value_column: str | None = None
    """Title of the column with the value, in such a file."""
    quality_column: str | None = None
    """Title of a column that says how good the values of a row are: words, true or false, or
    numbers of OPC (192 is good, as is 1 where that is all)."""
    tags: Annotated[list[CsvTagSettings], Field(min_length=1)]
    """The tags of this file."""

    @model_validator(mode="after")
    def _is_wide_or_long(self) -> Self:
        is_long = self.variable_column is not None
        if is_long != (self.value_column is not None):
            raise ValueError("variable_column and value_column go together")
        wrong = [tag.name for tag in self.tags if (tag.variable is not None) != is_long]
        if wrong:
            needed = "variable" if is_long else "column"
            raise ValueError(f"these tags need {needed}: {', '.join(wrong)}")
        return self

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
