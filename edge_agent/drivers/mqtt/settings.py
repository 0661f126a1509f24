"""Settings of devices that publish over MQTT."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from edge_agent.drivers.mqtt.path import parse_path
from edge_agent.drivers.tag import SourceSettings, TagSettings
from plant.settings import BrokerSettings, StrictModel

TimeFormat = Literal["iso8601", "s", "ms", "us", "ns"]


def _checked_path(text: str) -> str:
    parse_path(text)
    return text


class MqttTimeSettings(StrictModel):
    """Where a message says when it was measured."""

    path: Annotated[str, Field(min_length=1)]
    """Where the time lies in the message, as a tag's `path`."""
    format: TimeFormat = "iso8601"
    """`iso8601` for text, or what a number counts since 1970-01-01T00:00Z: `s`, `ms`, `us` or
    `ns`."""
    time_zone: str = "UTC"
    """IANA zone of ISO times that carry no offset themselves."""

    _path_is_one = field_validator("path")(_checked_path)

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ValueError(f"{value!r} is no IANA time zone such as Asia/Ho_Chi_Minh") from exc
        return value


class MqttTagSettings(TagSettings):
    """A tag that devices publish."""

    topic: Annotated[str, Field(min_length=1, max_length=1000)]
    """Topic, or topic filter with `+` and `#`, of the messages that carry the tag."""
    path: str = ""
    """Where the value lies in a JSON message: names and list positions such as `data.sensors.0`,
    or a JSON pointer such as `/data/sensors/0`; left out, the whole message is the value."""
    time: MqttTimeSettings | None = None
    """Where this tag's time lies; left out, as the source's `time` says."""

    _path_is_one = field_validator("path")(_checked_path)

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
    max_message_bytes: Annotated[int, Field(ge=100, le=10_000_000)] = 1_000_000
    """Largest message that is read; larger ones are counted as unreadable."""
    timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """How long the broker may take to answer before the connection counts as lost."""
    tags: Annotated[list[MqttTagSettings], Field(min_length=1)]
    """The tags of this source."""
