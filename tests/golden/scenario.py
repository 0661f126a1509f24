"""Runs a golden case: a small story of one machine or a set of sums in, figures out.

Times of a case are minutes unless the key says otherwise (`_s`, `_h`). What comes out is a flat
mapping of names to values, durations in minutes.
"""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from analytics.readings.counter import Counter, CounterEvent
from analytics.readings.counting import added, increments
from analytics.readings.signal import number_readings
from plant.calendar import expand_shifts
from plant.delivery.idset import IdSet
from plant.kpi import BaseSums, Missing, loss, reliability
from plant.kpi.capability import capability
from plant.kpi.fault import Figures
from plant.kpi.oee import oee, oee_of, pooled, serial_line
from plant.kpi.sums import add
from tests.golden import driver_cases
from tests.golden.outcome import MINUTE_MS, of_result, of_sums
from tests.golden.story import Case, Story, each_minute, pattern


def run(kind: str, given: Case) -> dict[str, Any]:
    """Return what the engine makes of a case's input."""
    return _KINDS[kind](given)


def base_sums(given: Case) -> BaseSums:
    """Return base sums from minutes: what is not given is zero, or follows from the rest."""
    ms = {name: round(float(given.get(name, 0)) * MINUTE_MS) for name in _TIMES}
    pbt = sum(ms.values())
    pri_ms = given.get("pri", 0) * MINUTE_MS
    made, good = given.get("produced"), given.get("good")
    planned = round(given.get("planned_downtime", 0) * MINUTE_MS)
    parts = {name: given.get(name) for name in ("produced", "good", "scrap", "rework")}
    per_item = given.get("parts_per_item", 1)
    items: dict[str, Any] = {
        f"{name}_items": None if count is None else count / per_item
        for name, count in parts.items()
    }
    calendar = round(given.get("calendar", 0) * MINUTE_MS)
    return BaseSums(
        calendar_ms=max(calendar, pbt + planned),
        pot_ms=pbt + planned,
        pbt_ms=pbt,
        apt_ms=ms["apt"],
        aust_ms=ms["aust"],
        adet_ms=ms["adet"],
        adot_ms=ms["adot"],
        unknown_ms=ms["unknown"],
        pri_pq_ms=_times(pri_ms, made),
        pri_gq_ms=_times(pri_ms, good),
        produced_quantity=made,
        good_quantity=good,
        scrap_quantity=given.get("scrap"),
        rework_quantity=given.get("rework"),
        energy_kwh=given.get("energy"),
        idle_energy_kwh=given.get("idle_energy"),
        breakdown_ms=round(given.get("breakdown", 0) * MINUTE_MS),
        start_up_pri_ms=given.get("start_up_rejects", 0) * pri_ms,
        **items,
    )


_TIMES = ("apt", "aust", "adet", "adot", "unknown")


def _times(run_time: float, quantity: float | None) -> float | None:
    return None if quantity is None else run_time * quantity


def _sums(given: Case) -> dict[str, Any]:
    sums = base_sums(given)
    return of_sums(sums) | of_result(oee(sums))


def _mix(given: Case) -> dict[str, Any]:
    total = add(base_sums(lot) for lot in given["lots"])
    return of_sums(total) | of_result(oee(total))


def _pool(given: Case) -> dict[str, Any]:
    figures = pooled(
        Figures(base_sums(place), Missing(place["absent"]) if "absent" in place else None)
        for place in given["places"]
    )
    return of_sums(figures.sums) | of_result(oee_of(figures))


def _line(given: Case) -> dict[str, Any]:
    units = [Figures(base_sums(unit)) for unit in given["units"]]
    paced = given.get("bottleneck")
    out = scrap = None
    if paced is not None:
        per_item = given["units"][paced]["pri"] * MINUTE_MS
        out = per_item * given["units"][-1]["good"]
        scrap = per_item * sum(_scrap(unit) for unit in given["units"])
    figures = serial_line(units, paced, out, scrap)
    return (
        of_sums(figures.sums)
        | of_result(oee_of(figures))
        | {"drawn_down": figures.drawn_down_items}
    )


def _scrap(unit: Case) -> float:
    counted = unit.get("scrap", unit["produced"] - unit["good"] - unit.get("rework", 0))
    return float(counted) / float(unit.get("parts_per_item", 1))


