"""A machine of hell: states, modes, plans and counters that lie at random, against what was true.

Told minute by minute, one shift of eight hours a day. The truth is kept beside what is shown, in
arrays of its own; the whole engine computes figures from what is shown alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.oee.unit_figure import UnitFacts, UnitFigures, unit_figures
from plant.calendar import Break, ShiftPattern
from plant.kpi import OeePolicy, add
from plant.kpi.oee import oee
from plant.kpi.reliability import failures, reliability
from plant.kpi.stop import stops
from plant.measurement import TagRole
from plant.unit import factor_of
from store.figure.reading import NumberColumns, TextColumns
from store.figure.source import RoleTag, SiteSource, UnitSource
from tests.plants.hell import RATE_PER_S, Course, course

PRI_S = 20.0
SILENCE_MIN = 10
START = datetime(2026, 3, 2, tzinfo=UTC)
BASE_MS = int(START.timestamp()) * 1000
SHIFT, END, BREAK = 360, 840, (600, 630)
"""Minutes of a day."""
STATE_MAP = {"cleaning": "planned_downtime", "đổi khuôn": "setup", "waiting": "delay"}
_SHOWN = {
    "run": "EXECUTE",
    "held": "HELD",
    "broken": "ABORTED",
    "off": "STOPPED",
    "cleaning": "cleaning",
    "changeover": "đổi khuôn",
    "waiting": "waiting",
    "setup": "EXECUTE",
}
_ELEMENTS = {
    "run": "apt",
    "held": "adet",
    "broken": "adet",
    "waiting": "adet",
    "off": "adet",
    "setup": "aust",
    "changeover": "aust",
    "cleaning": "planned",
}


@dataclass
class Machine:
    """What a machine did, minute by minute, and what its signals showed."""

    days: int
    did: list[str]
    """What it really did."""
    state: list[str]
    mode: list[str]
    bad: NDArray[np.bool_]
    """Minutes whose state reading is bad."""
    lost: NDArray[np.bool_]
    """Minutes without a state reading."""
    maintenance: list[tuple[int, int]] = field(default_factory=list)
    told: list[tuple[int, str]] = field(default_factory=list)
    """What happened, and when."""

    def do(self, what: str, start: int, end: int) -> None:
        """Let it do something and show it."""
        self.did[start:end] = [what] * (end - start)
        self.state[start:end] = [_SHOWN[what]] * (end - start)


def _over_plans(machine: Machine, day: int, rng: np.random.Generator) -> None:
    """Stand still over planned maintenance and a break."""
    start = day + BREAK[0] - int(rng.integers(40, 90))
    machine.maintenance.append((day + BREAK[0] - 30, day + BREAK[1] + 30))
    machine.do("held", start, day + BREAK[1] + 30 + int(rng.integers(5, 40)))


def _repair(machine: Machine, at: int, rng: np.random.Generator) -> None:
    """Break down, and be mended in another mode and other states."""
    end = at + int(rng.integers(20, 75))
    machine.do("broken", at, end)
    mode = str(rng.choice(["MAINTENANCE", "Setup", "Manual"]))
    begun = at + int(rng.integers(1, 10))
    machine.mode[begun:end] = [mode] * (end - begun)
    for minute in range(begun, end):
        machine.state[minute] = str(rng.choice(["ABORTED", "CLEARING", "STOPPED", "RESETTING"]))


def _own_state(machine: Machine, at: int, rng: np.random.Generator) -> None:
    what = str(rng.choice(["cleaning", "changeover", "waiting"]))
    machine.do(what, at, at + int(rng.integers(5, 40)))


def _unmapped(machine: Machine, at: int, rng: np.random.Generator) -> None:
    """Show a state that nobody has mapped."""
    end = at + int(rng.integers(5, 40))
    machine.do("held", at, end)
    machine.state[at:end] = ["??"] * (end - at)


def _bad_within(machine: Machine, at: int, rng: np.random.Generator) -> None:
    """Have a bad reading in the middle of a breakdown."""
    end = at + int(rng.integers(4, 20))
    machine.do("broken", at, end)
    machine.bad[at + int(rng.integers(1, end - at - 1))] = True


def _setup(machine: Machine, at: int, rng: np.random.Generator) -> None:
    end = at + int(rng.integers(5, 40))
    machine.do("setup", at, end)
    machine.mode[at:end] = ["Setup"] * (end - at)


def _silent(machine: Machine, at: int, rng: np.random.Generator) -> None:
    """Say nothing of its state for longer than a state may stand."""
    machine.lost[at + 1 : at + SILENCE_MIN + int(rng.integers(5, 60))] = True


def _over_night(machine: Machine, at: int, rng: np.random.Generator) -> None:
    """Break down and be mended on the next day, with time without a shift between."""
    day = at // 1440 * 1440
    if day + 1440 + END < len(machine.did):
        machine.do("broken", day + END - 40, day + 1440 + SHIFT + int(rng.integers(1, 19)))


FAULTS: dict[str, Callable[[Machine, int, np.random.Generator], None]] = {
    "repair": _repair,
    "own_state": _own_state,
    "unmapped": _unmapped,
    "bad_within": _bad_within,
    "setup": _setup,
    "silent": _silent,
    "over_night": _over_night,
}


def machine(days: int, rng: np.random.Generator) -> Machine:
    """Return a machine with random faults of its states: two to four in each shift."""
    minutes = days * 1440
    found = Machine(
        days,
        ["off"] * minutes,
        ["STOPPED"] * minutes,
        ["PRODUCTION"] * minutes,
        np.zeros(minutes, dtype=np.bool_),
        np.zeros(minutes, dtype=np.bool_),
    )
    for day in range(0, minutes, 1440):
        carried = [minute for minute in range(day, day + END) if found.did[minute] == "broken"]
        found.do("run", carried[-1] + 1 if carried else day + SHIFT, day + END)
        if rng.random() < 0.4:
            _over_plans(found, day, rng)
            found.told.append((day, "over_plans"))
        for slot in (SHIFT + 20, BREAK[1] + 75):
            kind = str(rng.choice(sorted(FAULTS)))
            FAULTS[kind](found, day + slot + int(rng.integers(0, 40)), rng)
            found.told.append((day, kind))
    return found


@dataclass(frozen=True)
class Truth:
    """What was true of each minute: where its time goes, and whether parts were made in it."""

    element: NDArray[np.str_]
    breakdowns: tuple[tuple[int, int], ...]
    """From the minute in which a breakdown began to that in which it ran again."""


def truth(told: Machine) -> Truth:
    """Return what was true, minute by minute, by the precedence of what was planned."""
    minutes = len(told.did)
    element = np.array([_ELEMENTS[what] for what in told.did], dtype="U12")
    at = np.arange(minutes) % 1440
    planned = np.zeros(minutes, dtype=np.bool_)
    for start, end in told.maintenance:
        planned[start:end] = True
    resting = np.array([what not in ("run", "setup") for what in told.did])
    working = ~resting & (np.array(told.did) == "run")
    outside = (at < SHIFT) | (at >= END) | ((at >= BREAK[0]) & (at < BREAK[1])) | planned
    element[outside] = "planned"
    element[outside & working] = "extra"
    broken = np.array([what == "broken" for what in told.did])
    edges = np.diff(np.concatenate(([0], broken.astype(np.int8), [0])))
    pairs = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    return Truth(element, tuple((int(start), int(end)) for start, end in pairs))


@dataclass(frozen=True)
class Outcome:
    """How far the figures of a machine's days agree with what was true."""

    shifts: int
    exact: int
    marked: int
    """Shifts that disagree and say so."""
    unmarked: tuple[str, ...]
    """Disagreements that nothing says."""
    above: int
    """Shifts up to which OEE is above the truth and the marked doubt."""


