"""Settings of the ways in."""

from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from plant.mes import KINDS
from plant.settings import DatabaseSettings, ServiceSettings, StrictModel


class MesSettings(StrictModel):
    """Documents from an MES or ERP over MQTT."""

    max_messages: Annotated[int, Field(ge=1)] = 1_000
    """Messages that may wait in memory; beyond this the ingest stops reading them."""
    max_bytes: Annotated[int, Field(ge=1)] = 64_000_000
    """Bytes of payload that may wait; one message always fits."""
    max_payload_bytes: Annotated[int, Field(ge=1_000)] = 16_000_000
    """Larger messages are refused, and kept whole."""
    certificate_file: Path | None = None
    """Certificate (PEM, with its key) of this session, where the broker takes its client id from
    it; left out, that of `broker.tls`."""


class ImportSettings(ServiceSettings):
    """Settings of `nhipmay import FILE`."""

    database: DatabaseSettings = DatabaseSettings()


class HighWaterSettings(StrictModel):
    """How rows that are new since the last time are told."""

    column: str
    """Column of the query whose largest value is remembered."""
    initial: str
    """Value of `%(high_water)s` the first time."""


class ForeignTableSettings(ServiceSettings):
    """Settings of `nhipmay import --sql FILE`: a table of another system, read again and again."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    """Name of this poll; how far it has read is remembered under it."""
    kind: str
    """Kind of the documents that the rows become."""
    database: DatabaseSettings = DatabaseSettings()
    """The platform's own database."""
    foreign: DatabaseSettings
    """The other system's PostgreSQL database; a login that may only read is enough."""
    query: Annotated[str, Field(min_length=1)]
    """Statement that returns the rows; `%(high_water)s` is bound, a plain % is written %%."""
    mapping: dict[str, str] = {}
    """Field of the document: column of the query. Without it columns are named as fields."""
    import_mapping: str = ""
    """Name of a confirmed mapping of `enterprise`, in place of `mapping` and `constants`."""
    enterprise: str = ""
    """Code of the enterprise whose mapping it is."""
    constants: dict[str, str] = {}
    """Fields that are the same in every document, such as `site`."""
    high_water: HighWaterSettings | None = None
    """How new rows are told; without it all rows are read each time."""
    time_zone: str | None = None
    """IANA zone of timestamps without one; without it they are refused."""
    interval_s: Annotated[float, Field(ge=1)] = 60.0
    """Wall seconds between two readings with `--watch`."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """A query that takes longer is given up."""
    max_rows: Annotated[int, Field(ge=1)] = 50_000
    """Rows of one reading; with a high-water mark the next reading goes on from there."""

    @field_validator("kind")
    @classmethod
    def _kind_exists(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"there is no kind {value!r}; known: {', '.join(KINDS)}")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
                raise ValueError(f"{value!r} is no IANA zone such as Asia/Ho_Chi_Minh") from exc
        return value

    @model_validator(mode="after")
    def _fields_exist(self) -> Self:
        if self.import_mapping and (self.mapping or not self.enterprise):
            raise ValueError("import_mapping: give `enterprise` beside it and no `mapping`")
        known = KINDS[self.kind].model_fields
        unknown = sorted({*self.mapping, *self.constants} - set(known))
        if unknown:
            raise ValueError(
                f"{self.kind} has no field {', '.join(unknown)}; known: {', '.join(known)}"
            )
        return self
