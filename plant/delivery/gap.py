"""Which outbox ids of an edge are not committed, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from plant.delivery.idset import IdSet, Span


class GapReason(StrEnum):
    """Why ids are missing in the ledger."""

    WAITING = "waiting"
    """The edge keeps them in its outbox and sends them as soon as it can."""
    DROPPED = "dropped"
    """The edge gave them up because its outbox was full in bytes or hours, and said so."""
    PLATFORM_SET_BACK = "platform_set_back"
    """The platform had them and lost them: a backup was restored, or a server that took over did
    not have its last seconds. The edge had deleted what was confirmed."""
    OUTBOX_DAMAGED = "outbox_damaged"
    """The edge's outbox was damaged on its disk."""
    REFUSED = "refused"
    """They came, and the platform refused what they hold: raw and whole, it waits for a replay.
    Known as a number only, never as a range."""
    LOST_LIFE = "lost_life"
    """Their life of the outbox is over: it was wiped or set back, and a new one began."""
    UNKNOWN = "unknown"
    """The edge gave them out and does not say that it has them."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive ids that are missing for one reason."""

    first_id: int
    last_id: int
    reason: GapReason

    @property
    def count(self) -> int:
        """How many ids."""
        return self.last_id - self.first_id + 1


def gaps(
    committed: IdSet,
    dropped: IdSet,
    issued_id: int,
    pending: int | None,
    *,
    present: bool,
    because: Mapping[GapReason, IdSet] | None = None,
) -> list[Gap]:
    """Return everything up to `issued_id` that is not committed, in the order of the ids.

    `pending` is how many rows the edge last said to keep (None when it did not say); `present`
    whether it still writes this life. What it keeps are the newest of the missing ids, as it
    deletes only what is confirmed from the beginning on. `because` holds the dropped ids that have
    a reason of their own; they are among `dropped`.
    """
    settled = committed.union(dropped)
    missing = settled.missing(1, issued_id + 1)
    found: list[Gap] = []
    explained = committed
    for reason, ids in (*(because or {}).items(), (GapReason.DROPPED, dropped)):
        found += [
            _gap(span, reason)
            for start, stop in ids.spans
            for span in explained.missing(start, stop)
        ]
        explained = explained.union(ids)
    if not present:
        found += [_gap(span, GapReason.LOST_LIFE) for span in missing]
    else:
        number = sum(stop - start for start, stop in missing)
        unknown = 0 if pending is None else max(0, number - pending)
        found += _oldest_unknown(missing, unknown)
    return sorted(found, key=lambda gap: gap.first_id)


def _oldest_unknown(missing: list[Span], unknown: int) -> Iterator[Gap]:
    for start, stop in missing:
        middle = min(stop, start + unknown)
        unknown -= middle - start
        if start < middle:
            yield _gap((start, middle), GapReason.UNKNOWN)
        if middle < stop:
            yield _gap((middle, stop), GapReason.WAITING)


def _gap(span: Span, reason: GapReason) -> Gap:
    return Gap(span[0], span[1] - 1, reason)
