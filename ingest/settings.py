"""Settings of the ingest."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from plant.settings import BrokerSettings, DatabaseSettings, Port, ServiceSettings, StrictModel


class QueueSettings(StrictModel):
    """What may wait in memory between the broker and the database."""

    max_messages: Annotated[int, Field(ge=1)] = 20_000
    """Messages; beyond this the ingest stops reading from the broker."""
    max_bytes: Annotated[int, Field(ge=1)] = 64_000_000
    """Bytes of payload; one message always fits."""


class GroupSettings(StrictModel):
    """How many messages share one transaction."""

    max_rows: Annotated[int, Field(ge=1)] = 60_000
    """Measurements after which a transaction is closed."""
    max_wait_s: Annotated[float, Field(gt=0, le=60)] = 0.1
    """Longest time that a message waits for others, in seconds of the wall clock."""
    quiet_s: Annotated[float, Field(gt=0, le=60)] = 0.01
    """A pause of this length between messages closes the transaction earlier."""


class LimitSettings(StrictModel):
    """What is refused."""

    future_tolerance_s: Annotated[float, Field(ge=0)] = 300.0
    """How far ahead of the platform's clock a source time may be, in seconds."""
    max_payload_bytes: Annotated[int, Field(ge=1_000)] = 4_000_000
    """Larger messages are refused; only their beginning is kept."""
    max_text_length: Annotated[int, Field(ge=1)] = 4_096
    """Longest text value, in characters."""

    @property
    def future_tolerance(self) -> timedelta:
        """How far ahead of the platform's clock a source time may be."""
        return timedelta(seconds=self.future_tolerance_s)


class IngestSettings(ServiceSettings):
    """Settings of `nhipmay ingest`."""

    broker: BrokerSettings = BrokerSettings()
    database: DatabaseSettings = DatabaseSettings()
    instance: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] = "1"
    """Tells several ingests of one broker apart; the MQTT client id ends with it."""
    queue: QueueSettings = QueueSettings()
    group: GroupSettings = GroupSettings()
    limits: LimitSettings = LimitSettings()
    metrics_host: str = "127.0.0.1"
    """Address on which Prometheus may read the counters."""
    metrics_port: Port | None = None
    """Port for Prometheus; none by default."""

    @property
    def client_id(self) -> str:
        """The MQTT client id, the same after every restart, so that the broker keeps its queue."""
        return f"nm-ingest-{self.instance}"
