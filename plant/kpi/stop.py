"""Stops as people see them: whole, not cut at hours, shifts or breaks."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from plant.state import StopKind, TimeElement

STOPPED = frozenset({TimeElement.DELAY, TimeElement.DOWN})
"""Standing within planned busy time, with an order or without."""
_PAUSED = frozenset({TimeElement.PLANNED_BREAK, TimeElement.PLANNED_MAINTENANCE})


@dataclass(frozen=True, slots=True)
class StateInterval:
    """One tile of a machine's time, `[start, end)` milliseconds, with what is known of it."""

    start: int
    end: int
    element: TimeElement
    state: str | None = None
    """PackML name."""
    stop_kind: StopKind | None = None
    stop_reason: str | None = None
    order: str | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop `[start, end)` in milliseconds."""

    start: int
    end: int | None
    """None while it lasts."""
    element: TimeElement
    """`DELAY` with an order, `DOWN` without."""
    state: str | None
    stop_kind: StopKind | None
    stop_reason: str | None
    """The first that was given."""
    paused_ms: int = 0
    """Planned time within it: no part of how long it lasted."""

    def lasted_ms(self, now: int) -> int:
        """Return how long the machine stood, planned time cut out; an open stop until `now`."""
        return (now if self.end is None else self.end) - self.start - self.paused_ms


def stops(
    tiles: Iterable[StateInterval],
    horizon: int | None = None,
    cuts: Collection[int] = (),
    joints: Collection[int] = (),
) -> list[Stop]:
    """Return the stops of neighbouring tiles, in order.

    A stop goes on while the machine stays stopped in the same way; planned time within it does not
    divide it but is no part of it, one before or after it does not belong to it. Unknown time and
    time without a shift end it. People may divide it at a moment (`cuts`) and join the stop that
    begins at a moment to the one before (`joints`). A stop that reaches `horizon` (the end of what
    is known) is still open.
    """
    found: list[Stop] = []
    current: Stop | None = None
    reached = 0
    for tile in _cut(tiles, sorted(cuts)):
        paused = tile.element in _PAUSED and tile.stop_kind is not None
        joins = (
            current is not None
            and tile.start == reached
            and tile.start not in cuts
            and tile.stop_kind == current.stop_kind
            and (tile.element == current.element or paused)
        )
        if current is not None and not joins:
            found.append(current)
            current = None
        if tile.element in STOPPED:
            if current is None and found and tile.start in joints:
                current = found.pop()
            current = _extended(current, tile)
        reached = tile.end
    if current is not None:
        found.append(current)
    if horizon is not None and found and found[-1].end == horizon:
        found[-1] = replace(found[-1], end=None)
    return found


def _cut(tiles: Iterable[StateInterval], cuts: Sequence[int]) -> Iterator[StateInterval]:
    """Yield the tiles, divided where a stop is."""
    for tile in tiles:
        rest = tile
        for moment in cuts[bisect_right(cuts, tile.start) : bisect_left(cuts, tile.end)]:
            yield replace(rest, end=moment)
            rest = replace(rest, start=moment)
        yield rest


def _extended(current: Stop | None, tile: StateInterval) -> Stop:
    if current is None:
        return Stop(
            tile.start, tile.end, tile.element, tile.state, tile.stop_kind, tile.stop_reason
        )
    assert current.end is not None, "an open stop is the last one"
    return replace(
        current,
        end=tile.end,
        stop_reason=current.stop_reason or tile.stop_reason,
        # Only planned time can lie in between: anything else has ended the stop.
        paused_ms=current.paused_ms + tile.start - current.end,
    )


def minor_stop_ms(
    found: Sequence[Stop],
    delays: Iterable[StateInterval],
    threshold_ms: int,
    horizon: int,
) -> int:
    """Return the delay time that lies in minor stops: those shorter than the threshold.

    Whether a stop is minor is decided on the whole stop, also where `delays` (tiles, all of them
    within the window asked for) hold only a part of it: zooming in changes no classification.
    """
    minor = [
        (stop.start, stop.end if stop.end is not None else horizon)
        for stop in found
        if stop.element is TimeElement.DELAY and stop.lasted_ms(horizon) < threshold_ms
    ]
    return sum(
        max(0, min(tile.end, end) - max(tile.start, start))
        for tile in delays
        if tile.element is TimeElement.DELAY
        for start, end in minor
    )
