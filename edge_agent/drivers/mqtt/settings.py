"""Settings of devices that publish over MQTT."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from edge_agent.drivers.moment import AUTO, checked_format, checked_zone
from edge_agent.drivers.mqtt.path import Path, parse_path
from edge_agent.drivers.stated_quality import Numbers
from edge_agent.drivers.tag import SourceSettings, WrittenTagSettings
from plant.settings import BrokerSettings, StrictModel


def _checked_path(text: str) -> str:
    parse_path(text.removeprefix("@."))
    return text


PathText = Annotated[str, AfterValidator(_checked_path)]


class BesideSettings(StrictModel):
    """Where something lies that belongs to a value."""

    path: Annotated[PathText, Field(min_length=1)]
    """Where it lies in the message, as a tag's `path`; `@.t` lies in the entry that the tag's path
    selected."""

    def place(self) -> tuple[bool, Path]:
        """Return whether it lies in the selected entry, and its path from there."""
        return self.path.startswith("@."), parse_path(self.path.removeprefix("@."))


class MqttTimeSettings(BesideSettings):
    """Where a message says when it was measured."""

    format: Annotated[str, AfterValidator(checked_format)] = AUTO
    """`iso8601` for text; what a number counts since 1970-01-01T00:00Z: `s`, `ms`, `us` or `ns`, or
    `epoch` to tell by its size; a format of Python's `strptime` such as `%d/%m/%Y %H:%M:%S`; `auto`
    for ISO 8601 or `epoch`."""
    time_zone: Annotated[str, AfterValidator(checked_zone)] = "UTC"
    """IANA zone of times that carry no offset themselves."""


class MqttQualitySettings(BesideSettings):
    """Where a message says how good a value is."""

    numbers: Numbers = "opc_da"
    """What numbers mean: `opc_da` (192 is good) or `opc_ua` (0 is good); words and true or false
    are known by themselves."""


class MqttTagSettings(WrittenTagSettings):
    """A tag that devices publish."""

    topic: Annotated[str, Field(min_length=1, max_length=1000)]
    """Topic, or topic filter with `+` and `#`, of the messages that carry the tag."""
    path: PathText = ""
    """Where the value lies in a JSON message: names and list positions such as `data.sensors.0`,
    or a JSON pointer such as `/data/sensors/0`. `values[id=Line1.Speed].v` selects in a list the
    entries with this `id`, `samples[*].v` takes all. Left out, the whole message is the value."""
    time: MqttTimeSettings | None = None
    """Where this tag's time lies; left out, as the source's `time` says."""
    quality: MqttQualitySettings | None = None
    """Where this tag's quality lies; left out, as the source's `quality` says."""

    @field_validator("topic")
    @classmethod
    def _topic_is_a_filter(cls, value: str) -> str:
        levels = value.split("/")
        ends = all(level != "#" for level in levels[:-1])
        alone = all(level in {"+", "#"} or not {"+", "#"} & set(level) for level in levels)
        if not (ends and alone) or "\0" in value or value.startswith("$share/"):
            raise ValueError(f"{value!r} is no topic filter: + is one level, # the last one")
        return value


class MqttSettings(SourceSettings):
    """A broker to which devices publish."""

    driver: Literal["mqtt"]
    """Chooses this driver."""
    broker: BrokerSettings = BrokerSettings()
    """The devices' broker; settings as of the edge's own `broker`."""
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """Name of this source at the broker, of its own and always the same: the broker keeps for it
    what comes while the edge is away. Two clients with one id throw each other out."""
    time: MqttTimeSettings | None = None
    """Where messages say when they were measured; left out, it is the time of their arrival."""
    quality: MqttQualitySettings | None = None
    """Where messages say how good a value is; left out, every value is good."""
    max_message_bytes: Annotated[int, Field(ge=100, le=10_000_000)] = 1_000_000
    """Largest message that is read; larger ones are counted as unreadable."""
    timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """How long the broker may take to answer before the connection counts as lost."""
    tags: Annotated[list[MqttTagSettings], Field(min_length=1)]
    """The tags of this source."""
