"""From machines to what their controls give out: readings (OPC UA) or register scans (Modbus)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from plant.measurement import Quality, TagRole, Value
from simulators.disorder import Disorder, Issue
from simulators.machine.machine import Machine
from simulators.machine.signals import Signal
from simulators.pilot import ServedTag
from simulators.registers import RegisterBlock
from simulators.settings import DisorderSettings

HEARTBEAT_S = 10
"""Plant seconds after which an unchanged value is given out again."""
_ORDERLY_START_S = 10
"""The first readings are spared from disorder: everyone needs somewhere to begin."""
_STATE_KEYS = ("state", "mode", "order", "product", "stop_reason")


@dataclass(frozen=True, slots=True)
class Analog:
    """A process value's signal and its resolution."""

    signal: Signal
    every_s: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Point:
    """One tag and where its value comes from."""

    tag_id: int
    tag: ServedTag
    machine: Machine
    analog: Analog | None

    @property
    def every_s(self) -> int:
        """How often it is given out at least."""
        return self.analog.every_s if self.analog else HEARTBEAT_S

    @property
    def is_context(self) -> bool:
        """Whether OEE depends on it."""
        return self.tag.role is not TagRole.NONE

    def reader(self) -> Callable[[], Value]:
        """Return a function that reads the present value."""
        machine, key, analog = self.machine, self.tag.key, self.analog
        if analog is not None:
            return lambda: round(analog.signal.get(), analog.decimals)
        if key == TagRole.ENERGY.value:
            return lambda: round(machine.energy_kwh, 3)
        if key in _STATE_KEYS:
            index = _STATE_KEYS.index(key)
            return lambda: machine.state_key[index]
        return lambda: machine.counts[key]


class ReadingSampler:
    """One machine behind OPC UA: a reading at every change, and each value every ten seconds."""

    def __init__(
        self, points: Sequence[Point], skew_us: int, settings: DisorderSettings, seed: list[int]
    ) -> None:
        self._machine = points[0].machine
        self._skew_us = skew_us
        self._disorder = Disorder(settings, np.random.default_rng(seed))
        self._points = tuple(points)
        self._readers = [point.reader() for point in points]
        self._on_change = {
            point.tag.key: index for index, point in enumerate(points) if point.analog is None
        }
        # Spread over the seconds, so that not everything speaks at once.
        self._due: dict[int, list[list[int]]] = {}
        for index, point in enumerate(points):
            phases = self._due.setdefault(point.every_s, [[] for _ in range(point.every_s)])
            phases[index % point.every_s].append(index)

    def sample(self, tick: int, time_us: int, out: Callable[[Issue], None]) -> None:
        """Give out what is due or has changed at a tick."""
        indexes = {self._on_change[key] for key in self._machine.changed if key in self._on_change}
        for every, phases in self._due.items():
            indexes.update(phases[tick % every])
        if tick == 0:
            indexes.update(range(len(self._points)))
        source_us = time_us + self._skew_us
        for index in sorted(indexes):
            point = self._points[index]
            if point.analog is not None:
                point.analog.signal.advance(point.every_s, self._machine.load)
            reading = (point.tag_id, source_us, self._readers[index](), Quality.GOOD.value)
            if tick < _ORDERLY_START_S:
                out(reading)
            else:
                self._disorder.accept(tick, reading, point.is_context, out)
        self._disorder.release(tick, out)


class ScanSampler:
    """All machines behind one Modbus PLC: a snapshot of every register per scan."""

    def __init__(
        self,
        points: Sequence[Point],
        block: RegisterBlock,
        scan_s: int,
        skew_us: int,
        settings: DisorderSettings,
        seed: list[int],
    ) -> None:
        self._points = tuple(points)
        self._readers = [point.reader() for point in points]
        self._block = block
        self._scan_s = scan_s
        self._skew_us = skew_us
        self._settings = settings
        self._rng = np.random.default_rng(seed)
        self._held: tuple[int, bytes] | None = None
        self._late: tuple[int, bytes] | None = None

    def scan(self, tick: int, time_us: int) -> tuple[int, bytes] | None:
        """Return (source time, registers) of the snapshot that becomes readable, if one does."""
        if tick % self._scan_s:
            return None
        for point in self._points:
            if point.analog is not None:
                point.analog.signal.advance(self._scan_s, point.machine.load)
        source_us = time_us + self._skew_us
        snapshot = (source_us, self._block.encode(source_us, [read() for read in self._readers]))
        return snapshot if tick < _ORDERLY_START_S else self._disturbed(snapshot)

    def _disturbed(self, snapshot: tuple[int, bytes]) -> tuple[int, bytes] | None:
        draw = self._rng.random()
        if self._late is not None:
            # The older of two swapped scans takes the place of the one that is due now.
            late, self._late = self._late, None
            return late
        if self._held is not None:
            self._late, self._held = self._held, None
            return snapshot
        if draw < self._settings.missing:
            return None
        if draw < self._settings.missing + self._settings.out_of_order:
            self._held = snapshot
            return None
        return snapshot
