from collections.abc import Callable

from edge_agent.memory_limit import MemoryLimit
from edge_agent.wall import Wall


class CountingWall(Wall):
    """Counts how often it is started anew."""

    def __init__(self) -> None:
        self.times = 0

    def start_anew(self) -> None:
        self.times += 1


def test_drivers_are_started_anew_when_memory_is_above_its_limit_and_not_again_at_once() -> None:
    moment, resident = [0.0], [900.0]
    clock: Callable[[], float] = lambda: moment[0]  # noqa: E731  # a clock that the test turns
    limit = MemoryLimit(1000, lambda: resident[0], clock)
    walls = [CountingWall(), CountingWall()]
    assert not limit.look(walls)
    moment[0], resident[0] = 6.0, 1100.0
    assert limit.look(walls)
    moment[0] = 300.0
    assert not limit.look(walls)
    moment[0] = 700.0
    assert limit.look(walls)
    assert [wall.times for wall in walls] == [2, 2]
