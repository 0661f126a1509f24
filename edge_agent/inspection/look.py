"""Reading a source once, or watching it, without an agent and without sending anything."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.drivers import AnySource, Reading, make_driver
from edge_agent.intake.conversion import converter
from plant.clock import Clock, from_microseconds, microseconds
from plant.errors import NhipmayError
from plant.measurement import Quality, Value

_LOOK_AGAIN_S = 0.05
_ENOUGH_FAILURES = 3
"""After so many in a row a source that cannot be reached is not waited for any longer."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of one tag: a value, or the reason why there is none."""

    tag: str
    place: str
    """Where its source has it, as the settings say."""
    value: Value = None
    quality: Quality | None = None
    """None while nothing came."""
    time_us: int | None = None
    """Source time; that of arrival where the source gives none."""
    unit: str = ""
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is a value that is not bad."""
        return self.quality is not None and self.quality is not Quality.BAD

    def fields(self) -> dict[str, object]:
        """Return it as plain names and values, the time in ISO 8601."""
        time = None if self.time_us is None else from_microseconds(self.time_us).isoformat()
        return {
            "tag": self.tag,
            "place": self.place,
            "value": self.value,
            "unit": self.unit,
            "quality": None if self.quality is None else self.quality.name.lower(),
            "time": time,
            "reason": self.reason,
        }


class Onlooker:
    """An inlet that keeps the newest reading of each tag; see `edge_agent.drivers.Inlet`."""

    def __init__(self, source: AnySource, clock: Clock) -> None:
        self._clock = clock
        self._tags = {tag.name: tag for tag in source.tags}
        self._converters = {tag.name: converter(tag) for tag in source.tags}
        self._looks: dict[str, Look] = {name: _unseen(tag) for name, tag in self._tags.items()}
        self._reasons: dict[str, str] = {}
        self.problems: tuple[str, ...] = ()
        """What the driver says of the source as a whole."""
        self.unreadable_count = 0
        self._failures = 0

    @property
    def looks(self) -> list[Look]:
        """What is known of each tag, in the order of the settings."""
        common = "; ".join(self.problems)
        return [
            look if look.ok else _with_reason(look, self._reasons.get(name) or common)
            for name, look in self._looks.items()
        ]

    @property
    def complete(self) -> bool:
        """Whether each tag has a value or a reason, or the source fails again and again."""
        return self._failures >= _ENOUGH_FAILURES or all(
            look.ok or name in self._reasons for name, look in self._looks.items()
        )

    async def deliver(
        self,
        readings: Sequence[Reading],
        *,
        sampled_us: int | None = None,
        position: str | None = None,
    ) -> None:
        """See `Inlet.deliver`."""
        self._failures = 0
        for name, raw, time_us, raw_quality in readings:
            value, quality = self._converters[name](raw, raw_quality)
            tag = self._tags[name]
            stamped = microseconds(self._clock()) if time_us is None else time_us
            self._looks[name] = Look(name, place_of(tag), value, quality, stamped, tag.unit)

    async def written(self) -> bool:
        """See `Inlet.written`."""
        return True

    def write_soon(self) -> None:
        """See `Inlet.write_soon`."""

    def position(self) -> str | None:
        """See `Inlet.position`."""
        return None

    def backfill_from(self, tag: str, overlap_us: int) -> int | None:
        """See `Inlet.backfill_from`."""
        return None

    def unreachable(self, problems: Sequence[str]) -> None:
        """See `Inlet.unreachable`."""
        self._reasons = {}
        common = []
        for problem in problems:
            name, found, reason = problem.partition(" (")
            if found and name in self._tags:
                self._reasons[name] = reason.partition("): ")[2] or problem
            else:
                common.append(problem)
        self.problems = tuple(common)
        self._failures = self._failures + 1 if common else 0

    def unreadable(self, count: int = 1) -> None:
        """See `Inlet.unreadable`."""
        self.unreadable_count += count

    def missed(self, count: int) -> None:
        """See `Inlet.missed`."""

    async def drained(self, pending_rows: int) -> None:
        """See `Inlet.drained`."""


async def look_at(
    name: str,
    source: AnySource,
    clock: Clock,
    folder: Path,
    patience_s: float,
    shown: Callable[[Onlooker], None] | None = None,
) -> Onlooker:
    """Read a source until each tag has a value or a reason, at most `patience_s` (wall time).

    `folder` is where the agent's drivers keep what they have, such as certificates.
    With `shown` it goes on for all that time, and calls it twenty times a second.
    """
    source = _apart(source)
    onlooker = Onlooker(source, clock)
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    task = asyncio.create_task(make_driver(name, source, clock, folder).run(onlooker))
    try:
        while not task.done() and loop.time() < until:
            if shown is not None:
                shown(onlooker)
            elif onlooker.complete:
                break
            await asyncio.wait([task], timeout=_LOOK_AGAIN_S)
    finally:
        await _ended(task)
    if not task.cancelled() and (fault := task.exception()) is not None:
        words = (
            str(fault) if isinstance(fault, NhipmayError) else f"{type(fault).__name__}: {fault}"
        )
        onlooker.unreachable([words])
    return onlooker


def place_of(tag: Any) -> str:
    """Return where a tag's source has it, as its settings say."""
    given: Mapping[str, Any] = tag.model_dump(include=set(_PLACES))
    return " ".join(str(given[name]) for name in _PLACES if given.get(name))


_PLACES = ("topic", "address", "data_item", "column", "variable", "path", "type")


def _unseen(tag: Any) -> Look:
    return Look(tag.name, place_of(tag), unit=tag.unit, reason="no value came in this time")


def _with_reason(look: Look, reason: str) -> Look:
    if look.quality is Quality.BAD and not reason:
        reason = "the source says that it is bad, or it cannot be read as its type"
    return Look(
        look.tag, look.place, look.value, look.quality, look.time_us, look.unit,
        reason or look.reason,
    )  # fmt: skip


def _apart(source: AnySource) -> AnySource:
    """Return a source as another client reads it: an agent that runs is not thrown out."""
    if source.driver != "mqtt":
        return source
    client_id = f"{source.client_id[:58]}-look"
    broker = source.broker.model_copy(update={"session_expiry_s": 0})
    return source.model_copy(update={"client_id": client_id, "broker": broker})


async def _ended(task: "asyncio.Task[None]") -> None:
    # Before Python 3.12 a cancellation can get lost in a library's `asyncio.wait_for`.
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1.0)
