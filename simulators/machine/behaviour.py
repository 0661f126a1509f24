"""How the machines of a pilot behave: the content of its `floor.yaml`."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from plant.settings import StrictModel
from simulators.machine import signals

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = tuple[Positive, Positive]
"""Shortest and longest duration, evenly distributed."""


class ConstantSettings(StrictModel):
    """A fixed value."""

    kind: Literal["constant"]
    value: float

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.Constant(self.value)


class RampSettings(StrictModel):
    """A saw tooth."""

    kind: Literal["ramp"]
    per_hour: float
    period_s: Positive

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.Ramp(self.per_hour, self.period_s)


class DipSettings(StrictModel):
    """A fault that comes and goes: an anomaly to be found."""

    kind: Literal["dip"]
    depth: float
    period_s: Positive
    lasts_s: Positive

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.Dip(self.depth, self.period_s, self.lasts_s)


class NoiseSettings(StrictModel):
    """Gaussian noise."""

    kind: Literal["noise"]
    sigma: Positive

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.Noise(self.sigma, rng)


class WalkSettings(StrictModel):
    """A random walk around zero."""

    kind: Literal["walk"]
    sigma: Positive
    memory_s: Positive

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.RandomWalk(self.sigma, self.memory_s, rng)


class WearSettings(StrictModel):
    """The effect of a worn tool."""

    kind: Literal["wear"]
    gain: float

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.Wear(self.gain)


class WorkSettings(StrictModel):
    """The effect of working."""

    kind: Literal["work"]
    gain: float

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.WorkLoad(self.gain)


class DailySettings(StrictModel):
    """The effect of the time of day."""

    kind: Literal["daily"]
    amplitude: float
    peak_hour: Annotated[float, Field(ge=0, lt=24)] = 14.0

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.DailySwing(self.amplitude, self.peak_hour)


class LagSettings(StrictModel):
    """A slow follower of other signals."""

    kind: Literal["lag"]
    time_constant_s: Positive
    of: "Annotated[list[SignalSettings], Field(min_length=1)]"

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.Lag(
            signals.Sum([part.signal(rng) for part in self.of]), self.time_constant_s
        )


SignalSettings = Annotated[
    ConstantSettings
    | RampSettings
    | DipSettings
    | NoiseSettings
    | WalkSettings
    | WearSettings
    | WorkSettings
    | DailySettings
    | LagSettings,
    Field(discriminator="kind"),
]
LagSettings.model_rebuild()


class AnalogSettings(StrictModel):
    """One process value of a machine: the sum of its parts."""

    parts: Annotated[list[SignalSettings], Field(min_length=1)]
    every_s: Annotated[int, Field(ge=1, le=60)] = 10
    """How often it is given out, in plant seconds."""
    decimals: Annotated[int, Field(ge=0, le=6)] = 2
    """Resolution of the sensor."""

    def signal(self, rng: np.random.Generator) -> signals.Signal:
        """Return the signal."""
        return signals.Sum([part.signal(rng) for part in self.parts])


class StopSettings(StrictModel):
    """Stops of one kind: how often while running, how long, and the reasons they have."""

    mean_interval_s: Positive
    duration_s: Seconds
    reasons: Annotated[list[str], Field(min_length=1)]


class ToolSettings(StrictModel):
    """A tool that wears out."""

    parts: Annotated[int, Field(ge=1)]
    """Parts until it is replaced."""
    change_s: Seconds
    reason: str


class PowerSettings(StrictModel):
    """Electrical power by what the machine does."""

    running_kw: Positive
    idle_kw: Positive
    off_kw: Annotated[float, Field(ge=0)] = 0.1


class BufferSettings(StrictModel):
    """The buffer behind a machine."""

    capacity: Annotated[int, Field(ge=2)]
    restart: Annotated[int, Field(ge=1)]
    """Parts (after starving) or free places (after blocking) at which a machine starts again."""


class MachineSettings(StrictModel):
    """One machine."""

    code: str
    cycle_factor: Positive
    """Mean actual cycle time over planned run time per item."""
    cycle_spread: Annotated[float, Field(ge=0, lt=0.3)] = 0.03
    """Standard deviation of the cycle time, relative to its mean."""
    scrap_share: Share = 0.01
    rework_share: Share = 0.0
    minor_stops: StopSettings
    breakdowns: StopSettings
    setup_s: Seconds
    tool: ToolSettings | None = None
    power: PowerSettings
    buffer: BufferSettings
    counter_start: dict[str, int] = {}
    """Where counters stand at the origin; a count close to its modulus is given here."""
    power_cycles_mean_s: Positive | None = None
    """Mean running time between power cycles that reset the good-part counter."""
    skewed: bool = False
    """Its clock is the wrong one."""
    analogs: dict[str, AnalogSettings]


class FloorSettings(StrictModel):
    """The behaviour of one line; the machines in the order of the flow."""

    work_center: str
    """Path below the enterprise, `site/area/line`."""
    scan_s: Annotated[int, Field(ge=1, le=60)] = 5
    """Modbus: plant seconds between two snapshots of the registers."""
    break_worked_share: Share = 0.15
    """Share of breaks through which the line works."""
    order_gap_share: Share = 0.5
    """Share of orders after which there is no next one for a while."""
    order_gap_s: Seconds = (600, 1800)
    starved_reason: str
    blocked_reason: str
    machines: Annotated[list[MachineSettings], Field(min_length=1)]
