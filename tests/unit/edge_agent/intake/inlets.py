"""An inlet that only remembers, and the settings that tests start from."""

from collections.abc import Sequence
from typing import Any

from edge_agent.drivers import Reading
from edge_agent.intake.recall import Recall
from edge_agent.outbox import AHEAD_US, mark_of
from plant.clock import microseconds, system_clock
from plant.measurement import Value


def edge_mapping(**sources: Any) -> dict[str, Any]:
    """The content of a settings file with these sources."""
    return {
        "edge": {"enterprise": "co-khi-mau", "site": "bien-hoa", "code": "edge-1"},
        "outbox": {"file": "outbox.sqlite"},
        "sources": sources,
    }


class RecordingInlet:
    """Takes everything at once; recognises repeats so that a driver can be restarted on it."""

    def __init__(self, position: str | None = None) -> None:
        self.readings: list[Reading] = []
        self.sampled_us: list[int] = []
        self.problems: list[tuple[str, ...]] = []
        self.unreadable_count = 0
        self.missed_count = 0
        self.kept_position = position
        self._recalls: dict[str, Recall] = {}

    async def deliver(
        self,
        readings: Sequence[Reading],
        *,
        sampled_us: int | None = None,
        position: str | None = None,
    ) -> None:
        for reading in readings:
            recall = self._recalls.setdefault(reading.tag, Recall())
            moment, ahead = reading.time_us, microseconds(system_clock()) + AHEAD_US
            mark = mark_of(_plain(reading.value), reading.quality)
            if moment is None or recall.take(moment, mark, is_ahead=moment > ahead):
                self.readings.append(reading)
        if sampled_us is not None:
            self.sampled_us.append(sampled_us)
        self.kept_position = position if position is not None else self.kept_position

    async def written(self) -> bool:
        return True

    def write_soon(self) -> None:
        pass

    def position(self) -> str | None:
        return self.kept_position

    def backfill_from(self, tag: str, overlap_us: int) -> int | None:
        return self._recalls.setdefault(tag, Recall()).backfill_from(overlap_us)

    def unreachable(self, problems: Sequence[str]) -> None:
        if not self.problems or self.problems[-1] != tuple(problems):
            self.problems.append(tuple(problems))

    def unreadable(self, count: int = 1) -> None:
        self.unreadable_count += count

    def missed(self, count: int) -> None:
        self.missed_count += count

    async def drained(self, pending_rows: int) -> None:
        pass

    def values(self, tag: str) -> list[object]:
        """The values of one tag, in the order of their delivery."""
        return [reading.value for reading in self.readings if reading.tag == tag]


def _plain(value: object) -> Value:
    return value if isinstance(value, float | int | str) else repr(value)
