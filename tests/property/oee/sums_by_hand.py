"""Counts, base sums and ratios by hand: one difference after another, in exact fractions."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.property.oee.by_hand import Minute, runs
from tests.property.oee.counts_by_hand import Counted, counted
from tests.property.oee.stories import RunTime, Story

MINUTE_MS = 60_000
SILENT_MIN = 2
"""Twice the silence limit of every counter: longer gaps are times of which nothing is known."""
Exact = Fraction | None


def run_time(entries: Sequence[RunTime], product: str | None, tick: int) -> int | None:
    """Return the planned run time in seconds that holds: the one that began last, to its end."""
    begun = [one for one in entries if one.product == product and one.start <= tick]
    if not begun:
        return None
    newest = max(begun, key=lambda one: one.start)
    return newest.seconds if newest.end is None or tick < newest.end else None


@dataclass(frozen=True)
class HandSlice:
    """Base sums of one slice; times in minutes, parts and planned seconds exact."""

    start: int
    end: int
    times: dict[str, int]
    scheduled: bool
    breakdown: int
    quantities: dict[str, Exact]
    produced: Exact
    good: Exact
    planned_produced: Exact
    planned_good: Exact
    planned_out: Exact
    per_item: int
    planned_rejects: Exact
    idle_energy: Exact
    unpriced: Exact
    """Parts without a planned run time."""
    planned_unseen: Exact
    planned_standing: Exact
    planned_scrap_out: Exact


def amended(story: Story, counts: dict[str, Counted]) -> dict[str, list[tuple[int, Fraction]]]:
    """Return the parts by counter and minute with late bookings where the parts were made."""
    found = {name: list(one.parts) for name, one in counts.items()}
    for tick, kind, parts in story.bookings:
        if not 0 <= tick < story.length:
            continue
        if "good" in found:
            found["good"].append((tick, Fraction(-parts)))
        for name in (kind, "scrap", "rework"):
            if name in found:
                found[name].append((tick, Fraction(parts)))
                break
    return found


def quantities(told: dict[str, Exact]) -> tuple[Exact, Exact]:
    """Return produced and good parts as far as the counters tell them."""
    bad = [told[name] for name in ("scrap", "rework") if name in told]
    good, total = told.get("good"), told.get("total")
    if "total" in told:
        if "good" not in told and bad:
            good = _sum([total, *(None if one is None else -one for one in bad)])
        return total, good
    if "good" in told and "scrap" in told:
        return _sum([good, *bad]), good
    return None, good


def scrapped(told: dict[str, Exact]) -> Exact:
    """Return scrapped parts: counted, or what was made and is neither good nor rework."""
    if "scrap" in told:
        return told["scrap"]
    produced, good = quantities(told)
    if produced is None or good is None:
        return None
    return produced - good - (told.get("rework") or 0)


def _sum(parts: Sequence[Exact]) -> Exact:
    if any(part is None for part in parts):
        return None
    return sum((part for part in parts if part is not None), Fraction(0))


def _planned(parts: Exact, seconds: int | None) -> Exact:
    """Return planned seconds; what has no planned run time adds none."""
    return None if parts is None else parts * (seconds or 0)


def shared(parts: Exact, by: int) -> Exact:
    """Return a part of an amount."""
    return None if parts is None else parts / by


def slices(story: Story, told: Sequence[Minute]) -> list[HandSlice]:
    """Return the slices of a story: longest spans of one hour, shift, order, product, run time."""
    entries = (*story.run_times, *(story.pacing or ()))
    changes = {one.start for one in entries} | {one.end for one in entries}
    keys = [
        (
            tick // 60,
            minute.shift,
            minute.order,
            minute.product,
            sum(change is not None and change <= tick for change in changes),
        )
        for tick, minute in enumerate(told)
    ]
    counts = {name: counted(one, story.length) for name, one in story.counters.items()}
    parts = amended(story, counts)
    return [_slice(story, told, counts, parts, start, end) for start, end in runs(keys)]


def _slice(
    story: Story,
    told: Sequence[Minute],
    counts: dict[str, Counted],
    parts: dict[str, list[tuple[int, Fraction]]],
    start: int,
    end: int,
) -> HandSlice:
    inside = range(start, end)
    times: dict[str, int] = {}
    for tick in inside:
        times[told[tick].element] = times.get(told[tick].element, 0) + 1
    hour_over = min((start // 60 + 1) * 60, story.length)

    def known(name: str) -> bool:
        first = counts[name].first
        return first is not None and first < hour_over

    def made(name: str, elements: Sequence[str] | None = None, *, but: bool = False) -> Exact:
        if not known(name):
            return None
        return sum(
            (
                amount
                for tick, amount in parts[name]
                if tick in inside
                and (elements is None or (told[tick].element in elements) is not but)
            ),
            Fraction(0),
        )

    def split(name: str, *, unseen: bool) -> Exact:
        """Return what was counted over a silence or in unknown time, or else while it stood."""
        if not known(name):
            return None
        total = Fraction(0)
        silences = dict(counts[name].waits)
        for tick, amount in counts[name].parts:
            if tick in inside:
                long = silences.get(tick, 0) > SILENT_MIN
                hidden = long or told[tick].element == "unknown"
                stood = not long and told[tick].element in ("delay", "down")
                total += amount if (hidden if unseen else stood) else 0
        return total + sum(
            (
                amount
                for tick, amount in parts[name][len(counts[name].parts) :]
                if tick in inside
                and told[tick].element in (("unknown",) if unseen else ("delay", "down"))
            ),
            Fraction(0),
        )

    all_parts = {name: made(name) for name in counts}
    at_setup = {name: made(name, ["setup"]) for name in counts if name != "energy"}
    produced, good = quantities(all_parts)
    began_with, passed = quantities(at_setup)
    rejects = None if began_with is None or passed is None else began_with - passed
    of_parts = [name for name in counts if name != "energy"]
    hidden, _ = quantities({name: split(name, unseen=True) for name in of_parts})
    stood, _ = quantities({name: split(name, unseen=False) for name in of_parts})
    product = told[start].product
    seconds = run_time(story.run_times, product, start)
    paced = seconds if story.pacing is None else run_time(story.pacing, product, start)
    per_item = story.parts_per_item if product == "a" else 1
    producing = ("production", "unscheduled_production", "unknown")
    return HandSlice(
        start=start,
        end=end,
        times=times,
        scheduled=told[start].shift is not None,
        breakdown=sum(
            told[tick].element == "delay" and told[tick].kind == "breakdown" for tick in inside
        ),
        quantities=all_parts,
        produced=produced,
        good=good,
        planned_produced=_planned(produced, seconds),
        planned_good=_planned(good, seconds),
        # A bottleneck apart makes one part of an item, whatever this machine makes.
        planned_out=shared(_planned(good, paced), 1 if story.pacing is None else per_item),
        per_item=per_item,
        planned_rejects=_planned(rejects, seconds),
        idle_energy=made("energy", producing, but=True) if "energy" in counts else None,
        unpriced=Fraction(0) if seconds is not None else good if produced is None else produced,
        planned_unseen=_planned(hidden, seconds),
        planned_standing=_planned(stood, seconds),
        planned_scrap_out=shared(
            _planned(scrapped(all_parts), paced), 1 if story.pacing is None else per_item
        ),
    )
