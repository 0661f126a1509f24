"""Which part of which meter is a machine's, and when."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_END = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MeterRow:
    """One version of an energy meter, with the tag that carries its reading."""

    tag_id: int
    edge_id: int
    counter_modulus: float | None
    max_rate_per_s: float | None
    max_silence_s: float
    place: str
    reading: str
    """`cumulative` or `power`."""
    kwh_per_unit: float
    shares: Mapping[str, float]
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class MeterSpan:
    """From when until when a machine takes part of what a meter shows."""

    start: datetime
    end: datetime | None
    kwh_per_unit: float
    """Kilowatt-hours (power: kilowatts) of the machine per unit of the reading."""
    power: bool


@dataclass(frozen=True, slots=True)
class MeterShare:
    """A machine's part of a meter: disjoint spans in order of time."""

    spans: tuple[MeterSpan, ...]
    shared: bool
    """Whether other machines take part of it."""


def meter_shares(
    meters: Sequence[MeterRow], units: Sequence[str], metered: Collection[str]
) -> dict[tuple[str, int], MeterShare]:
    """Return by path of a machine and tag id which part of the meter is the machine's.

    A meter is divided among the machines at or below its place by its weights, or equally. A
    machine with a meter of its own (among `metered`, or a meter placed at it, while that is
    valid) takes nothing of a wider one; the others' parts do not grow by that.
    """
    found: dict[tuple[str, int], list[MeterSpan]] = {}
    shared: dict[int, set[str]] = {}
    for meter in meters:
        members = [unit for unit in units if _within(unit, meter.place)]
        weights = dict(meter.shares) or dict.fromkeys(members, 1.0)
        total = sum(weights.values())
        shared.setdefault(meter.tag_id, set()).update(members)
        for unit in members:
            factor = meter.kwh_per_unit * weights.get(unit, 0.0) / total
            spans = [(meter.valid_from, meter.valid_to or _END)]
            if unit != meter.place:
                spans = [] if unit in metered else _without(spans, _own(meters, unit))
            if factor > 0 and spans:
                found.setdefault((unit, meter.tag_id), []).extend(
                    MeterSpan(start, None if end == _END else end, factor, meter.reading == "power")
                    for start, end in spans
                )
    return {
        (unit, tag_id): MeterShare(_in_turn(spans), len(shared[tag_id]) > 1)
        for (unit, tag_id), spans in found.items()
    }


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _own(meters: Sequence[MeterRow], unit: str) -> list[tuple[datetime, datetime]]:
    return [(meter.valid_from, meter.valid_to or _END) for meter in meters if meter.place == unit]


def _without(
    spans: list[tuple[datetime, datetime]], taken: Sequence[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    for first, last in taken:
        spans = [
            part
            for start, end in spans
            for part in ((start, min(end, first)), (max(start, last), end))
            if part[0] < part[1]
        ]
    return spans


def _in_turn(spans: Sequence[MeterSpan]) -> tuple[MeterSpan, ...]:
    """Return spans of one tag without overlaps: the one that began last holds until its end."""
    ordered = sorted(spans, key=lambda span: span.start)
    found = []
    for index, span in enumerate(ordered):
        end = span.end
        if index + 1 < len(ordered):
            following = ordered[index + 1].start
            end = following if end is None else min(end, following)
        if end is None or span.start < end:
            found.append(MeterSpan(span.start, end, span.kwh_per_unit, span.power))
    return tuple(found)