def run(days: int, seed: int, modulus: float | None, *, signed: bool) -> Outcome:
    """Let the whole engine compute what a machine showed, and compare."""
    rng = np.random.default_rng(seed)
    told = machine(days, rng)
    # A reading tells what was made in the minute before it.
    running = np.roll(np.array(told.did) == "run", 1)
    good = course(days, rng, modulus, signed=signed, running=running)
    energy = course(days, rng, None, signed=False, running=running)
    figures = compute(told, good, energy, modulus)
    return compare(told, truth(told), figures, {TagRole.GOOD_COUNT: good, TagRole.ENERGY: energy})


def compute(told: Machine, good: Course, energy: Course, modulus: float | None) -> UnitFigures:
    """Return what the engine makes of what was shown; the meter shows watt-hours."""
    factor = factor_of(TagRole.ENERGY, "Wh")
    tags = (
        RoleTag(0, 1, TagRole.STATE, None, None, SILENCE_MIN * 60.0),
        RoleTag(1, 1, TagRole.MODE, None, None, 86_400.0),
        RoleTag(2, 1, TagRole.GOOD_COUNT, modulus, RATE_PER_S, 300.0),
        RoleTag(3, 1, TagRole.ENERGY, None, RATE_PER_S, 300.0),
    )
    minutes = np.arange(len(told.did))
    readings: dict[int, NumberColumns | TextColumns] = {
        0: _texts(minutes[~told.lost], told.state, told.bad[~told.lost]),
        1: _texts(minutes, told.mode, np.zeros(minutes.size, dtype=np.bool_)),
        2: _numbers(good, 1.0),
        3: _numbers(energy, 1000.0 * factor),
    }
    unit = UnitSource(1, "a/b/c/d/e", 1, 1, tags, STATE_MAP, (), planned_run_time_s=PRI_S)
    shift = ShiftPattern(
        "ca", time(6), time(14), frozenset(range(7)), (Break("nghỉ", time(10), time(10, 30)),)
    )
    site = SiteSource(1, "a/b", ZoneInfo("UTC"), OeePolicy(), (shift,), {}, ())
    plans = tuple((BASE_MS + 60_000 * one, BASE_MS + 60_000 * two) for one, two in told.maintenance)
    cuts = np.empty(0, dtype=np.int64)
    end = BASE_MS + 60_000 * minutes.size
    return unit_figures(unit, site, readings, cuts, BASE_MS, end, UnitFacts(plans))


