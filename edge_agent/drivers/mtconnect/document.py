"""MTConnect documents, of any version from 1.0 to 2.x, read from XML that is not trusted.

Elements are known by their local names: the namespace changes with each version. The parser keeps
no tree, only what it was asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import DefusedXMLParser

from plant.clock import microseconds
from plant.errors import DataError

MAX_DEPTH = 100
MAX_TEXT = 20_000
"""Characters of one observation; what is longer is cut."""
UNAVAILABLE = "UNAVAILABLE"

_STREAM_PARTS = {"Samples": "sample", "Events": "event", "Condition": "condition"}


class Category(StrEnum):
    """The three categories of data items."""

    SAMPLE = "sample"
    """A continuous value."""
    EVENT = "event"
    """A state, a message or a count."""
    CONDITION = "condition"
    """The health of a part of the machine."""


class Observation(NamedTuple):
    """One observation; a tuple because many pass per second."""

    sequence: int
    data_item: str
    """Id of the data item."""
    category: Category
    time_us: int | None
    """Source time; None when the document's could not be read."""
    text: str
    level: str = ""
    """Of a condition: `NORMAL`, `WARNING`, `FAULT` or `UNAVAILABLE`."""
    code: str = ""
    """Of a condition: the machine's own code."""
    condition: str = ""
    """Of a condition: which of those of its data item it is; empty for all of them."""
    entries: Mapping[str, str] = {}
    """Of a data set its values by key; of a table `row.cell` too."""
    rate_hz: float | None = None
    """Of a time series: samples per second, the last of them at the time of the observation."""


@dataclass(frozen=True, slots=True)
class DataItem:
    """One data item as the probe describes it."""

    id: str
    name: str
    category: str = ""
    """`SAMPLE`, `EVENT` or `CONDITION`."""
    type: str = ""
    """What it is, by the standard's list, such as `SPINDLE_SPEED`; with its sub-type."""
    units: str = ""
    """The standard's unit, such as `REVOLUTION/MINUTE`; empty where there is none."""
    representation: str = ""
    """`VALUE` where empty; else `TIME_SERIES`, `DATA_SET`, `TABLE` or `DISCRETE`."""
    path: str = ""
    """Device and components that it belongs to, by their names, joined by `/`."""


@dataclass(frozen=True, slots=True)
class AgentError:
    """One error that the agent reports instead of data."""

    code: str
    """Such as `OUT_OF_RANGE`, `NO_DEVICE` or `INVALID_REQUEST`."""
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One document of an agent."""

    instance: int
    """Names one life of the agent's buffer; sequence numbers of another have no meaning here."""
    created_us: int | None
    first: int | None
    """Sequence number of the oldest observation in the agent's buffer."""
    last: int | None
    """Sequence number of the newest."""
    next: int | None
    """Sequence number to ask for next."""
    observations: tuple[Observation, ...] = ()
    data_items: tuple[DataItem, ...] = ()
    errors: tuple[AgentError, ...] = ()

    def error(self, code: str) -> AgentError | None:
        """Return the agent's error of that code, if it is among them."""
        return next((error for error in self.errors if error.code == code), None)


def parse(payload: bytes) -> Document:
    """Read a document; raise DataError `malformed` when it is none of MTConnect's."""
    target = _Target()
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        parser.feed(payload)
        parser.close()
        return target.document()
    except (ParseError, ValueError, LookupError, RecursionError) as exc:
        # defusedxml's refusals are ValueErrors; an unknown encoding is a LookupError.
        raise DataError("malformed", str(exc) or type(exc).__name__) from exc


@dataclass(slots=True)
class _Open:
    """An observation or error whose element is not closed yet."""

    name: str
    attributes: Mapping[str, str]
    depth: int
    text: list[str] = field(default_factory=list)
    length: int = 0
    keys: list[str] = field(default_factory=list)
    """The entry, and the cell, that is open."""
    entries: dict[str, str] = field(default_factory=dict)


