"""From a device's message to readings, without a broker."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import msgspec

from edge_agent.drivers.contract import Reading
from edge_agent.drivers.moment import moment_us
from edge_agent.drivers.mqtt.path import AbsentError, Path, found, parse_path, selected
from edge_agent.drivers.mqtt.settings import (
    BesideSettings,
    MqttQualitySettings,
    MqttSettings,
    MqttTagSettings,
    MqttTimeSettings,
)
from edge_agent.drivers.stated_quality import quality_said
from edge_agent.drivers.written import number_written
from plant.measurement import Quality, ValueType

TOPICS_REMEMBERED = 10_000


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

    __slots__ = ("decimal", "map", "name", "number", "path", "quality", "time", "topic", "words",
                 "zone")  # fmt: skip

    def __init__(
        self,
        tag: MqttTagSettings,
        time: MqttTimeSettings | None,
        quality: MqttQualitySettings | None,
    ) -> None:
        self.name = tag.name
        self.topic = tag.topic
        self.path: Path = parse_path(tag.path)
        self.number = tag.kind is ValueType.NUMBER or bool(tag.states)
        self.time = tag.time or time
        self.quality = tag.quality or quality
        self.zone = ZoneInfo(self.time.time_zone if self.time else "UTC")
        self.map, self.decimal = tag.words, tag.decimal
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
        self._tags = [_Tag(tag, settings.time, settings.quality) for tag in settings.tags]
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
            values = list(content.all_at(tag.path) if tag.path else content.whole(tag.number))
        except ValueError:
            self.unreadable += 1
            if tag.name not in self._seen:
                self._problems[tag.name] = f"{tag.words}: its messages are not JSON in UTF-8"
            return
        if not values:
            if tag.name not in self._seen:
                self._problems[tag.name] = f"{tag.words}: its messages have no such field"
            return
        self._seen.add(tag.name)
        self._problems.pop(tag.name, None)
        for place, (raw, entry) in enumerate(values):
            time_us, quality = self._time(tag, message, content, entry)
            if tag.time is None:
                # Samples of one message never share a time.
                time_us += place
            if message.retained and not self._is_news(tag, time_us):
                continue
            value = _scalar(raw, tag)
            if raw is not None and value is None and not _is_said_absent(raw):
                self.unreadable += 1
            quality = max(quality, self._quality(tag, content, entry))
            yield Reading(tag.name, value, time_us, Quality.BAD if value is None else quality)

    def _time(
        self, tag: _Tag, message: Message, content: "_Content", entry: object
    ) -> tuple[int, Quality]:
        """Return the source time; that of arrival, uncertain, when the message's is unreadable."""
        if tag.time is None:
            return message.arrived_us, Quality.GOOD
        try:
            raw = content.beside(tag.time, entry)
            return moment_us(raw, tag.time.format, tag.zone), Quality.GOOD
        except (AbsentError, ValueError):
            self.unreadable += 1
            self._problems[tag.name] = f"{tag.words}: no readable time at {tag.time.path}"
            return message.arrived_us, Quality.UNCERTAIN

    def _quality(self, tag: _Tag, content: "_Content", entry: object) -> Quality:
        if tag.quality is None:
            return Quality.GOOD
        try:
            return quality_said(content.beside(tag.quality, entry), tag.quality.numbers)
        except (AbsentError, ValueError):
            # Where a quality should be and none is, nobody vouches for the value.
            return Quality.UNCERTAIN

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

    def _message(self) -> object:
        if not self._done:
            self._decoded = _json(self._payload)
            self._done = True
        return self._decoded

    def all_at(self, path: Path) -> Iterator[tuple[object, object]]:
        """Yield what lies at a path, with its entry; raise ValueError when it is no JSON."""
        return selected(self._message(), path)

    def beside(self, where: BesideSettings, entry: object) -> object:
        """Return what belongs to a value; raise AbsentError, or ValueError when it is no JSON."""
        within, path = where.place()
        return found(entry if within else self._message(), path)

    def whole(self, number: bool) -> list[tuple[object, object]]:
        """Return the message itself as a value; raise ValueError when it is no text."""
        # A unit in another character set does not spoil a number.
        text = self._payload.decode("utf-8-sig", "replace" if number else "strict")
        text = text.strip(" \t\r\n\0")
        if number or text.startswith('"'):
            try:
                decoded = self._message()
            except ValueError:
                return [(text, text)]
            return [(decoded, decoded)]
        return [(text, text)]


def _json(payload: bytes) -> object:
    """Decode JSON as devices write it: with a mark of its byte order, NULs behind it, or NaN."""
    clean = payload.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n\0")
    try:
        return msgspec.json.decode(clean)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        if b"NaN" not in clean and b"Infinity" not in clean:
            raise ValueError(str(exc)) from exc
    try:
        return json.loads(clean)
    except RecursionError as exc:
        raise ValueError(str(exc)) from exc


def _scalar(raw: object, tag: _Tag) -> float | int | str | bool | None:
    """Return a value that a measurement can have; None for lists, mappings and nothing."""
    if isinstance(raw, str):
        return number_written(raw, tag.map, tag.decimal) if tag.number else raw
    if isinstance(raw, float) and not math.isfinite(raw):
        return None
    return raw if isinstance(raw, int | float | bool) else None


def _is_said_absent(raw: object) -> bool:
    """Return whether a message says itself that there is no value: NaN, or words for it."""
    return isinstance(raw, str) or (isinstance(raw, float) and not math.isfinite(raw))
