"""The driver that replays a recorded file."""

import asyncio
from typing import Final

from edge_agent.drivers.contract import Inlet
from edge_agent.drivers.csv.recording import Chunk, Recording
from edge_agent.drivers.csv.settings import CsvSettings
from plant.clock import Clock
from plant.log import get_logger

CHUNK_ROWS: Final = 500
_PENDING_AT_MOST: Final = 50_000
_TOLD: Final = 20

_log = get_logger()


class CsvDriver:
    """Replays one file, every row of it once, also across restarts of the agent."""

    keeps_repeats = True

    def __init__(self, name: str, settings: CsvSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock

    async def run(self, inlet: Inlet) -> None:
        """Deliver the file and return; see `Driver.run`."""
        recording = await asyncio.to_thread(Recording, self._settings.file, self._settings)
        try:
            await self._replay(recording, inlet)
        finally:
            recording.close()
        inlet.unreachable([])

    async def _replay(self, recording: Recording, inlet: Inlet) -> None:
        identity = self._identity()
        taken = _rows_taken(inlet.position(), identity)
        if taken:
            _log.info("replay_resumed", source=self._name, rows_taken=taken)
            await asyncio.to_thread(recording.skip, taken)
        pace = _Pace(self._settings.rate)
        rows = CHUNK_ROWS if self._settings.rate == "max" else 1
        latest: int | None = None
        while chunk := await asyncio.to_thread(recording.chunk, rows):
            await pace.wait(chunk)
            await inlet.drained(_PENDING_AT_MOST)
            if chunk.refused:
                inlet.unreadable(len(chunk.refused))
                told = [f"row {one.row}: {one.reason}" for one in chunk.refused[:_TOLD]]
                more = len(chunk.refused) - len(told)
                _log.warning("rows_unreadable", source=self._name, rows=told, more=more)
            if chunk.latest_us is not None:
                latest = chunk.latest_us if latest is None else max(latest, chunk.latest_us)
            await inlet.deliver(
                chunk.readings, sampled_us=latest, position=f"{identity}:{chunk.row}"
            )
        if recording.unknown:
            _log.warning("variables_without_tag", source=self._name,
                         rows=dict(recording.unknown.most_common(_TOLD)))  # fmt: skip
        if latest is not None:
            await inlet.deliver([], sampled_us=latest + 1)

    def _identity(self) -> str:
        file = self._settings.file.resolve()
        return f"{file}:{file.stat().st_size}"


class _Pace:
    """Holds a replay back to a multiple of the speed at which it was recorded."""

    def __init__(self, rate: float | str) -> None:
        self._rate = rate if isinstance(rate, float | int) else None
        self._origin: tuple[float, int] | None = None

    async def wait(self, chunk: Chunk) -> None:
        if self._rate is None or chunk.latest_us is None:
            return
        now = asyncio.get_running_loop().time()
        if self._origin is None:
            self._origin = now, chunk.latest_us
        started, first_us = self._origin
        due = started + (chunk.latest_us - first_us) / 1_000_000 / self._rate
        await asyncio.sleep(max(0.0, due - now))


def _rows_taken(position: str | None, identity: str) -> int:
    if position is None:
        return 0
    file, _, row = position.rpartition(":")
    return int(row) if file == identity else 0
