"""From an agent's observations to readings of the tags that want them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from edge_agent.drivers.contract import Reading
from edge_agent.drivers.mtconnect.conditions import Conditions, Standing
from edge_agent.drivers.mtconnect.document import (
    UNAVAILABLE,
    Category,
    DataItem,
    Observation,
)
from edge_agent.drivers.mtconnect.settings import AXES, MtConnectTagSettings
from edge_agent.drivers.written import number_written
from plant.measurement import Quality, ValueType

TagsById = Mapping[str, Sequence[MtConnectTagSettings]]


def resolved(
    tags: Iterable[MtConnectTagSettings], data_items: Sequence[DataItem]
) -> tuple[dict[str, list[MtConnectTagSettings]], dict[str, str]]:
    """Return the tags by data item id, and why each of the others has none, by tag name.

    An id outranks a name; a name that several data items share means none of them.
    """
    ids = {item.id for item in data_items}
    named: dict[str, list[str]] = {}
    for item in data_items:
        named.setdefault(item.name, []).append(item.id)
    found: dict[str, list[MtConnectTagSettings]] = {}
    missing: dict[str, str] = {}
    for tag in tags:
        wanted = tag.data_item
        candidates = [wanted] if wanted in ids else named.get(wanted, [])
        if len(candidates) == 1:
            found.setdefault(candidates[0], []).append(tag)
        elif candidates:
            missing[tag.name] = (
                f"{tag.name} ({wanted}): {len(candidates)} data items have this name; "
                f"give the id: {', '.join(sorted(candidates)[:5])}"
            )
        else:
            missing[tag.name] = f"{tag.name} ({wanted}): the agent has no such data item"
    return found, missing


def readings(
    observations: Iterable[Observation], tags: TagsById, conditions: Conditions
) -> Iterator[Reading | None]:
    """Yield the readings that observations are to tags; None for one whose time is unreadable.

    What the observations say of conditions is kept in `conditions`.
    """
    for seen in observations:
        is_condition = seen.category is Category.CONDITION
        standing = conditions.take(seen) if is_condition else None
        for tag in tags.get(seen.data_item, ()):
            if tag.asset:
                # Its content is asked for.
                continue
            if seen.time_us is None:
                yield None
            elif UNAVAILABLE in {seen.text, seen.level}:
                yield Reading(tag.name, None, seen.time_us, Quality.BAD)
            elif standing is not None:
                yield Reading(tag.name, _stood(standing, tag), seen.time_us, Quality.GOOD)
            else:
                yield from _values(seen, seen.time_us, tag)


def _stood(standing: Standing, tag: MtConnectTagSettings) -> str:
    parts = {
        "level": standing.level,
        "code": standing.code,
        "text": standing.text,
        "active": " ".join(standing.codes),
    }
    return parts[tag.condition]


def _values(seen: Observation, time_us: int, tag: MtConnectTagSettings) -> Iterator[Reading]:
    """Yield the value of an observation, its part that the tag names, or each of its samples."""
    if seen.entries and tag.path:
        text = seen.entries.get(tag.path)
        if text is None:
            # Only what has changed of a data set is told.
            return
        yield reading_of_text(tag, text, time_us)
    elif tag.path:
        words = seen.text.split()
        place = AXES.get(tag.path.lower(), tag.path)
        if place.isdecimal() and int(place) < len(words):
            yield reading_of_text(tag, words[int(place)], time_us)
        else:
            yield Reading(tag.name, None, time_us, Quality.BAD)
    elif seen.rate_hz is not None and (tag.kind is ValueType.NUMBER):
        words = seen.text.split()
        step_us = 1_000_000 / seen.rate_hz if seen.rate_hz else 1
        for after, word in enumerate(words, 1 - len(words)):
            yield reading_of_text(tag, word, time_us + round(after * step_us))
    else:
        yield reading_of_text(tag, seen.text, time_us)


def reading_of_text(tag: MtConnectTagSettings, text: str, time_us: int) -> Reading:
    """Return what a tag takes from a text."""
    if text.strip() == UNAVAILABLE:
        return Reading(tag.name, None, time_us, Quality.BAD)
    value: float | int | str | None = text
    if tag.kind is ValueType.NUMBER or tag.states:
        # Text that is no number stays text, for the platform to reject with its raw form.
        value = number_written(text, tag.words, tag.decimal)
    return Reading(tag.name, value, time_us, Quality.BAD if value is None else Quality.GOOD)
