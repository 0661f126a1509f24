"""The story of one machine, told in a golden case, and what the engine makes of it.

Clock times are `HH:MM`, local to `zone` (UTC) on `day` (2026-03-03).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analytics.oee.amendment import Booking, amended
from analytics.oee.base_sum import Amendments, FirstInspection, Slice, slices
from analytics.oee.execution import OrderRun
from analytics.oee.machine import HeldSignals, MachineSignals, held_signals
from analytics.oee.operation import Operation, PlannedRunTime, PlannedRunTimes, Routing
from analytics.oee.schedule import site_schedule
from analytics.oee.state import Timeline, timeline
from analytics.oee.unit_figure import in_parts
from analytics.oee.unit_figure import tiles as tiles_of
from analytics.readings.counter import Counter
from analytics.readings.counting import Increments, increments
from analytics.readings.interval import millis
from analytics.readings.signal import NumberReadings, TextReadings, number_readings, text_readings
from plant.calendar import Break, ShiftPattern, utc_instant
from plant.kpi import OeePolicy, ratio
from plant.kpi.fault import Figures
from plant.kpi.loss import six_losses
from plant.kpi.oee import oee_of
from plant.kpi.reliability import failures, reliability
from plant.kpi.stop import minor_stop_ms, stops
from plant.kpi.sums import add
from plant.measurement import TagRole
from plant.state import TimeElement
from tests.golden.outcome import MINUTE_MS, of_result, of_sums

Case = Mapping[str, Any]
DAY = date(2026, 3, 3)
EVERY_DAY = frozenset(range(7))


def clock(text: str) -> int:
    """Return the millisecond of `HH:MM[:SS]` on the usual day; `+1d` means a day later."""
    return moment(text, DAY, ZoneInfo("UTC"))


def moment(text: str, day: date, zone: ZoneInfo) -> int:
    """Return the millisecond of a local time; `+1d` means a day later, `+2d` two."""
    at, _, days = text.partition("+")
    later = timedelta(days=int(days.removesuffix("d") or 0))
    return millis(utc_instant(day + later, time.fromisoformat(at.strip()), zone))


def each_minute(told: Case) -> list[float]:
    """Return what a counter shows minute by minute: it grows by `step`, but for some minutes.

    `but` names what it shows at single ones, `other` shows another counter for a while, `signed` is
    the modulus of a counter that goes on below zero.
    """
    step, modulus = told.get("step", 1), told.get("signed")
    shown = [told["start"] + step * minute for minute in range(told["minutes"])]
    if modulus is not None:
        shown = [(value + modulus // 2) % modulus - modulus // 2 for value in shown]
    for minute, value in told.get("but", {}).items():
        shown[minute] = value
    if "other" in told:
        other = told["other"]
        for minute in range(other["from"], other["to"]):
            shown[minute] = other["start"] + step * (minute - other["from"])
    return shown


class Story:
    """One machine through the whole engine: signals, time elements, base sums, OEE."""

    def __init__(self, given: Case) -> None:
        self._given = given
        self._zone = ZoneInfo(given.get("zone", "UTC"))
        self._day = date.fromisoformat(given.get("day", DAY.isoformat()))

    def _at(self, text: str) -> int:
        return moment(text, self._day, self._zone)

    def _texts(self, name: str) -> TextReadings | None:
        """Return events, or the first of them once more for each minute of some spans."""
        events = self._given.get(name)
        if events is None:
            return None
        spans = self._given.get(f"{name}_each_minute")
        if spans is not None:
            minutes = [
                moment
                for begin, end in spans
                for moment in range(self._at(begin), self._at(end), MINUTE_MS)
            ]
            more = self._given.get(f"{name}_more", [])
            return text_readings(
                [1000 * one for one in minutes] + [1000 * self._at(event[0]) for event in more],
                [events[0][1]] * len(minutes) + [event[1] for event in more],
                [0] * len(minutes) + [2 if "bad" in event else 0 for event in more],
            )
        return text_readings(
            [self._at(event[0]) * 1000 for event in events],
            [event[1] for event in events],
            [2 if len(event) > 2 and event[2] == "bad" else 0 for event in events],
        )

    def _signals(self) -> HeldSignals:
        given = self._given
        return held_signals(
            MachineSignals(
                state=self._texts("states"),
                state_silence_ms=round(given.get("silence_s", 86_400) * 1000),
                mode=self._texts("modes"),
                mode_silence_ms=round(given.get("mode_silence_s", 86_400) * 1000),
                order=self._texts("orders"),
                product=self._texts("products"),
                stop_reason=self._texts("reasons"),
                state_map=given.get("state_map"),
                runs=tuple(self._runs()),
                mes_first=given.get("order_from") == "mes",
            )
        )

    def _runs(self) -> Iterator[OrderRun]:
        for run in self._given.get("runs", ()):
            yield OrderRun(
                self._at(run["start"]),
                self._at(run["end"]) if "end" in run else None,
                run["order"],
                run.get("product"),
                run.get("lot"),
            )

    def _planned(self) -> PlannedRunTimes:
        """Return run times: seconds, or a list of `[from, seconds]` or `[from, seconds, to]`."""
        routing = Routing(
            {
                product: [
                    Operation(
                        -(10**15),
                        None,
                        step.get("parts_per_item", 1),
                        step.get("parts_per_cycle", 1),
                        step["cycle_s"] * 1000 if "cycle_s" in step else None,
                    )
                ]
                for product, step in self._given.get("routing", {}).items()
            }
        )
        return PlannedRunTimes(
            {
                product: [PlannedRunTime(-(10**15), None, told * 1000)]
                if not isinstance(told, list)
                else [
                    PlannedRunTime(self._at(begins), self._at(ends[0]) if ends else None, s * 1000)
                    for begins, s, *ends in told
                ]
                for product, told in self._given.get("run_times_s", {}).items()
            },
            routing,
            self._given["run_time_s"] * 1000 if "run_time_s" in self._given else None,
        )

    def _numbers(self, told: Any) -> NumberReadings:
        if not isinstance(told, list):
            values = each_minute(told["each_minute"])
            start = self._at(self._given["window"][0])
            lost = told["each_minute"].get("lost", {"from": 0, "to": 0})
            kept = [n for n in range(len(values)) if not lost["from"] <= n < lost["to"]]
            moments = [(start + minute * MINUTE_MS) * 1000 for minute in kept]
            return number_readings(moments, [values[minute] for minute in kept])
        return number_readings([self._at(at) * 1000 for at, _ in told], [v for _, v in told])

    def _counts(self, signals: HeldSignals, routing: Routing) -> dict[TagRole, Increments]:
        given = self._given
        counter = Counter(given.get("modulus"), given.get("max_rate_per_s"))
        silence = round(2000 * given["counter_silence_s"]) if "counter_silence_s" in given else None
        counts = {
            TagRole.ENERGY if name == "energy" else TagRole(f"{name}_count"): increments(
                self._numbers(readings), counter, silence_ms=silence
            )
            for name, readings in given.get("counters", {}).items()
        }
        return amended(
            in_parts(counts, routing, signals.product),
            [
                Booking(self._at(made), TagRole(f"{becomes}_count"), parts)
                for made, becomes, parts in given.get("bookings", ())
            ],
        )

    def figures(self) -> dict[str, Any]:
        """Return everything that the engine makes of it."""
        given = self._given
        start, end = (self._at(text) for text in given["window"])
        schedule = site_schedule(
            [pattern(shift) for shift in given.get("shifts", ())],
            self._zone,
            start,
            end,
            [(self._at(begins), self._at(ends)) for begins, ends in given.get("maintenance", ())],
            breaks_planned=given.get("breaks_in", "planned_downtime") == "planned_downtime",
        )
        signals, planned = self._signals(), self._planned()
        line = timeline(start, end, signals, schedule, planned.changes())
        inspections = tuple(
            FirstInspection(self._at(made), result == "good", result == "rework")
            for made, result in given.get("first_inspections", ())
        )
        more = Amendments(
            inspections=inspections, setup_planned=given.get("setup_in") == "planned_downtime"
        )
        counts = self._counts(signals, planned.routing)
        parts = slices(line, schedule, counts, planned, more)
        failed = failures(tiles_of(line), OeePolicy(), end)
        total = replace(add(part.sums for part in parts), failure_events=len(failed))
        whole = stops(tiles_of(line))
        minor = _minor_ms(given, line, end)
        figures = Figures(total, None, minor, stateless="states" not in given)
        found = of_sums(total) | of_result(oee_of(figures)) | _of_slices(parts)
        losses = six_losses(total)
        if losses is not None:
            found["loss_unknown"] = losses.unknown_ms / MINUTE_MS
            found["loss_speed"] = losses.reduced_speed_ms / MINUTE_MS
        return found | {
            "stops": [
                [(stop.start - start) / MINUTE_MS, ((stop.end or end) - start) / MINUTE_MS]
                for stop in whole
            ],
            "stood": [stop.lasted_ms(end) / MINUTE_MS for stop in whole],
            "reasons": [stop.stop_reason for stop in whole],
            "mttr": _minutes(reliability(failed, total.apt_ms).mttr_ms),
            "mttr_calendar": _minutes(reliability(failed, total.apt_ms).mttr_calendar_ms),
            "minor": minor / MINUTE_MS,
            "inspected": total.inspected_parts,
            "first_pass_yield": ratio.first_pass_yield(
                total.good_at_first_parts, total.inspected_parts
            ),
        }


def _minutes(ms: float | None) -> float | None:
    return None if ms is None else ms / MINUTE_MS


def _of_slices(parts: Sequence[Slice]) -> dict[str, Any]:
    """Return marks, minutes by order and lot, and by shift what it lost and made."""
    found: dict[str, Any] = {"marks": sorted({mark for part in parts for mark in part.marks})}

    def more(name: str, value: float) -> None:
        found[name] = found.get(name, 0) + value

    for part in parts:
        minutes = (part.end - part.start) / MINUTE_MS
        for text in (part.order, part.lot):
            if text is not None:
                more(f"{text}_minutes", minutes)
        if part.shift is not None:
            name = part.shift.name
            more(f"{name}_minutes", minutes)
            more(f"{name}_adet", part.sums.adet_ms / MINUTE_MS)
            more(f"{name}_produced", part.sums.produced_quantity or 0)
            more(f"{name}_good", part.sums.good_quantity or 0)
            found[f"{name}_date"] = part.shift.business_date.isoformat()
    return found


def _minor_ms(given: Case, line: Timeline, end: int) -> int:
    if "minor_stop_threshold_s" not in given:
        return 0
    tiles = tiles_of(line)
    delays = [tile for tile in tiles if tile.element is TimeElement.DELAY]
    return minor_stop_ms(stops(tiles), delays, round(given["minor_stop_threshold_s"] * 1000), end)


def pattern(shift: Case) -> ShiftPattern:
    """Return a shift of every day."""
    return ShiftPattern(
        name=shift["name"],
        start=time.fromisoformat(shift["start"]),
        end=time.fromisoformat(shift["end"]),
        weekdays=EVERY_DAY,
        breaks=tuple(
            Break("break", time.fromisoformat(start), time.fromisoformat(end))
            for start, end in shift.get("breaks", ())
        ),
    )
