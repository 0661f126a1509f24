"""The whole simulated plant, tick by tick: deterministic by seed and plant time alone."""

import json
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from plant.calendar import ShiftInstance
from plant.clock import from_microseconds, microseconds
from plant.measurement import TagRole
from simulators.disorder import Issue
from simulators.machine.activity import SHOWN
from simulators.machine.behaviour import FloorSettings
from simulators.machine.flow import Order, Outcome
from simulators.machine.line import Line, OrderBook
from simulators.machine.machine import Machine
from simulators.pilot import Pilot
from simulators.registers import RegisterBlock, block_of
from simulators.sampling import Analog, Point, ReadingSampler, ScanSampler
from simulators.schedule import Schedule
from simulators.settings import DisorderSettings
from simulators.truth.record import Batch, Row, calendar_rows

TICK_US = 1_000_000
_CONTEXT_KEYS = frozenset({"state", "mode", "order", "product", "stop_reason"})
_DAY_US = 86_400 * 1_000_000


class Floor:
    """A pilot's line, its machines' signals and what its servers make readable.

    `advance` is to be called for tick 0, 1, 2, ... without gaps. It appends to `batch` what the
    truth is to record. Once that is done, `issued` holds what an OPC UA server may show, in
    order and with repeats, and `snapshot` what a Modbus server shows from now on.
    """

    def __init__(self, pilot: Pilot, seed: int, origin_us: int, disorder: DisorderSettings) -> None:
        self.batch = Batch()
        self.issued: list[Issue] = []
        self.snapshot: tuple[int, bytes] | None = None
        self.block: RegisterBlock | None = None
        self.scan_s = pilot.floor.scan_s if pilot.driver == "modbus" else None
        """Modbus: seconds between snapshots."""
        self._pilot = pilot
        self._fresh: list[Issue] = []
        self._seed = seed
        self._origin_us = origin_us
        self._now_us = origin_us
        self._skew_us = _skews(pilot, round(disorder.clock_skew_s * 1_000_000))
        self._part_numbers = dict.fromkeys(self._skew_us, 0)
        self._run_times = _run_times(pilot)
        zone = ZoneInfo(pilot.site.time_zone)
        offset = from_microseconds(origin_us).astimezone(zone).utcoffset() or timedelta()
        self._local_us = round(offset.total_seconds() * 1_000_000)
        self._schedule = Schedule(
            [shift.pattern() for shift in pilot.site.shifts],
            zone,
            seed,
            pilot.floor.work_center,
            pilot.floor.break_worked_share,
            self._note_shifts,
        )
        self.line = Line(
            _without_wrap(pilot) if not disorder.counter_wrap else pilot.floor,
            OrderBook(pilot.plant.orders),
            seed,
            self,
            self._run_time,
            _moduli(pilot),
            disorder.counter_reset,
        )
        self._samplers: list[ReadingSampler] = []
        self._scanner: ScanSampler | None = None
        self._install(disorder)

    def advance(self, tick: int) -> None:
        """Let one more second of plant time pass; see the class."""
        self._now_us = self._origin_us + tick * TICK_US
        self.line.advance(tick, self._schedule.works(self._now_us))
        day_fraction = ((self._now_us + self._local_us) % _DAY_US) / _DAY_US
        for machine in self.line.machines:
            machine.load.day_fraction = day_fraction
            if tick == 0 or machine.changed & _CONTEXT_KEYS:
                self._note_state(machine)
        for sampler in self._samplers:
            sampler.sample(tick, self._now_us, self._fresh.append)
        if self._scanner is not None:
            snapshot = self._scanner.scan(tick, self._now_us)
            if snapshot is not None:
                self.snapshot = snapshot
                self.batch.snapshot.append(snapshot)

    def settle(self) -> None:
        """Put what was issued since the last call into the batch, and then up for showing."""
        self.batch.issued += self._fresh
        self.issued += self._fresh
        self._fresh.clear()

    def forget(self) -> None:
        """Drop everything that awaits recording or showing: it is recorded already."""
        self._fresh.clear()
        self.issued.clear()
        self.batch.clear()

    def tag_rows(self) -> list[Row]:
        """Return the tags as rows of the truth's table `tag`."""
        rows: list[Row] = []
        for tag_id, tag in enumerate(self._pilot.tags):
            field = self.block.fields[tag_id] if self.block else None
            rows.append(
                (
                    tag_id,
                    self._pilot.tag_path(tag),
                    self._pilot.unit_path(tag.machine),
                    tag.role.value,
                    int(tag.is_text),
                    tag.type,
                    tag.scale,
                    tag.offset,
                    json.dumps(tag.states),
                    field.first if field else None,
                    field.count if field else None,
                    tag.deadband,
                    tag.max_silence_s,
                )
            )
        return rows

    def run_time_rows(self) -> list[Row]:
        """Return the planned run times as rows of the truth's table `planned_run_time`."""
        return [
            (self._pilot.unit_path(code), product, start, end, seconds)
            for (code, product), periods in self._run_times.items()
            for start, end, seconds in periods
        ]

    def part(self, machine: str, outcome: Outcome, order: Order | None) -> None:
        """Record a finished part."""
        self._part_numbers[machine] += 1
        self.batch.part.append(
            (
                self._pilot.unit_path(machine),
                self._part_numbers[machine],
                self._time_us(machine),
                outcome.value,
                order.product if order else "",
                order.number if order else "",
            )
        )

    def counter_event(self, machine: str, key: str, kind: str, before: int) -> None:
        """Record a counter that was reset or wrapped."""
        unit = self._pilot.unit_path(machine)
        self.batch.counter_event.append((unit, key, self._time_us(machine), kind, before))

    def order_loaded(self, machine: str, order: Order) -> None:
        """Record that a machine takes up an order."""
        self._note_order(machine, order, "loaded")

    def order_unloaded(self, machine: str, order: Order) -> None:
        """Record that a machine has finished an order."""
        self._note_order(machine, order, "unloaded")

    def _note_order(self, machine: str, order: Order, kind: str) -> None:
        unit = self._pilot.unit_path(machine)
        time_us = self._time_us(machine)
        self.batch.order_event.append(
            (unit, order.number, order.product, order.quantity, kind, time_us)
        )

    def _note_state(self, machine: Machine) -> None:
        code = machine.settings.code
        state, mode, order, product, reason = machine.state_key
        kind = SHOWN[machine.activity].stop_kind
        self.batch.state_change.append(
            (
                self._pilot.unit_path(code),
                self._time_us(code),
                state,
                mode,
                order,
                product,
                kind.value if kind else None,
                reason,
            )
        )

    def _note_shifts(self, shifts: Sequence[ShiftInstance]) -> None:
        self.batch.planned_window += calendar_rows(shifts)

    def _time_us(self, machine: str) -> int:
        return self._now_us + self._skew_us[machine]

    def _run_time(self, machine: str, product: str, tick: int) -> float:
        now_us = self._origin_us + tick * TICK_US
        periods = self._run_times[machine, product]
        for start, end, seconds in reversed(periods):
            if start <= now_us and (end is None or now_us < end):
                return seconds
        return periods[0][2]

    def _install(self, disorder: DisorderSettings) -> None:
        machines = {machine.settings.code: machine for machine in self.line.machines}
        points = [
            Point(tag_id, tag, machines[tag.machine], self._analog(machines[tag.machine], tag_id))
            for tag_id, tag in enumerate(self._pilot.tags)
        ]
        if self._pilot.clock_address is not None:
            self.block = block_of(self._pilot.tags, self._pilot.clock_address)
            self._scanner = ScanSampler(
                points,
                self.block,
                self._pilot.floor.scan_s,
                self._skew_us[points[0].machine.settings.code],
                disorder,
                [self._seed, 3],
            )
            return
        for machine in self.line.machines:
            own = [point for point in points if point.machine is machine]
            if own:
                skew_us = self._skew_us[machine.settings.code]
                seed = [self._seed, 2, machine.position]
                self._samplers.append(ReadingSampler(own, skew_us, disorder, seed))

    def _analog(self, machine: Machine, tag_id: int) -> Analog | None:
        tag = self._pilot.tags[tag_id]
        if tag.role is not TagRole.NONE:
            return None
        settings = machine.settings.analogs[tag.key]
        # Signals draw apart from the machine: another sensor must not make another history.
        signal = settings.signal(np.random.default_rng([self._seed, 1, tag_id]))
        return Analog(signal, settings.every_s, settings.decimals)


