"""Figures of whole shifts against what truly happened in the simulated plants."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise

from plant.clock import microseconds
from plant.measurement import Quality, TagRole
from plant.state import TimeElement
from simulators.truth.figures import UnitTruth
from simulators.truth.reading import TruthReader
from tests.long_run import LongRun

_FOLLOWED = (("state", TagRole.STATE), ("mode", TagRole.MODE), ("order_number", TagRole.ORDER))
_TIMES = {
    "apt_ms": TimeElement.PRODUCTION,
    "aust_ms": TimeElement.SETUP,
    "adet_ms": TimeElement.DELAY,
    "adot_ms": TimeElement.DOWN,
    "unknown_ms": TimeElement.UNKNOWN,
    "unscheduled_ms": TimeElement.UNSCHEDULED_PRODUCTION,
}
OEE_WITHIN = 0.001
_NEVER = 1 << 62


@dataclass
class Agreement:
    """How far figures and truth agree over all machines and shifts."""

    shifts: int = 0
    exact_shifts: int = 0
    """Shifts of which every transition was read when it happened: to be exact to 1 ms."""
    parts: int = 0
    worst_oee: float = 0.0
    worst_time_ms: float = 0.0
    problems: tuple[str, ...] = ()


def compare(run: LongRun) -> Agreement:
    """Compare every whole shift of every machine."""
    found = Agreement()
    problems: list[str] = []
    for reader in run.readers:
        for work_unit in reader.work_units:
            truth = UnitTruth(reader, work_unit)
            shown = shown_us(reader, truth)
            for row in run.shifts(work_unit):
                start = microseconds(row["window_start"])
                end = microseconds(row["window_end"])
                if start < truth.first_seen_us:
                    continue
                true = truth.figures(start, end)
                blurred_ms = blur_us(shown, start, end) / 1000
                found.shifts += 1
                found.exact_shifts += blurred_ms == 0
                found.parts += true.produced
                name = f"{work_unit} {row['window_start']:%m-%d} {row['shift']}"
                for column, element in _TIMES.items():
                    off = abs(row[column] - true.elements_ms[element])
                    found.worst_time_ms = max(found.worst_time_ms, off - blurred_ms)
                    if off > blurred_ms + 1e-6:
                        problems.append(f"{name} {column}: {off} ms off, {blurred_ms} allowed")
                for column, count in (
                    ("produced_quantity", true.produced),
                    ("good_quantity", true.good),
                    ("scrap_quantity", true.scrap),
                ):
                    if row[column] != count:
                        problems.append(f"{name} {column}: {row[column]}, truly {count}")
                if true.oee is not None:
                    off = abs((row["oee"] if row["oee"] is not None else -1) - true.oee)
                    found.worst_oee = max(found.worst_oee, off)
                    if off > OEE_WITHIN:
                        problems.append(f"{name} oee: {row['oee']}, truly {true.oee}")
                if not row["final"]:
                    problems.append(f"{name} is not final")
    found.problems = tuple(problems)
    return found


def shown_us(reader: TruthReader, unit: UnitTruth) -> list[tuple[int, int]]:
    """Return when each transition of a unit happened and when a reading first showed it, in order.

    A reading in which a change was lost, spoilt or is not made at once (a scan) shows it later;
    nobody can know better than the signal.
    """
    times = {
        role: [r.source_us for r in reader.readings(tag) if r.quality == Quality.GOOD]
        for _, role in _FOLLOWED
        if (tag := reader.tag_of(unit.work_unit, role)) is not None
    }
    found = []
    for before, change in pairwise(reader.states(unit.work_unit)):
        shown = [change.start_us]
        for name, role in _FOLLOWED:
            if role in times and getattr(before, name) != getattr(change, name):
                place = bisect_left(times[role], change.start_us)
                shown.append(times[role][place] if place < len(times[role]) else _NEVER)
        found.append((change.start_us, max(shown)))
    return found


def blur_us(shown: list[tuple[int, int]], start_us: int, end_us: int) -> int:
    """Return how much later than they happened the transitions of a window were read, in all.

    0 when every transition was read when it happened.
    """
    # A change shortly before the window may be read within it.
    first = bisect_right(shown, (start_us - 120_000_000, _NEVER))
    last = bisect_left(shown, (end_us,))
    return sum((end_us if read == _NEVER else read) - at for at, read in shown[first:last])
