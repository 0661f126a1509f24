"""How long plant durations take on the wall."""

from datetime import timedelta

from plant.clock import Clock, PlantClock


def wall_seconds(clock: Clock, plant_s: float) -> float:
    """Return the wall seconds that a duration in plant seconds takes at present."""
    if isinstance(clock, PlantClock):
        return clock.wall_delay(timedelta(seconds=plant_s))
    return plant_s
