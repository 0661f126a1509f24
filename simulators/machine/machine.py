"""A machine of a serial line: what it does from second to second, and what it counts.

It advances by ticks of one plant second. At each tick the work of the second before is finished
first, then the activity from now on is decided, so that every instant is half-open as in the
figures. All chance comes from the machine's own generator.
"""

from collections.abc import Callable

import numpy as np

from simulators.machine.activity import SHOWN, Activity
from simulators.machine.behaviour import MachineSettings, Seconds
from simulators.machine.flow import Flow, Order, Outcome, Record
from simulators.machine.signals import Load


class Machine:
    """One machine; see the module."""

    def __init__(
        self,
        position: int,
        settings: MachineSettings,
        rng: np.random.Generator,
        flow: Flow,
        record: Record,
        run_time: Callable[[str, int], float],
        moduli: dict[str, int],
        reasons: tuple[str, str],
        resets: bool,
    ) -> None:
        """Assign; `run_time(product, tick)` is the planned run time in seconds."""
        self.position = position
        self.settings = settings
        self.load = Load()
        self.activity = Activity.OFF
        self.reason = ""
        self.order: Order | None = None
        self.sequence = -1
        self.counts = {outcome.value: 0 for outcome in Outcome} | settings.counter_start
        self.energy_kwh = 0.0
        self.changed: set[str] = set()
        """Keys whose value changed at this tick, energy and process values apart."""
        self.has_part = False
        self._rng = rng
        self._flow = flow
        self._record = record
        self._run_time = run_time
        self._moduli = moduli
        self._starved_reason, self._blocked_reason = reasons
        self._paused = Activity.IDLE
        self._paused_reason = ""
        self._timer_s = 0.0
        self._cycle_left_s = 0.0
        self._product = ""
        self._tool_parts = 0
        self._to_minor_stop_s = self._interval(settings.minor_stops.mean_interval_s)
        self._to_breakdown_s = self._interval(settings.breakdowns.mean_interval_s)
        self._power_cycle_mean_s = settings.power_cycles_mean_s if resets else None
        self._to_power_cycle_s = self._next_power_cycle_s()

    @property
    def state_key(self) -> tuple[str, str, str, str, str]:
        """State, mode, order number, product and stop reason as the machine shows them."""
        order = self.order
        shown = SHOWN[self.activity]
        return (
            shown.state,
            shown.mode,
            order.number if order else "",
            order.product if order else "",
            self.reason,
        )

    def advance(self, tick: int, works: bool) -> None:
        """Finish the second before `tick` and decide what the machine does from it on."""
        self.changed.clear()
        before = self.state_key
        running = self.activity is Activity.RUN
        self._consume()
        if running:
            self._work(tick)
        self._decide(tick, works)
        self.load.running = 1.0 if self.activity is Activity.RUN else 0.0
        after = self.state_key
        if after != before:
            for key, old, new in zip(_STATE_KEYS, before, after, strict=True):
                if old != new:
                    self.changed.add(key)

    def _consume(self) -> None:
        power = self.settings.power
        if self.activity is Activity.RUN:
            kilowatts = power.running_kw * (1 + 0.1 * self.load.wear)
        elif self.activity is Activity.OFF:
            kilowatts = power.off_kw
        else:
            kilowatts = power.idle_kw
        self.energy_kwh += kilowatts / 3600

    def _work(self, tick: int) -> None:
        self._cycle_left_s -= 1
        self._to_minor_stop_s -= 1
        self._to_breakdown_s -= 1
        if self._to_power_cycle_s is not None:
            self._to_power_cycle_s -= 1
            self._power_cycle()
        if self._cycle_left_s <= 0:
            self._finish_part()

    def _power_cycle(self) -> None:
        key = Outcome.GOOD.value
        # One that has only just begun is left alone: a small step back is jitter, not a reset.
        if self._to_power_cycle_s is None or self._to_power_cycle_s > 0 or self.counts[key] < 100:
            return
        self._record.counter_event(self.settings.code, key, "reset", self.counts[key])
        self.counts[key] = 0
        self.changed.add(key)
        self._to_power_cycle_s = self._next_power_cycle_s()

    def _finish_part(self) -> None:
        self.has_part = False
        draw = self._rng.random()
        if draw < self.settings.scrap_share:
            outcome = Outcome.SCRAP
        elif draw < self.settings.scrap_share + self.settings.rework_share:
            outcome = Outcome.REWORK
        else:
            outcome = Outcome.GOOD
        key = outcome.value
        count = self.counts[key] + 1
        if count == self._moduli.get(key):
            self._record.counter_event(self.settings.code, key, "wrap", self.counts[key])
            count = 0
        self.counts[key] = count
        self.changed.add(key)
        self._record.part(self.settings.code, outcome, self.order)
        if outcome is not Outcome.SCRAP:
            # What needs rework is mended beside the line and goes on with the others.
            self._flow.put(self.position)
        if self.settings.tool:
            self._tool_parts += 1
            self.load.wear = min(1.0, self._tool_parts / self.settings.tool.parts)

    def _decide(self, tick: int, works: bool) -> None:
        activity = self.activity
        if activity is Activity.BROKEN or activity is Activity.CLEARING:
            # Repairs go on through breaks and nights.
            self._timer_s -= 1
            if self._timer_s > 0:
                return
            self._after_repair()
            if self.activity is Activity.CLEARING:
                return
            activity = self.activity
        if not works:
            if activity is not Activity.OFF:
                self._paused, self._paused_reason = activity, self.reason
                self._enter(Activity.OFF)
            return
        if activity is Activity.OFF:
            self._enter(self._paused, self._paused_reason)
            activity = self.activity
        if activity in _TIMED:
            self._timer_s -= 1
            if self._timer_s > 0:
                return
            if activity is Activity.COMPLETE:
                self._unload(tick)
        if activity is Activity.RUN and self._interrupted():
            return
        if self.order is None and not self._load_order(tick):
            self._enter(Activity.IDLE)
            return
        if self.activity is Activity.SETUP and activity is not Activity.SETUP:
            return
        self._go_on(tick)

    def _after_repair(self) -> None:
        if self.activity is Activity.BROKEN:
            self._enter(Activity.CLEARING, self.reason, (60, 120))
        elif self.activity is Activity.CLEARING:
            self._enter(Activity.RESETTING, "", (20, 40))

    def _interrupted(self) -> bool:
        settings = self.settings
        if self._to_breakdown_s <= 0:
            self._to_breakdown_s = self._interval(settings.breakdowns.mean_interval_s)
            reason = self._one_of(settings.breakdowns.reasons)
            self._enter(Activity.BROKEN, reason, settings.breakdowns.duration_s)
            return True
        if self._to_minor_stop_s <= 0:
            self._to_minor_stop_s = self._interval(settings.minor_stops.mean_interval_s)
            reason = self._one_of(settings.minor_stops.reasons)
            self._enter(Activity.MINOR_STOP, reason, settings.minor_stops.duration_s)
            return True
        tool = settings.tool
        if tool and self._tool_parts >= tool.parts and not self.has_part:
            self._tool_parts = 0
            self.load.wear = 0.0
            self._enter(Activity.MINOR_STOP, tool.reason, tool.change_s)
            return True
        return False

    def _load_order(self, tick: int) -> bool:
        order = self._flow.order_for(self.position, tick)
        if order is None:
            return False
        self.order = order
        self.sequence = order.sequence
        if self._product not in {"", order.product}:
            self._enter(Activity.SETUP, "", self.settings.setup_s)
        self._product = order.product
        return True

    def _unload(self, tick: int) -> None:
        self.order = None
        self._flow.unloaded(self.position, tick)

    def _go_on(self, tick: int) -> None:
        if self.has_part:
            self._enter(Activity.RUN)
        elif self._flow.is_through(self.position):
            self._enter(Activity.COMPLETE, "", (20, 40))
        elif not self._flow.has_room(self.position):
            self._enter(Activity.BLOCKED, self._blocked_reason)
        elif not self._flow.may_start(self.position):
            self._enter(Activity.STARVED, self._starved_reason)
        else:
            self._flow.take(self.position)
            self.has_part = True
            mean = self._run_time(self._product, tick) * self.settings.cycle_factor
            spread = 1 + self.settings.cycle_spread * self._rng.standard_normal()
            # What is left of the last second belongs to the next part while running on.
            carry = self._cycle_left_s if self.activity is Activity.RUN else 0.0
            self._cycle_left_s = mean * max(0.7, spread) + min(0.0, carry)
            self._enter(Activity.RUN)

    def _enter(self, activity: Activity, reason: str = "", lasting: Seconds | None = None) -> None:
        self.activity = activity
        self.reason = reason
        if lasting is not None:
            shortest, longest = lasting
            self._timer_s = float(round(self._rng.uniform(shortest, longest)))

    def _interval(self, mean_s: float) -> float:
        # Never at once, so that stops do not melt together.
        return 0.2 * mean_s + float(self._rng.exponential(0.8 * mean_s))

    def _next_power_cycle_s(self) -> float | None:
        mean = self._power_cycle_mean_s
        return mean * float(self._rng.uniform(0.5, 1.5)) if mean else None

    def _one_of(self, reasons: list[str]) -> str:
        return reasons[int(self._rng.integers(len(reasons)))]


_STATE_KEYS = ("state", "mode", "order", "product", "stop_reason")
_TIMED = frozenset({Activity.SETUP, Activity.MINOR_STOP, Activity.RESETTING, Activity.COMPLETE})
