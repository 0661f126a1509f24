"""Clocks: a clock is a callable that returns the present as an aware UTC datetime."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present of this machine, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PlantClock:
    """A clock that runs faster than the wall until it reaches `until`, then as fast as the wall.

    Demo processes share its numbers, so all of them live in the same simulated present. Before
    `wall_origin` it stands still at `plant_origin`, which gives processes time to start.
    With `catch_up` it follows the wall once it has caught up with it; without, it stops at
    `until` (or runs on for ever when that is None).
    """

    wall_origin: datetime
    plant_origin: datetime
    speed: float
    catch_up: bool = False
    until: datetime | None = None

    def at(self, wall: datetime) -> datetime:
        """Return the plant's time at the given wall time."""
        elapsed = max(wall - self.wall_origin, timedelta(0))
        now = self.plant_origin + elapsed * self.speed
        if self.catch_up and now > wall:
            now = wall
        if self.until is not None and now > self.until:
            now = self.until
        return now

    def __call__(self) -> datetime:
        """Return the plant's present."""
        return self.at(system_clock())

    def wall_delay(self, plant_delay: timedelta) -> float:
        """Return how many wall seconds a plant duration takes at the present speed."""
        wall = system_clock()
        at_present_speed = self.catch_up and self.at(wall) >= wall
        return plant_delay.total_seconds() / (1.0 if at_present_speed else self.speed)


def microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970-01-01T00:00Z of an aware datetime, exactly."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_microseconds(value: int) -> datetime:
    """Return the aware UTC datetime of whole microseconds since 1970-01-01T00:00Z."""
    return _EPOCH + timedelta(microseconds=value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
