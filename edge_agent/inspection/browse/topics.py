"""What devices publish at a broker: topics, and the values within their messages."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from edge_agent.drivers.moment import AUTO, moment_us
from edge_agent.drivers.mqtt.link import MqttLink
from edge_agent.drivers.mqtt.message import Message
from edge_agent.drivers.written import number_written
from edge_agent.inspection.browse.found import MOST, Browsed, Place
from edge_agent.inspection.browse.listening import listen
from plant.clock import Clock
from plant.sparkplug import NAMESPACE

_TOPICS: Final = 10_000
_LONGEST_MESSAGE: Final = 1_000_000
_DEEPEST: Final = 12
_ENTRIES: Final = 50
"""Entries of one list that are looked at."""
_PLAIN_NAME: Final = re.compile(r"[^.\[\]/]+")
_KEYS: Final = ("id", "name", "tag", "n", "variable", "sensor", "key")
_VALUES: Final = ("v", "value", "val", "Value")
_TIMES: Final = ("t", "ts", "time", "timestamp", "Time", "Timestamp")
_QUALITIES: Final = ("q", "quality", "Quality")
_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class _Leaf:
    path: str
    """As a tag's `path` says it."""
    words: str
    """Its names, joined by `/`."""
    value: object
    beside: dict[str, Any]
    """Settings of its time and quality, where the entry has them."""


async def browse(
    connection: dict[str, Any], topic_filter: str, clock: Clock, for_s: float
) -> Browsed:
    """Return what is published within `for_s`, and what the broker keeps as retained.

    Raises SourceUnavailableError with the reason.
    """
    newest: dict[str, bytes] = {}
    left_out: set[str] = set()

    def take(_link: MqttLink, message: Message) -> None:
        if message.topic in newest or len(newest) < _TOPICS:
            newest[message.topic] = message.payload
        else:
            left_out.add(f"more than {_TOPICS} topics: name fewer by --under")

    refused = await listen(connection["broker"], [topic_filter], clock, for_s, take)
    found = Browsed("mqtt", connection)
    found.passed_over += [f"{one}: the broker denies reading it" for one in refused]
    found.passed_over += sorted(left_out)
    for topic, payload in sorted(newest.items()):
        if topic.startswith(f"{NAMESPACE}/"):
            found.passed_over.append(f"{topic}: Sparkplug; browse sparkplug://… instead")
        elif topic.startswith("nm/"):
            found.passed_over.append(f"{topic}: a message of an edge agent of ours")
        elif len(payload) > _LONGEST_MESSAGE:
            found.passed_over.append(f"{topic}: a message of {len(payload):,} bytes")
        elif any(mark in topic for mark in "+#\0"):
            found.passed_over.append(f"{topic!r}: no topic that can be named")
        else:
            _take(found, topic, payload)
        if len(found.places) > MOST:
            del found.places[MOST:]
            found.passed_over.append(f"more than {MOST} values: name fewer topics by --under")
            break
    return found


def _take(found: Browsed, topic: str, payload: bytes) -> None:
    try:
        text = payload.decode("utf-8-sig").strip("\0 \r\n\t")
    except UnicodeDecodeError:
        found.passed_over.append(f"{topic}: {len(payload)} bytes that are no text")
        return
    if not text:
        found.passed_over.append(f"{topic}: an empty message")
        return
    try:
        content = json.loads(text) if text[0] in "{[" else text
    except (ValueError, RecursionError):
        content = text
    for leaf in _leaves(content):
        tag: dict[str, Any] = {"topic": topic}
        if leaf.path:
            tag["path"] = leaf.path
        if not _is_number(leaf.value):
            tag["value_type"] = "text"
        place = f"{topic}/{leaf.words}" if leaf.words else topic
        found.places.append(Place(place, {**tag, **leaf.beside}, str(leaf.value)[:60]))


def _leaves(
    here: object, path: str = "", words: str = "", beside: dict[str, Any] | None = None,
    depth: int = 0,
) -> Iterator[_Leaf]:  # fmt: skip
    if isinstance(here, dict) and depth < _DEEPEST:
        beside, known = _beside(here, path, beside or {})
        for name, value in here.items():
            step = _step(name)
            if name in known or step is None:
                continue
            # `{id: …, v: …}` is one value that is called as its id says.
            is_value = name in _VALUES and "[" in path
            below = words if is_value else f"{words}/{name}" if words else name
            yield from _leaves(value, f"{path}.{step}" if path else step, below, beside, depth + 1)
    elif isinstance(here, list) and depth < _DEEPEST:
        for number, value in enumerate(here[:_ENTRIES]):
            step, name = _selection(number, value)
            below = f"{words}/{name}" if words else name
            yield from _leaves(value, f"{path}{step}", below, {"in_list": True}, depth + 1)
    elif here is not None:
        told = {key: value for key, value in (beside or {}).items() if key != "in_list"}
        yield _Leaf(path, words, here, told)


def _step(name: str) -> str | None:
    """Return how a path names a key; None for one that it cannot among dotted names."""
    return name if _PLAIN_NAME.fullmatch(name) else None


def _selection(number: int, entry: object) -> tuple[str, str]:
    """Return how an entry of a list is selected, and its name: by its key where it has one."""
    if isinstance(entry, dict):
        for key in _KEYS:
            value = entry.get(key)
            if isinstance(value, str) and value and not set(value) & set('"[]'):
                return f'[{key}="{value}"]', value
    return f"[{number}]", str(number)


def _beside(
    entry: dict[str, Any], path: str, given: dict[str, Any]
) -> tuple[dict[str, Any], set[str]]:
    """Return settings of time and quality for the values of an entry, and the keys they lie in."""
    at = "@." if given.get("in_list") else f"{path}." if path else ""
    told = {key: value for key, value in given.items() if key != "in_list"}
    known: set[str] = set()
    for name in _TIMES:
        if name in entry and _is_moment(entry[name]):
            told["time"] = {"path": f"{at}{name}"}
            known.add(name)
            break
    if any(name in entry for name in _VALUES):
        for name in _QUALITIES:
            if isinstance(entry.get(name), bool | str | int):
                told["quality"] = {"path": f"{at}{name}"}
                known.add(name)
                break
        if given.get("in_list"):
            known |= {name for name in _KEYS if isinstance(entry.get(name), str)}
    return told, known


def _is_moment(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    try:
        moment_us(value, AUTO, _UTC)
    except ValueError:
        return False
    return True


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return isinstance(number_written(value), int | float)
    return isinstance(value, bool | int | float)
