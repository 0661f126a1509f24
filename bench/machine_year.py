"""A machine-year of readings: about 100,000 state changes and 500,000 counts, as columns."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from plant.calendar import Break, ShiftPattern
from plant.kpi import OeePolicy
from plant.measurement import TagRole
from store.figure.reading import NumberColumns, TextColumns
from store.figure.source import LineSource, RoleTag, RunTimeEntry, SiteSource, UnitSource

START = datetime(2025, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
STATES = ("EXECUTE", "HELD", "EXECUTE", "SUSPENDED", "EXECUTE", "IDLE", "EXECUTE", "ABORTED")


@dataclass(frozen=True)
class MachineYear:
    """What the core computes from: a machine, its site, and its readings by tag id."""

    unit: UnitSource
    site: SiteSource
    readings: dict[int, NumberColumns | TextColumns]
    start_ms: int
    end_ms: int


def site_source(unit_ids: tuple[int, ...] = (3,)) -> SiteSource:
    """Return a site of three shifts a day with a break each."""
    shifts = [("ca-1", 6, 14), ("ca-2", 14, 22), ("ca-3", 22, 6)]
    patterns = tuple(
        ShiftPattern(
            name,
            time(start),
            time(end),
            frozenset(range(7)),
            (Break("nghỉ", time((start + 4) % 24), time((start + 4) % 24, 30)),),
        )
        for name, start, end in shifts
    )
    return SiteSource(
        1,
        "dong-nai/bien-hoa",
        ZoneInfo("Asia/Ho_Chi_Minh"),
        OeePolicy(),
        patterns,
        {},
        (LineSource(2, "dong-nai/bien-hoa/x/day-chuyen", "parallel", None, unit_ids),),
    )


def machine_year(days: int = 365, seed: int = 1) -> MachineYear:
    """Return a machine that changes its state 274 times a day and counts 1,370 times."""
    rng = np.random.default_rng(seed)
    start = int(START.timestamp() * 1000)
    length = days * DAY_MS
    changes = np.sort(rng.integers(0, length, days * 274)) + start
    counts = np.sort(rng.integers(0, length, days * 1096)) + start
    rejects = np.sort(rng.integers(0, length, days * 274)) + start
    orders = np.arange(start, start + length, DAY_MS // 5)
    kinds = [TagRole.STATE, TagRole.ORDER, TagRole.PRODUCT, TagRole.GOOD_COUNT, TagRole.SCRAP_COUNT]
    tags = tuple(
        RoleTag(number, 1, role, 65536.0 if role.endswith("count") else None, None, 3600.0)
        for number, role in enumerate(kinds)
    )
    state_names = [STATES[number % len(STATES)] for number in range(changes.size)]
    products = ["truc" if number % 2 else "banh-rang" for number in range(orders.size)]
    readings: dict[int, NumberColumns | TextColumns] = {
        0: _text(changes, list(state_names)),
        1: _text(orders, [f"LSX-{number}" for number in range(orders.size)]),
        2: _text(orders, list(products)),
        3: _numbers(counts, np.cumsum(rng.integers(0, 3, counts.size)) % 65536),
        4: _numbers(rejects, np.cumsum(rng.random(rejects.size) < 0.05)),
    }
    run_times = tuple(
        RunTimeEntry(product, datetime(2000, 1, 1, tzinfo=UTC), None, seconds)
        for product, seconds in (("truc", 40.0), ("banh-rang", 55.0))
    )
    unit = UnitSource(3, "dong-nai/bien-hoa/x/day-chuyen/may", 2, 1, tags, {}, run_times)
    return MachineYear(unit, site_source(), readings, start, start + length)


def _text(times_ms: NDArray[np.int64], values: list[str | None]) -> TextColumns:
    return TextColumns(times_ms * 1000, values, np.zeros(times_ms.size, dtype=np.int64))


def _numbers(times_ms: NDArray[np.int64], values: NDArray[np.int64]) -> NumberColumns:
    return NumberColumns(
        times_ms * 1000, values.astype(np.float64), np.zeros(times_ms.size, dtype=np.int64)
    )