class _Target:
    """What the XML parser calls; gathers header, observations, data items and errors."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._components: list[tuple[int, str]] = []
        """Depth and name of the device and components that are open."""
        self._header: Mapping[str, str] | None = None
        self._category: Category | None = None
        self._open: _Open | None = None
        self._observations: list[Observation] = []
        self._data_items: list[DataItem] = []
        self._errors: list[AgentError] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self._path) >= MAX_DEPTH:
            raise ValueError(f"elements are nested deeper than {MAX_DEPTH}")
        name = tag.rpartition("}")[2]
        if self._open is not None:
            self._entry(self._open, attributes)
        elif name == "Header" and self._header is None:
            self._header = dict(attributes)
        elif name == "DataItem" and "id" in attributes:
            self._data_items.append(self._described(attributes))
        elif name in _STREAM_PARTS and "dataItemId" not in attributes:
            self._category = Category(_STREAM_PARTS[name])
        elif "dataItemId" in attributes or "errorCode" in attributes:
            self._open = _Open(name, dict(attributes), len(self._path))
        elif "id" in attributes and "dataItemId" not in attributes:
            self._components.append((len(self._path), attributes.get("name") or name))
        self._path.append(name)

    def data(self, text: str) -> None:
        observed = self._open
        if observed is not None and observed.length < MAX_TEXT:
            observed.text.append(text)
            observed.length += len(text)
            if observed.keys:
                key = ".".join(observed.keys)
                observed.entries[key] = observed.entries.get(key, "") + text

    def end(self, _tag: str) -> None:
        name = self._path.pop()
        if self._components and self._components[-1][0] == len(self._path):
            self._components.pop()
        observed = self._open
        if observed is not None:
            if len(self._path) == observed.depth:
                self._open = None
                self._take(observed)
            elif observed.keys:
                observed.keys.pop()
        elif name in _STREAM_PARTS:
            self._category = None

    def close(self) -> None:
        """Nothing is kept open."""

    def document(self) -> Document:
        header = self._header
        if header is None:
            raise DataError("malformed", "it has no MTConnect header")
        return Document(
            instance=_whole(header.get("instanceId")) or 0,
            created_us=time_us(header.get("creationTime", "")),
            first=_whole(header.get("firstSequence")),
            last=_whole(header.get("lastSequence")),
            next=_whole(header.get("nextSequence")),
            observations=tuple(self._observations),
            data_items=tuple(self._data_items),
            errors=tuple(self._errors),
        )

    def _described(self, given: Mapping[str, str]) -> DataItem:
        kind = " ".join(part for part in (given.get("type", ""), given.get("subType", "")) if part)
        return DataItem(
            given["id"],
            given.get("name", ""),
            given.get("category", ""),
            kind,
            given.get("units", ""),
            given.get("representation", ""),
            "/".join(name for _, name in self._components),
        )

    def _entry(self, observed: _Open, attributes: Mapping[str, str]) -> None:
        """Entries of a data set and cells of a table become `key=value` words, and entries."""
        key = attributes.get("key", "")
        if key:
            keys, observed.keys = observed.keys, []
            self.data(f" {key}=")
            observed.keys = keys
        observed.keys.append(key)
        if attributes.get("removed") == "true":
            observed.entries[".".join(observed.keys)] = UNAVAILABLE

    def _take(self, observed: _Open) -> None:
        given = observed.attributes
        text = "".join(observed.text)[:MAX_TEXT].strip()
        if "errorCode" in given:
            self._errors.append(AgentError(given["errorCode"], text))
            return
        sequence = _whole(given.get("sequence"))
        if sequence is None or self._category is None:
            raise ValueError(f"the observation of {given['dataItemId']!r} has no sequence number")
        is_condition = self._category is Category.CONDITION
        self._observations.append(
            Observation(
                sequence,
                given["dataItemId"],
                self._category,
                time_us(given.get("timestamp", "")),
                text,
                observed.name.upper() if is_condition else "",
                given.get("nativeCode", "") if is_condition else "",
                _condition(given) if is_condition else "",
                {key: value.strip() for key, value in observed.entries.items()},
                _rate_hz(given) if observed.name.endswith("TimeSeries") else None,
            )
        )


def _condition(given: Mapping[str, str]) -> str:
    """Return which condition this is: agents tell by `conditionId` (2.3) or the machine's code."""
    return given.get("conditionId") or given.get("nativeCode", "")


def _rate_hz(given: Mapping[str, str]) -> float:
    """Return the rate of a time series; 0 where it is not known."""
    try:
        rate = float(given.get("sampleRate", "0"))
    except ValueError:
        return 0.0
    return rate if 0 < rate < 1e9 else 0.0


def time_us(text: str) -> int | None:
    """Return the microseconds of a document's time; None when it is none.

    Times without an offset are UTC, as the standard demands; a duration behind `@` is left out.
    """
    try:
        moment = datetime.fromisoformat(text.partition("@")[0].strip())
        return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _whole(text: str | None) -> int | None:
    """Return a whole number of at most 64 bits; None when it is not there.

    Raises ValueError for what is no such number.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ValueError(f"{text[:40]!r} is no whole number")
    return int(text)
