"""Settings of an edge agent: who it is, where it sends, what it reads."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import msgspec
from pydantic import Field, model_validator

from edge_agent.drivers.settings import AnySource
from edge_agent.drivers.tag import TagSettings
from edge_agent.enrolment.settings import EnrolmentSettings
from edge_agent.priority import Priority
from edge_agent.sparkplug.settings import SparkplugOutputSettings
from plant.measurement import Tag
from plant.native.message import EdgeAddress, TagDeclaration
from plant.settings import BrokerSettings, Code, Port, ServiceSettings, StrictModel
from plant.unit import unit_of

if TYPE_CHECKING:
    from plant.sparkplug.topic import NodeId


class IdentitySettings(StrictModel):
    """Which edge this is."""

    enterprise: Code
    """Code of the enterprise."""
    site: Code
    """Code of the site."""
    code: Code
    """The edge's own code; the plant file lists it under its site."""

    def address(self) -> EdgeAddress:
        """Return the edge as topics name it."""
        return EdgeAddress(self.enterprise, self.site, self.code)


class OutboxSettings(StrictModel):
    """The durable store of measurements that the platform has not confirmed."""

    file: Path
    """The SQLite file; its folder is made when it is missing."""
    max_bytes: Annotated[int, Field(ge=1_000_000)] = 500_000_000
    """Largest size; when it is reached what matters least is given up and counted."""
    max_hours: Annotated[float, Field(gt=0)] = 72.0
    """Longest time a measurement is kept for a platform that does not answer: hours in which the
    agent is at work, so that nothing is given up because its clock is set."""
    synchronous: Literal["full", "normal"] = "full"
    """`full`: what is written survives a power cut; `normal`: a killed program, but a power cut
    may take the last seconds."""
    flush_interval_ms: Annotated[int, Field(ge=10, le=10_000)] = 100
    """How long readings are gathered before they are written together (wall time)."""


class PublishingSettings(StrictModel):
    """How measurements go to the broker; times are wall time unless said otherwise."""

    batch_rows: Annotated[int, Field(ge=1, le=5000)] = 500
    """Most measurements in one message."""
    batch_bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = 250_000
    """Most bytes of one message; the platform's limit counts if it is lower."""
    linger_ms: Annotated[int, Field(ge=10, le=60_000)] = 250
    """How long measurements wait for a message to fill."""
    max_in_flight: Annotated[int, Field(ge=1, le=20)] = 20
    """Most messages that are sent but not yet confirmed by the platform."""
    ack_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """How long the platform may take to confirm before messages are sent again; doubled each
    time it stays silent, to 300 s."""
    status_interval_s: Annotated[float, Field(gt=0)] = 10.0
    """How often the heartbeat is sent (plant time, at most once per second of wall time)."""
    drain_s: Annotated[float, Field(ge=0)] = 5.0
    """How long a stopping agent waits for confirmations."""


class ConfigurationSettings(StrictModel):
    """Whether and how the platform may say what this edge reads."""

    accept: bool = True
    """Whether sources that the platform pushes replace those of this file."""
    probation_s: Annotated[float, Field(ge=1)] = 60.0
    """How long new sources may all be silent before the old ones come back (wall time)."""
    file: Path | None = None
    """Where pushed sources are kept; left out, beside the outbox file."""


class EdgeSettings(ServiceSettings):
    """The settings file of an edge agent."""

    edge: IdentitySettings
    """Which edge this is."""
    broker: BrokerSettings = BrokerSettings()
    """The MQTT broker it sends to."""
    enrolment: EnrolmentSettings | None = None
    """Where it gets its certificates; left out, those of `broker.tls` are somebody else's care."""
    outbox: OutboxSettings
    """Where it keeps what is not yet confirmed."""
    publishing: PublishingSettings = PublishingSettings()
    """How it sends."""
    output: Literal["native", "sparkplug"] = "native"
    """`native`: to our platform, confirmed row by row; `sparkplug`: as a Sparkplug edge node."""
    sparkplug: SparkplugOutputSettings = SparkplugOutputSettings()
    """How it appears as a Sparkplug edge node."""
    configuration: ConfigurationSettings = ConfigurationSettings()
    """Whether the platform may say what it reads."""
    metrics_host: str = "127.0.0.1"
    """Address on which Prometheus may read the counters."""
    metrics_port: Port | None = None
    """Port for Prometheus; none by default."""
    max_memory_mb: Annotated[float, Field(ge=50)] = 1000.0
    """Memory above which all drivers are started anew, because one of them leaks."""
    sources: Annotated[dict[Code, AnySource], Field(min_length=1)]
    """What it reads, by a name of your choice."""

    @model_validator(mode="after")
    def _tags_are_unique(self) -> Self:
        names = Counter(tag.name for tag in self._tag_settings())
        twice = sorted(name for name, count in names.items() if count > 1)
        if twice:
            raise ValueError(f"tags named twice: {', '.join(twice)}")
        if not any(source.enabled for source in self.sources.values()):
            raise ValueError("no source is enabled")
        return self

    def tags(self) -> list[Tag]:
        """Return the definition of every tag of an enabled source, with its full path."""
        prefix = self.edge.address().site_path
        return [_tag(tag, prefix) for tag in self._tag_settings()]

    def priorities(self) -> dict[str, Priority]:
        """Return by name of tag how much it matters when the outbox is full."""
        return {tag.name: tag.rank for tag in self._tag_settings()}

    def declarations(self) -> list[TagDeclaration]:
        """Return the tags as the birth message declares them."""
        return [msgspec.convert(tag, TagDeclaration, from_attributes=True) for tag in self.tags()]

    def sparkplug_node(self) -> "NodeId":
        """Return the edge as a Sparkplug edge node."""
        from plant.sparkplug.topic import NodeId

        group = self.sparkplug.group_id or f"{self.edge.enterprise}.{self.edge.site}"
        return NodeId(group, self.sparkplug.edge_node_id or self.edge.code)

    def bd_seq_file(self) -> Path:
        """Return the file that counts the connections of the Sparkplug edge node."""
        beside = self.outbox.file.with_name(self.outbox.file.name + ".bdseq")
        return self.sparkplug.bd_seq_file or beside

    def _tag_settings(self) -> list[TagSettings]:
        return [tag for source in self.sources.values() if source.enabled for tag in source.tags]


def _tag(tag: TagSettings, site_path: str) -> Tag:
    def converted(value: float | None) -> float | None:
        return None if value is None else value * tag.factor

    return Tag(
        name=tag.name,
        work_unit=f"{site_path}/{tag.work_unit}",
        value_type=tag.kind,
        role=tag.role,
        unit=unit_of(tag.role, tag.unit),
        description=tag.description,
        low=converted(tag.low),
        high=converted(tag.high),
        counter_modulus=converted(tag.counter_modulus),
        max_rate_per_s=converted(tag.max_rate_per_s),
        max_silence_s=tag.max_silence_s,
    )