def _counter(given: Case) -> dict[str, Any]:
    readings, step_s = given.get("readings"), 1
    if readings is None:
        readings, step_s = each_minute(given["each_minute"]), 60
    times = given.get("times_s", [step_s * number for number in range(len(readings))])
    made = increments(
        number_readings(np.array(times, dtype=np.int64) * 1_000_000, readings),
        Counter(given.get("modulus"), given.get("max_rate_per_s")),
    )
    return {
        "total": made.total,
        "amounts": made.amounts.tolist(),
        "events": [CounterEvent(event).name.lower() for event in made.events],
        "judged": [
            [judged.time_us // (step_s * 1_000_000), judged.event.name.lower()]
            for judged in made.judgements
        ],
        "doubt": sum(judged.doubt for judged in made.judgements),
        "least": min(made.amounts.tolist(), default=0),
    }


def _increments(given: Case) -> dict[str, Any]:
    """Messages `[id, seq, amount]` or `[id, seq, amount, second]`, in the order of arrival."""
    ledger = IdSet()
    kept: list[tuple[int, float]] = []
    for _, seq, amount, *second in given["messages"]:
        span = (seq, seq + 1)
        if ledger.missing(*span):
            kept.append((second[0] if second else seq, amount))
        ledger = ledger.union(IdSet((span,)))
    # What the ledger let through twice (a device that sends again under a new number) ends here.
    made = added(number_readings([at * 1_000_000 for at, _ in kept], [n for _, n in kept]))
    return {
        "total": made.total,
        "written": len(kept),
        "amounts": made.amounts.tolist(),
        "events": [CounterEvent(event).name.lower() for event in made.events],
    }


def _calendar(given: Case) -> dict[str, Any]:
    day = date.fromisoformat(given["day"])
    zone = ZoneInfo(given["zone"])
    noon = datetime.combine(day, time(12), zone).astimezone(UTC)
    midnight = datetime.combine(day, time(23, 59), zone).astimezone(UTC)
    (shift,) = [
        shift
        for shift in expand_shifts([pattern(given["shift"])], zone, noon, midnight)
        if shift.business_date == day
    ]
    return {
        "duration_h": shift.window.duration.total_seconds() / 3600,
        "business_date": shift.business_date.isoformat(),
        "start_utc": shift.window.start.isoformat(),
    }


def _losses(given: Case) -> dict[str, Any]:
    found = loss.six_losses(base_sums(given))
    assert found is not None
    return {
        "breakdown": found.breakdown_ms / MINUTE_MS,
        "setup": found.setup_ms / MINUTE_MS,
        "minor_stops": (found.minor_stops_ms + found.idling_ms) / MINUTE_MS,
        "reduced_speed": found.reduced_speed_ms / MINUTE_MS,
        "defects": found.defects_ms / MINUTE_MS,
        "start_up": found.start_up_ms / MINUTE_MS,
        "productive": found.productive_ms / MINUTE_MS,
    }


def _failures(given: Case) -> dict[str, Any]:
    hour = 3_600_000
    operating = round(sum(given["operating_h"]) * hour)
    mtbf = reliability.mean_time_between_failures(operating, given["failures"])
    plus_one = reliability.mean_time_between_failures(operating, given["failures"], plus_one=True)
    mttr = reliability.mean_time_to_repair([round(length * hour) for length in given["repair_h"]])
    return {
        "mtbf_h": None if mtbf is None else mtbf / hour,
        "mtbf_plus_one_h": None if plus_one is None else plus_one / hour,
        "mttr_h": None if mttr is None else mttr / hour,
    }


def _capability(given: Case) -> dict[str, Any]:
    found = capability(
        given["values"],
        given.get("lower"),
        given.get("upper"),
        subgroup=given.get("subgroup", 1),
    )
    return {
        "count": found.count,
        **{name: index.value for name, index in found.indices.items()},
        "missing": {name: str(reason) for name, reason in found.missing.items()},
    }


_KINDS = {
    "scenario": lambda given: Story(given).figures(),
    "sums": _sums,
    "mix": _mix,
    "pool": _pool,
    "line": _line,
    "counter": _counter,
    "increments": _increments,
    "calendar": _calendar,
    "losses": _losses,
    "failures": _failures,
    "capability": _capability,
    **driver_cases.KINDS,
}
