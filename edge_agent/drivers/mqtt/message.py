"""From a device's message to readings, without a broker."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from edge_agent.drivers.contract import Reading
from edge_agent.drivers.mqtt.path import AbsentError, Path, found, parse_path
from edge_agent.drivers.mqtt.settings import MqttSettings, MqttTagSettings, MqttTimeSettings
from plant.clock import microseconds
from plant.measurement import Quality, ValueType

TOPICS_REMEMBERED = 10_000
_COUNTS_US = {"s": 1_000_000.0, "ms": 1000.0, "us": 1.0, "ns": 0.001}
_TIMES = range(-(2**62), 2**62)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came."""

    topic: str
    payload: bytes
    arrived_us: int
    retained: bool = False
    """Whether the broker had it before we asked: how old it is, only its content can tell."""


class _Tag:
    """How one tag is taken from messages."""

    __slots__ = ("name", "number", "path", "time", "time_path", "topic", "words", "zone")

    def __init__(self, tag: MqttTagSettings, common: MqttTimeSettings | None) -> None:
        time = tag.time or common
        self.name = tag.name
        self.topic = tag.topic
        self.path: Path = parse_path(tag.path)
        self.number = tag.kind is ValueType.NUMBER or bool(tag.states)
        self.time = time
        self.time_path: Path = parse_path(time.path) if time else ()
        self.zone = ZoneInfo(time.time_zone) if time else None
        self.words = f"{tag.name} ({tag.topic}{' ' + tag.path if tag.path else ''})"


class MessageReader:
    """Reads the messages of one source; remembers which tags never appeared in theirs.

    `latest_us` gives the newest source time that was taken of a tag, or None.
    """

    def __init__(
        self,
        settings: MqttSettings,
        matches: Callable[[str, str], bool],
        latest_us: Callable[[str], int | None],
    ) -> None:
        self._tags = [_Tag(tag, settings.time) for tag in settings.tags]
        self._max_bytes = settings.max_message_bytes
        self._matches = matches
        self._latest_us = latest_us
        self._by_topic: dict[str, list[_Tag]] = {}
        self._seen: set[str] = set()
        self._problems: dict[str, str] = {}
        self.unreadable = 0
        """Messages and values that could not be read, since last asked."""

    @property
    def stamps_arrival(self) -> bool:
        """Whether some tag's messages carry no time."""
        return any(tag.time is None for tag in self._tags)

    @property
    def problems(self) -> list[str]:
        """What messages have never had, each with its tag."""
        return sorted(self._problems.values())

    def read(self, message: Message) -> list[Reading]:
        """Return the readings of a message; what cannot be read is counted, never raised."""
        tags = self._of_topic(message.topic)
        if not tags:
            return []
        if len(message.payload) > self._max_bytes:
            self.unreadable += 1
            return []
        content = _Content(message.payload)
        return [reading for tag in tags for reading in self._readings(tag, message, content)]

    def _of_topic(self, topic: str) -> Sequence[_Tag]:
        tags = self._by_topic.get(topic)
        if tags is None:
            if len(self._by_topic) >= TOPICS_REMEMBERED:
                self._by_topic.clear()
            tags = [tag for tag in self._tags if self._matches(tag.topic, topic)]
            self._by_topic[topic] = tags
        return tags

    def _readings(self, tag: _Tag, message: Message, content: "_Content") -> Iterator[Reading]:
        try:
            raw = content.at(tag.path) if tag.path else content.whole(number=tag.number)
        except AbsentError:
            if tag.name not in self._seen:
                self._problems[tag.name] = f"{tag.words}: its messages have no such field"
            return
        except ValueError:
            self.unreadable += 1
            if tag.name not in self._seen:
                self._problems[tag.name] = f"{tag.words}: its messages are not JSON in UTF-8"
            return
        self._seen.add(tag.name)
        self._problems.pop(tag.name, None)
        time_us, quality = self._time(tag, message, content)
        if message.retained and not self._is_news(tag, time_us):
            return
        value = _scalar(raw, number=tag.number)
        if raw is not None and value is None:
            self.unreadable += 1
        yield Reading(tag.name, value, time_us, Quality.BAD if value is None else quality)

    def _time(self, tag: _Tag, message: Message, content: "_Content") -> tuple[int, Quality]:
        """Return the source time; that of arrival, uncertain, when the message's is unreadable."""
        if tag.time is None:
            return message.arrived_us, Quality.GOOD
        try:
            return _moment_us(content.at(tag.time_path), tag.time.format, tag.zone), Quality.GOOD
        except (AbsentError, ValueError, OverflowError):
            self.unreadable += 1
            self._problems[tag.name] = f"{tag.words}: no readable time at {tag.time.path}"
            return message.arrived_us, Quality.UNCERTAIN

    def _is_news(self, tag: _Tag, time_us: int) -> bool:
        if tag.time is None or tag.name in self._problems:
            return False
        latest_us = self._latest_us(tag.name)
        return latest_us is None or time_us > latest_us


class _Content:
    """A payload, decoded once and only when somebody asks."""

    __slots__ = ("_decoded", "_done", "_payload")

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._decoded: object = None
        self._done = False

    def at(self, path: Path) -> object:
        """Return what lies at a path; raise AbsentError, or ValueError when it is no JSON."""
        if not self._done:
            self._decoded = _json(self._payload)
            self._done = True
        return found(self._decoded, path)

    def whole(self, *, number: bool) -> object:
        """Return the message itself as a value; raise ValueError when it is no text."""
        text = self._payload.decode("utf-8").strip()
        if not text and number:
            return None
        if number or text.startswith('"'):
            try:
                return self.at(())
            except ValueError:
                return text
        return text


def _json(payload: bytes) -> object:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ValueError(str(exc)) from exc


def _scalar(raw: object, *, number: bool) -> float | int | str | bool | None:
    """Return a value that a measurement can have; None for lists, mappings and nothing."""
    if isinstance(raw, str) and number:
        text = raw.strip()
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
        return raw
    return raw if isinstance(raw, str | int | float | bool) else None


def _moment_us(raw: object, layout: str, zone: ZoneInfo | None) -> int:
    """Return the microseconds of a message's time; raise ValueError or OverflowError."""
    if layout == "iso8601":
        if not isinstance(raw, str):
            raise ValueError("a time in ISO 8601 is text")
        moment = datetime.fromisoformat(raw.strip())
        return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    if isinstance(raw, str):
        raw = float(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ValueError("a time that counts is a number")
    factor = _COUNTS_US[layout]
    time_us = raw * int(factor) if isinstance(raw, int) and factor >= 1 else round(raw * factor)
    if time_us not in _TIMES:
        raise ValueError("the time is out of range")
    return time_us
