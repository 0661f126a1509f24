"""From an agent's observations to readings of the tags that want them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from edge_agent.drivers.contract import Reading
from edge_agent.drivers.mtconnect.document import (
    UNAVAILABLE,
    Category,
    DataItem,
    Observation,
)
from edge_agent.drivers.mtconnect.settings import MtConnectTagSettings
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


def readings(observations: Iterable[Observation], tags: TagsById) -> Iterator[Reading | None]:
    """Yield the readings that observations are to tags; None for one whose time is unreadable."""
    for seen in observations:
        for tag in tags.get(seen.data_item, ()):
            if seen.time_us is None:
                yield None
            elif UNAVAILABLE in {seen.text, seen.level}:
                yield Reading(tag.name, None, seen.time_us, Quality.BAD)
            else:
                yield Reading(tag.name, _value(seen, tag), seen.time_us, Quality.GOOD)


def _value(seen: Observation, tag: MtConnectTagSettings) -> float | int | str:
    if seen.category is Category.CONDITION:
        if tag.condition == "level":
            return seen.level
        if seen.level == "NORMAL":
            return ""
        return seen.code if tag.condition == "code" else seen.text
    if tag.kind is ValueType.NUMBER or tag.states:
        for kind in (int, float):
            try:
                return kind(seen.text)
            except ValueError:
                continue
    # Text that is no number stays text, for the platform to reject with its raw form.
    return seen.text