def _texts(minutes: NDArray[Any], shown: list[str], bad: NDArray[np.bool_]) -> TextColumns:
    times = BASE_MS * 1000 + minutes * 60_000_000
    return TextColumns(times, [shown[minute] for minute in minutes], np.where(bad, 2, 0))


def _numbers(found: Course, factor: float) -> NumberColumns:
    kept = np.flatnonzero(~found.lost)
    times = BASE_MS * 1000 + kept * 60_000_000
    return NumberColumns(times, found.shown[kept] * factor, np.zeros(kept.size, dtype=np.int64))


def compare(
    told: Machine, true: Truth, figures: UnitFigures, counters: dict[TagRole, Course]
) -> Outcome:
    """Compare shift by shift: times, counts, OEE; over all: stops, failures, repairs."""
    wrong: list[str] = []
    exact = marked = above = 0
    counted_to, made_to = 0.0, 0.0
    made = {role: _by_minute(one) for role, one in counters.items()}
    doubts = {role: _doubts(figures, tag) for role, tag in zip(counters, (2, 3), strict=True)}
    for day in range(told.days):
        start, end = day * 1440 + SHIFT, day * 1440 + END
        slices = [one for one in figures.slices if _minute(one.start) // 1440 == day]
        shift = [one for one in slices if one.shift is not None]
        marks = {mark for one in shift for mark in one.marks}
        sums = add(one.sums for one in shift)
        minutes = {name: int((true.element[start:end] == name).sum()) for name in ("apt", "aust")}
        minutes["adet"] = int((true.element[start:end] == "adet").sum())
        unknown = sums.unknown_ms // 60_000
        off = {name: minutes[name] - getattr(sums, f"{name}_ms") // 60_000 for name in minutes}
        agrees = not any(off.values()) and not unknown
        if any(abs(one) > unknown for one in off.values()):
            wrong.append(f"day {day}: {off} of {unknown} unknown minutes")
        told_of: list[bool] = [agrees]
        for role, quantity in (
            (TagRole.GOOD_COUNT, "good_quantity"),
            (TagRole.ENERGY, "energy_kwh"),
        ):
            true_of = float(made[role][start:end].sum())
            mine = getattr(sums, quantity)
            same = mine is not None and abs(mine - true_of) < 1e-6
            told_of.append(same)
            if not same and not any(mark.endswith(f":{role}") for mark in marks):
                wrong.append(f"day {day}: {mine} {quantity}, not {true_of}, and no mark")
        counted_to += sum(one.sums.good_quantity or 0.0 for one in slices)
        made_to += float(made[TagRole.GOOD_COUNT][day * 1440 : (day + 1) * 1440].sum())
        doubt = float(doubts[TagRole.GOOD_COUNT][: (day + 1) * 1440].sum())
        above += counted_to > made_to + doubt + 1e-6
        busy = sum(minutes.values())
        share = oee(sums).oee
        if all(told_of) and share is not None and busy:
            true_oee = PRI_S * made[TagRole.GOOD_COUNT][start:end].sum() / (60 * busy)
            if abs(share - true_oee) > 1e-9:
                wrong.append(f"day {day}: OEE {share}, not {true_oee}")
        exact += all(told_of)
        marked += not all(told_of)
    wrong += _stops(told, true, figures)
    return Outcome(told.days, exact, marked, tuple(wrong), above)


def _stops(told: Machine, true: Truth, figures: UnitFigures) -> list[str]:
    """Compare stops with the waterfall, and failures with the breakdowns that there were."""
    wrong = []
    end = BASE_MS + 60_000 * len(told.did)
    sums = add(one.sums for one in figures.slices)
    stood = sum(stop.lasted_ms(end) for stop in stops(figures.tiles, end))
    if stood != sums.adet_ms + sums.adot_ms:
        wrong.append(f"stops of {stood} ms, waterfall {sums.adet_ms + sums.adot_ms} ms")
    lost = [(one, two) for one, two in true.breakdowns if "adet" in true.element[one:two]]
    found = failures(figures.tiles, OeePolicy(), end)
    if len(found) != len(lost):
        wrong.append(f"{len(found)} failures, not {len(lost)}")
    repaired = [int((true.element[one:two] == "adet").sum()) for one, two in lost]
    mttr = reliability(found, sums.apt_ms).mttr_ms
    mean = 60_000 * float(np.mean(repaired)) if repaired else None
    if (mttr is None) != (mean is None) or (mttr and mean and abs(mttr - mean) > 1e-6):
        wrong.append(f"MTTR {mttr}, not {mean}")
    return wrong


def _by_minute(found: Course) -> NDArray[np.float64]:
    """Return what was made, at the minute of the reading that tells it."""
    kept = np.flatnonzero(~found.lost)
    made = np.zeros(found.made.size)
    made[kept[1:]] = np.diff(found.made[kept])
    return made


def _doubts(figures: UnitFigures, tag: int) -> NDArray[np.float64]:
    minutes = (max(one.end for one in figures.slices) - BASE_MS) // 60_000
    found = np.zeros(minutes)
    for tag_id, judged in figures.judgements:
        if tag_id == tag:
            found[_minute(judged.time_us // 1000)] += judged.doubt
    return found


def _minute(moment_ms: int) -> int:
    return (moment_ms - BASE_MS) // 60_000
