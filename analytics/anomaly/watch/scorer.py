"""One model of one machine: readings in any order become events, the same in any order and pieces.

A scorer holds everything between readings and events: grid, rules, monitor, events, the slow
chart. All of it is arrays, so a restart goes on bit for bit, and a state of an earlier moment with
the readings since then gives what would have been, had they come in time.
"""

import hashlib
import io
import zipfile
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.data.cycle import CycleCutter, feature_names
from analytics.anomaly.data.grid import Grid
from analytics.anomaly.data.quality import Fault, QualityEvent, QualityRules, QualitySettings
from analytics.anomaly.event import Cause, Event, EventMaker, EventSettings
from analytics.anomaly.monitor import Monitor, MonitorSettings
from analytics.anomaly.monitor_state import load_monitor, save_monitor
from analytics.anomaly.quantile import false_alarms_per_day
from analytics.anomaly.settings import DetectorSettings
from analytics.anomaly.state import VERSION
from analytics.anomaly.wander import WanderChart, Wandered, reach
from analytics.anomaly.wear import SlowChart, Wear
from plant.errors import DataError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_WEAR_QUIET_MS = 12 * _HOUR_MS
"""A worn sensor that has not been told for so long is told anew."""
_NEVER = -(2**62)


@dataclass(frozen=True, slots=True)
class ScorerSettings:
    """What an engineer may choose for a model; lengths in rows of the grid."""

    step_ms: int = 1000
    hold_s: tuple[float, ...] = ()
    """How long a reading of each sensor stands; empty: three steps."""
    ranges: tuple[tuple[float, float], ...] = ()
    alarm: float = DetectorSettings().alarm
    open_rows: int = EventSettings().open_rows
    close_rows: int = EventSettings().close_rows
    learn_rows: int = 1200
    """Rows, or cycles, of each regime before its model judges."""
    cyclic: bool = False
    """Rows are cycles, cut by one more column: a counter of parts, or a state."""
    cycle_begins: float | None = None
    """Value of that column with which a cycle begins; None: it is a counter."""

    @property
    def monitor(self) -> MonitorSettings:
        """Return the settings of regimes and detectors."""
        if self.cyclic:
            cycles = DetectorSettings(learn_rows=self.learn_rows, alarm=self.alarm)
            return MonitorSettings(detector=cycles, guard_rows=10, gap_ms=600_000)
        detector = DetectorSettings(learn_rows=self.learn_rows, alarm=self.alarm)
        longest = max((self.step_ms * 10, *(int(1000 * hold) for hold in self.hold_s)))
        return MonitorSettings(detector=detector, gap_ms=max(MonitorSettings().gap_ms, longest))


@dataclass(frozen=True, slots=True)
class Found:
    """What became of an event; `sensor` is None for those of the model.

    A cause of a machine that works in cycles names the column of `feature_names`, as does `sensor`
    of a model that has wandered.
    """

    kind: str
    sensor: int | None
    start_ms: int
    opened_ms: int
    end_ms: int | None
    peak: float = 0.0
    severity: float = 0.0
    relearned: bool = False
    causes: tuple[Cause, ...] = ()
    remaining_h: tuple[float | None, float | None, float | None] | None = None
    """Of wear: hours until failure, their earliest and latest by 90 %; None: not foreseen."""


