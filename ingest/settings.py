"""Settings of the ingest."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from ingest.mes.settings import MesSettings
from ingest.sparkplug.settings import SparkplugSettings
from plant.settings import BrokerSettings, DatabaseSettings, Port, ServiceSettings, StrictModel

_MOST_FORMER_WORKERS = 16
"""How many workers there may have been whose sessions are looked for."""


class QueueSettings(StrictModel):
    """What may wait in memory between the broker and the database."""

    max_messages: Annotated[int, Field(ge=1)] = 20_000
    """Messages; beyond this the ingest stops reading from the broker."""
    max_bytes: Annotated[int, Field(ge=1)] = 64_000_000
    """Bytes of payload; one message always fits."""
    site_max_messages: Annotated[int, Field(ge=1)] = 1_000
    """Messages of one site where there are several; beyond this its edges are left to repeat."""
    site_max_bytes: Annotated[int, Field(ge=1)] = 16_000_000
    """The same in bytes of payload."""


class GroupSettings(StrictModel):
    """How many messages share one transaction."""

    max_rows: Annotated[int, Field(ge=1)] = 100_000
    """Measurements after which a transaction is closed."""
    max_wait_s: Annotated[float, Field(gt=0, le=60)] = 0.02
    """Longest time that a message waits for others, in seconds of the wall clock."""


class LimitSettings(StrictModel):
    """What is refused."""

    future_tolerance_s: Annotated[float, Field(ge=0)] = 300.0
    """How far ahead of the platform's clock a source time may be, in seconds."""
    max_payload_bytes: Annotated[int, Field(ge=1_000)] = 4_000_000
    """Larger messages are refused, and kept whole. Edges are told, and keep to it."""
    max_rows: Annotated[int, Field(ge=1)] = 20_000
    """Measurements in one message; a message with more is refused before it is unpacked."""
    max_tags: Annotated[int, Field(ge=1)] = 25_000
    """Tags that one birth may announce, and that an edge may have in all."""
    max_text_length: Annotated[int, Field(ge=1)] = 4_096
    """Longest text value, in characters."""
    require_enrolment: bool = False
    """Whether edges without a certificate of this platform that is still good are refused."""

    @property
    def future_tolerance_us(self) -> int:
        """How far ahead of the platform's clock a source time may be, in microseconds."""
        return int(self.future_tolerance_s * 1_000_000)


class WorkerSettings(StrictModel):
    """Which part of the sites this ingest takes, where several share the work."""

    index: Annotated[int, Field(ge=0)] = 0
    """Number of this worker, from 0."""
    count: Annotated[int, Field(ge=1, le=1_000)] = 1
    """How many workers there are."""

    @model_validator(mode="after")
    def _index_is_one_of_them(self) -> Self:
        if self.index >= self.count:
            raise ValueError(f"index {self.index} of {self.count} workers: they count from 0")
        return self


class IngestSettings(ServiceSettings):
    """Settings of `nhipmay ingest`."""

    broker: BrokerSettings = BrokerSettings()
    database: DatabaseSettings = DatabaseSettings()
    instance: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] = "1"
    """Tells several ingests of one broker apart; the MQTT client id ends with it. The sessions of
    `INSTANCE-0` and so on are taken for those of its former workers: name no other instance so."""
    workers: WorkerSettings = WorkerSettings()
    queue: QueueSettings = QueueSettings()
    group: GroupSettings = GroupSettings()
    limits: LimitSettings = LimitSettings()
    sparkplug: SparkplugSettings | None = None
    """The Sparkplug host application; none by default."""
    mes: MesSettings | None = None
    """Documents from an MES or ERP over MQTT; `{}` takes them, none are taken by default."""
    push_certificate_file: Path | None = None
    """Certificate (PEM, with its key) of `nhipmay edge push-config`, where the broker takes client
    ids from certificates; with that of `broker.tls` it would end the session of the ingest."""
    kept_file: Path = Path("nhipmay-ingest-kept.jsonl")
    """Where messages go that the database takes in no form, not even as a rejection."""
    metrics_host: str = "127.0.0.1"
    """Address on which Prometheus may read the counters."""
    metrics_port: Port | None = None
    """Port for Prometheus; none by default."""

    @property
    def client_id(self) -> str:
        """The MQTT client id, the same after every restart, so that the broker keeps its queue."""
        worker = f"-{self.workers.index}" if self.workers.count > 1 else ""
        return f"nm-ingest-{self.instance}{worker}"

    @property
    def former_client_ids(self) -> list[str]:
        """Client ids that workers of this instance had when they were more, fewer or one.

        The first worker lets the broker forget their sessions.
        """
        if self.workers.index:
            return []
        alone = f"nm-ingest-{self.instance}"
        present = 0 if self.workers.count == 1 else self.workers.count
        several = [f"{alone}-{k}" for k in range(present, _MOST_FORMER_WORKERS)]
        former = several if self.workers.count == 1 else [alone, *several]
        return [client_id + suffix for client_id in former for suffix in ("", "-mes")]