def _skews(pilot: Pilot, skew_us: int) -> dict[str, int]:
    wrong = {machine.code for machine in pilot.floor.machines if machine.skewed}
    # A PLC has one clock for all its machines.
    shared = pilot.driver == "modbus" and bool(wrong)
    return {
        machine.code: skew_us if shared or machine.code in wrong else 0
        for machine in pilot.floor.machines
    }


def _moduli(pilot: Pilot) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for tag in pilot.tags:
        if tag.counter_modulus is not None:
            found.setdefault(tag.machine, {})[tag.key] = tag.counter_modulus
    return found


def _without_wrap(pilot: Pilot) -> FloorSettings:
    machines = [
        machine.model_copy(update={"counter_start": {}}) for machine in pilot.floor.machines
    ]
    return pilot.floor.model_copy(update={"machines": machines})


def _run_times(pilot: Pilot) -> dict[tuple[str, str], list[tuple[int, int | None, float]]]:
    found: dict[tuple[str, str], list[tuple[int, int | None, float]]] = {}
    for product in pilot.plant.products:
        for pri in product.planned_run_times:
            end = microseconds(pri.valid_to) if pri.valid_to else None
            period = (microseconds(pri.valid_from), end, pri.seconds)
            found.setdefault((pri.work_unit.rpartition("/")[2], product.code), []).append(period)
    return {key: sorted(periods, key=lambda period: period[0]) for key, periods in found.items()}