@dataclass(slots=True)
class Scorer:
    """The judge of a machine with `sensors` signals."""

    sensors: int
    settings: ScorerSettings
    grid: Grid = field(init=False)
    rules: QualityRules = field(init=False)
    cutter: CycleCutter = field(init=False)
    monitor: Monitor = field(init=False)
    maker: EventMaker = field(init=False)
    slow: SlowChart = field(init=False)
    wander: WanderChart = field(init=False)
    worn: dict[int, tuple[int, float, Wear]] = field(default_factory=dict)
    """By sensor: since when it is worn, the highest score, and what was told last."""
    hours: dict[int, int] = field(default_factory=dict)
    """Readings taken in each hour since 1970."""
    rows: int = 0
    digest: bytes = b""

    def __post_init__(self) -> None:
        settings = self.settings
        hold = [max(int(1000 * each // settings.step_ms), 3) for each in settings.hold_s]
        hold = hold or [3] * self.sensors
        if settings.cyclic:
            # A counter stands until it counts.
            hold.append(_DAY_MS // settings.step_ms)
        self.grid = Grid(len(hold), settings.step_ms, np.array(hold))
        self.rules = QualityRules(self.sensors, QualitySettings(ranges=settings.ranges))
        self.cutter = self._cutter()
        self.monitor = Monitor(self.columns, settings.monitor)
        opening = EventSettings(open_rows=settings.open_rows, close_rows=settings.close_rows)
        self.maker = EventMaker(self.columns, opening)
        self.slow = SlowChart(self.sensors)
        self.wander = WanderChart()

    def _cutter(self) -> CycleCutter:
        return CycleCutter(self.sensors, rising=self.settings.cycle_begins is not None)

    def _signal(self, rows: Array) -> Array:
        """Return what cuts cycles, of rows of the grid; NaN where nothing was said."""
        signal = rows[:, -1]
        begins = self.settings.cycle_begins
        if begins is None:
            return signal
        return np.where(np.isfinite(signal), (signal == begins).astype(np.float64), np.nan)

    @property
    def columns(self) -> int:
        """Return how wide the rows are that are judged."""
        return len(feature_names([""] * self.sensors)) if self.settings.cyclic else self.sensors

    def take(
        self,
        times_ms: Whole,
        sensors: Whole,
        values: Array,
        regimes: Sequence[tuple[int, str]],
        until_ms: int,
    ) -> list[Found]:
        """Take the readings up to `until_ms`, all of them; return what became of events.

        `regimes` says in order from which moment on which product was made; empty while idle.
        """
        rows = self.grid.take(times_ms, sensors, values, until_ms)
        if not len(rows.times_ms):
            return []
        names = _names(rows.times_ms, regimes)
        # A chain over the rows: two models with one `data_hash` have learned from the same, in that
        # order.
        moments, content = rows.times_ms.tobytes(), rows.values.tobytes()
        each = len(content) // len(rows.times_ms)
        for place in range(len(rows.times_ms)):
            moment = moments[8 * place : 8 * place + 8]
            row = content[each * place : each * (place + 1)]
            self.digest = hashlib.sha256(self.digest + moment + row).digest()
        clean, faults = self.rules.take(rows.times_ms, rows.values[:, : self.sensors])
        times, judged, of = rows.times_ms, clean, names
        if self.settings.cyclic:
            cycles = self.cutter.take(times, clean, self._signal(rows.values), names)
            times, judged, of = cycles.times_ms, cycles.rows, cycles.regimes
        scores = self.monitor.take(times, judged, of)
        self.rows += sum(name != "" for name in of)
        found = [_of_fault(one) for one in faults]
        found += [_of_event(one) for one in self.maker.take(times, judged, scores)]
        worn = self.slow.take(rows.times_ms, clean, names)
        return found + self._worn(worn, int(rows.times_ms[-1]))

    @property
    def reach(self) -> dict[str, Array]:
        """Return by regime the least step of each column that its model would see."""
        return reach(self.monitor)

    def compare(self, approved: Mapping[str, Array], now_ms: int) -> list[Found]:
        """Return what became of the event that the model wandered from the `reach` approved."""
        told = self.wander.take(now_ms, self.reach, approved)
        return [] if told is None else [_of_wander(told, now_ms)]

    def begin_anew(self) -> None:
        """Forget what was going on, but not what is normal: a former state goes on from now."""
        self.maker = EventMaker(self.columns, self.maker.settings)
        self.worn = {}
        self.wander = WanderChart()

    def count(self, times_ms: Whole) -> None:
        """Count readings of any kind by their hour, to be compared with what is stored later."""
        # Hours are `(start, end]` here, as they are where stored readings are counted (`counts`): a
        # row of the grid holds what lies up to its end.
        hours, numbers = np.unique((times_ms - 1) // _HOUR_MS, return_counts=True)
        for hour, number in zip(hours, numbers, strict=True):
            self.hours[int(hour)] = self.hours.get(int(hour), 0) + int(number)

    def learn_normal(self, times_ms: Whole, rows: Array, regime: str) -> bool:
        """Take rows of the grid that somebody called normal into the model of their regime."""
        detector = self.monitor.detectors.get(regime)
        if self.settings.cyclic:
            cutter = self._cutter()
            rows = cutter.take(
                times_ms, rows[:, :-1], self._signal(rows), [regime] * len(rows)
            ).rows
        return detector is not None and detector.learn_normal(rows)

    @property
    def progress(self) -> dict[str, Any]:
        """Return, by regime, what part of its rows is still missing, and what was left out."""
        detectors = self.monitor.detectors
        return {
            "regimes": {name: round(one.learning, 4) for name, one in detectors.items()},
            "left_out": {
                str(sensor): why
                for one in detectors.values()
                for sensor, why in sorted(one.left_out.items())
            },
        }

    @property
    def false_per_day(self) -> float | None:
        """Return the false alarms expected per day of work; None while that is not known."""
        blocks = _DAY_MS / self.settings.step_ms / self.settings.monitor.detector.block_rows
        peaks = [
            peak
            for one in self.monitor.detectors.values()
            if one.live is not None
            for peak in one.live.model.peaks
        ]
        expected = false_alarms_per_day(peaks, self.settings.alarm, blocks)
        return expected if np.isfinite(expected) else None

    @property
    def refits(self) -> int:
        """Return how often models were fitted again since this was loaded."""
        return sum(one.refits for one in self.monitor.detectors.values())

    def _worn(self, told: list[Wear], now_ms: int) -> list[Found]:
        for one in told:
            since, peak, _ = self.worn.get(one.sensor, (one.moment_ms, 0.0, one))
            self.worn[one.sensor] = (since, max(peak, one.score), one)
        changed = {one.sensor for one in told}
        found = []
        for sensor, (since, peak, last) in list(self.worn.items()):
            over = now_ms - last.moment_ms > _WEAR_QUIET_MS
            if over:
                del self.worn[sensor]
            if over or sensor in changed:
                found.append(_of_wear(last, since, peak, over=over))
        return found

    def to_bytes(self) -> bytes:
        """Return all of it as the bytes of an npz file without pickle."""
        maker, event = self.maker, self.maker.event
        worn = [(since, peak, *_wear_row(last)) for since, peak, last in self.worn.values()]
        arrays: dict[str, NDArray[Any]] = {
            "version": np.array(VERSION),
            "rows": np.array(self.rows),
            "digest": np.frombuffer(self.digest, dtype=np.uint8),
            "hours": np.array(list(self.hours.items()), dtype=np.int64).reshape(-1, 2),
            "worn": np.array(worn, dtype=np.float64).reshape(-1, 11),
            "monitor": np.frombuffer(save_monitor(self.monitor), dtype=np.uint8),
            "counts": np.array([maker.first_ms, maker.in_alarm, maker.calm, maker.explained]),
            "peak": np.array(maker.peak),
            "sums": maker.sums,
            "event": _event_array(event),
            "event_causes": np.array(
                [_plain(cause) for cause in event.causes] if event else [], dtype=np.float64
            ).reshape(-1, 5),
        }
        for name, part in self._parts():
            arrays |= {f"{name}.{key}": value for key, value in part.to_arrays().items()}
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, sensors: int, settings: ScorerSettings) -> "Scorer":
        """Return what `to_bytes` was of; DataError for what is damaged, or of other signals."""
        try:
            return cls._read(content, sensors, settings)
        except (EOFError, LookupError, ValueError, zipfile.BadZipFile) as exc:
            raise DataError(
                "anomaly_state_damaged", "the state cannot be read; learn again"
            ) from exc

    @classmethod
    def _read(cls, content: bytes, sensors: int, settings: ScorerSettings) -> "Scorer":
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays: dict[str, NDArray[Any]] = {name: file[name] for name in file.files}
        if int(arrays.get("version", np.array(-1))) != VERSION:
            raise DataError("anomaly_state_version", "the state is of another version; learn again")
        scorer = cls(sensors, settings)
        scorer.monitor = load_monitor(arrays["monitor"].tobytes(), settings.monitor)
        if scorer.monitor.sensors != scorer.columns:
            raise DataError("anomaly_state_sensors", "the state is of other signals; learn again")
        scorer.rows, scorer.digest = int(arrays["rows"]), arrays["digest"].tobytes()
        scorer.hours = {int(hour): int(number) for hour, number in arrays["hours"]}
        # A state from before the forecast was kept forgets what is worn, and is told it anew.
        for since, peak, *told in arrays["worn"] if arrays["worn"].shape[1] == 11 else ():
            last = _row_wear(told)
            scorer.worn[last.sensor] = (int(since), float(peak), last)
        maker = scorer.maker
        maker.first_ms, maker.in_alarm, maker.calm, maker.explained = map(int, arrays["counts"])
        maker.peak, maker.sums = float(arrays["peak"]), arrays["sums"]
        maker.event = _array_event(arrays["event"], arrays["event_causes"])
        for name, part in scorer._parts():
            start = f"{name}."
            own = {key[len(start) :]: arrays[key] for key in arrays if key.startswith(start)}
            part.restore(own)
        return scorer

    def _parts(self) -> tuple[tuple[str, Any], ...]:
        return (
            ("grid", self.grid),
            ("rules", self.rules),
            ("cutter", self.cutter),
            ("slow", self.slow),
            ("wander", self.wander),
        )

    def ends_before(self, limit_ms: int) -> None:
        """Forget the counts of hours that nobody asks for any more."""
        first = limit_ms // _HOUR_MS
        self.hours = {hour: number for hour, number in self.hours.items() if hour >= first}


def _names(times_ms: Whole, regimes: Sequence[tuple[int, str]]) -> list[str]:
    """Return the regime at each moment: what was said last at or before it."""
    moments = [moment for moment, _ in regimes]
    places = [bisect_right(moments, moment) - 1 for moment in times_ms.tolist()]
    return [regimes[place][1] if place >= 0 else "" for place in places]


def _of_fault(one: QualityEvent) -> Found:
    lasted = 0.0 if one.end_ms is None else (one.end_ms - one.start_ms) / 1000
    kind = {Fault.RANGE: "range", Fault.STUCK: "stuck"}.get(one.fault, "gap")
    return Found(kind, one.sensor, one.start_ms, one.start_ms, one.end_ms, severity=lasted)


def _of_event(one: Event) -> Found:
    end = one.end_ms if one.closed else None
    return Found(
        "model",
        None,
        one.start_ms,
        one.opened_ms,
        end,
        one.peak,
        one.severity,
        one.relearned,
        one.causes,
    )


def _of_wear(last: Wear, since: int, peak: float, *, over: bool) -> Found:
    side = 1.0 if last.rising else -1.0
    return Found(
        "wear",
        last.sensor,
        since,
        since,
        last.moment_ms if over else None,
        peak,
        peak * (last.moment_ms - since) / 1000,
        causes=(Cause(last.sensor, 1.0, side * last.score, last.actual, last.expected),),
        remaining_h=(last.remaining_h, last.earliest_h, last.latest_h),
    )


def _of_wander(told: Wandered, now_ms: int) -> Found:
    return Found(
        "wander",
        told.column,
        told.since_ms,
        told.since_ms,
        now_ms if told.over else None,
        told.peak,
        told.peak * (now_ms - told.since_ms) / 1000,
        causes=(Cause(told.column, 1.0, told.factor, told.least, told.approved),),
    )


def _wear_row(last: Wear) -> list[float]:
    """Return what was told of wear as numbers; NaN for what is not foreseen."""
    values = (getattr(last, each.name) for each in fields(Wear))
    return [np.nan if value is None else float(value) for value in values]


def _row_wear(row: Sequence[float]) -> Wear:
    moment, sensor, score, rising, *forecast, actual, expected = row
    remaining, earliest, latest = (None if np.isnan(one) else float(one) for one in forecast)
    return Wear(
        int(moment),
        int(sensor),
        float(score),
        bool(rising),
        remaining,
        earliest,
        latest,
        float(actual),
        float(expected),
    )


def _plain(cause: Cause) -> tuple[float, ...]:
    return tuple(float(getattr(cause, each.name)) for each in fields(Cause))


def _event_array(event: Event | None) -> Array:
    if event is None:
        return np.empty(0)
    bare = replace(event, causes=())
    return np.array([float(getattr(bare, each.name) or 0) for each in fields(Event)[:-1]])


def _array_event(array: Array, causes: Array) -> Event | None:
    if not len(array):
        return None
    start, opened, end, rows, peak, closed, relearned = array
    return Event(
        int(start),
        int(opened),
        int(end),
        int(rows),
        float(peak),
        bool(closed),
        bool(relearned),
        tuple(Cause(int(one[0]), *(float(part) for part in one[1:])) for one in causes),
    )
