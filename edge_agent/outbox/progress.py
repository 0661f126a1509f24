"""How far an outbox has come, as a value: the rules that every outbox shares."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from edge_agent.outbox.contract import SetBack
from edge_agent.priority import Priority
from plant.delivery.idset import EMPTY, IdSet, Span
from plant.native.message import DropReason

STEPS_TO_OLD = 10
"""A single step of the clock counts as at most this part of the age at which rows are given up.

Else a clock that is set, from 1970 to today or to a wrong year, would make all that is pending old.
"""


def new_epoch() -> str:
    """Return a name for a new life of an outbox, never given before."""
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Progress:
    """Ids of one epoch. Pending rows are those of `low_id + 1 .. issued_id` not given up."""

    epoch: str
    issued_id: int = 0
    """Highest id given out."""
    low_id: int = 0
    """Highest id that is confirmed or given up."""
    dropped_ranges: tuple[tuple[int, int], ...] = ()
    """Ids given up, as inclusive ranges in order."""
    because: Mapping[str, IdSet] = field(default_factory=dict)
    """Those of them that were not given up for want of room, by `DropReason`."""
    confirmed_id: int = 0
    """Highest id that the platform said it has; it falls only when the platform was set back."""
    sources: int = 0
    """How many sources have a reading position."""
    set_backs: int = 0
    """How often the platform was set back in this epoch."""
    known_id: int = 0
    """Highest id that earlier agents may have sent: what the platform can know at the start."""
    published_id: int = 0
    """Highest id sent since the outbox was opened."""
    sent: bool = False
    """Whether anything was sent since the outbox was opened."""
    shown: IdSet = EMPTY
    """Ids that some agent of this epoch may have sent: their rows stay theirs."""
    thinned_to: tuple[int, ...] = (0, 0)
    """By `Priority`: the id up to which rows of it, and of lower ones, were given up."""
    age_s: int = 0
    """Seconds that this outbox has been at work, as far as the agent's clock can be believed."""
    clock_s: int | None = None
    """That clock at the last change of `age_s`."""

    @property
    def pending(self) -> int:
        """How many rows are neither confirmed nor given up."""
        above = self.issued_id - self.low_id
        return above - self._dropped_within(self.low_id, self.issued_id)

    @property
    def confirmed(self) -> int:
        """How many rows the platform confirmed."""
        return self.low_id - self._dropped_within(0, self.low_id)

    def set_back_from(self, before: "Progress") -> SetBack:
        """Return what setting the platform back to this progress did."""
        lost = self.dropped - before.dropped
        return SetBack(before.confirmed - self.confirmed - lost, lost)

    @property
    def dropped(self) -> int:
        """How many ids were given up."""
        return sum(last - first + 1 for first, last in self.dropped_ranges)

    def opened(self) -> "Progress":
        """Return the progress at the start of an agent.

        What was issued before counts as possibly sent, unless the agent before never sent
        anything: then an old image may still have to be discovered.
        """
        known = self.issued_id if self.sent else self.known_id
        return replace(self, known_id=known, published_id=0, sent=False)

    def issued(self, rows: int) -> "Progress":
        """Return the progress after giving out ids to more rows."""
        return replace(self, issued_id=self.issued_id + rows)

    def published(self, up_to_id: int) -> "Progress":
        """Return the progress after sending rows up to an id."""
        return replace(self, published_id=max(self.published_id, up_to_id), sent=True)

    def aged(self, now_s: int, old_after_s: float) -> "Progress":
        """Return the progress at a later moment, of which a step of the clock is no proof."""
        step = max(0, now_s - (now_s if self.clock_s is None else self.clock_s))
        credible = min(step, max(1, int(old_after_s / STEPS_TO_OLD)))
        return replace(self, age_s=self.age_s + credible, clock_s=now_s)

    def is_shown(self, first_id: int, last_id: int) -> bool:
        """Return whether all of these rows may have been sent."""
        return not self.shown.missing(first_id, last_id + 1)

    def showing(self, first_id: int, last_id: int) -> "Progress":
        """Return the progress after these rows may have been sent."""
        # What is settled is read no more, so these stay few; `set_back` names again what is to be.
        pending = [span for span in self.shown.spans if span[1] > self.low_id]
        return replace(self, shown=IdSet.of([*pending, (first_id, last_id + 1)]))

    def acknowledged(self, committed_to: int) -> "Progress":
        """Return the progress after the platform confirmed everything up to an id.

        That says nothing of what was sent from here: it may be about an earlier agent's rows.
        """
        # Never beyond what was given out: new rows would be taken for confirmed before they were
        # sent. Whether such an ack betrays an old copy of the file is another question
        # (`knows_too_much`).
        confirmed = min(committed_to, self.issued_id)
        return replace(
            self,
            low_id=max(self.low_id, confirmed),
            confirmed_id=max(self.confirmed_id, confirmed),
        )._past_gaps()

    def set_back(self, committed_to: int, lowest_kept: int) -> "Progress":
        """Return the progress after the platform lost what it had confirmed above an id.

        Rows from `lowest_kept` on are still here and are pending again, under the ids that the
        platform may yet see from the broker; those before are lost.
        """
        pending_again = (committed_to + 1, self.low_id + 1)
        lost = (committed_to + 1, min(lowest_kept, self.low_id + 1))
        back = replace(
            self,
            low_id=committed_to,
            confirmed_id=committed_to,
            set_backs=self.set_backs + 1,
            shown=IdSet.of([*self.shown.spans, pending_again]),
        )
        return back.losing([lost], DropReason.PLATFORM_SET_BACK)

    def losing(self, spans: Iterable[Span], reason: str) -> "Progress":
        """Return the progress after ids, as half-open spans, were lost for a `DropReason`."""
        known = IdSet.of((first, last + 1) for first, last in self.dropped_ranges)
        new = [gap for start, stop in spans if start < stop for gap in known.missing(start, stop)]
        if not new:
            return self._past_gaps()
        because = {**self.because, reason: self.because.get(reason, EMPTY).union(IdSet.of(new))}
        return replace(self._with_dropped(new), because=because)._past_gaps()

    def given_up(self, up_to_id: int) -> "Progress":
        """Return the progress after the pending rows up to an id were dropped."""
        if up_to_id <= self.low_id:
            return self
        dropped = self._with_dropped([(self.low_id + 1, up_to_id + 1)])
        return replace(dropped, low_id=up_to_id)._past_gaps()

    def thinned(self, priority: Priority, given_up: Sequence[int], to_id: int) -> "Progress":
        """Return the progress after a block that ends with an id lost its rows of a priority."""
        cursors = tuple(
            to_id if number == priority else cursor for number, cursor in enumerate(self.thinned_to)
        )
        dropped = self._with_dropped([(id_, id_ + 1) for id_ in given_up])
        return replace(dropped, thinned_to=cursors)._past_gaps()

    def next_block(self, priority: Priority) -> Span | None:
        """Return the ids among which the next block of a priority is thinned, None without any.

        Rows that may have been sent lie between the blocks, where some were sent ahead. What an
        earlier agent may have had and what it had not are never mixed: if this file is an old copy,
        a new epoch begins between the two.
        """
        start = max(self.low_id, self.thinned_to[priority]) + 1
        known = self.shown.missing(start, self.known_id + 1)
        fresh = self.shown.missing(max(start, self.known_id + 1), self.issued_id + 1)
        return next(iter([*known, *fresh]), None)

    def knows_too_much(self, epoch: str, committed_to: int) -> bool:
        """Return whether the platform confirms ids that were never sent from here."""
        possible = max(self.known_id, self.published_id, self.low_id)
        return epoch == self.epoch and committed_to > possible

    def is_ahead_of(self, epoch: str, committed_to: int) -> bool:
        """Return whether an id is below what the platform said it has of this epoch."""
        return epoch == self.epoch and committed_to < self.confirmed_id

    def first_missing(self, after_id: int) -> int:
        """Return the first id after another that was not given up; it may not be given out yet."""
        id_ = max(after_id, self.low_id) + 1
        for first, last in self.dropped_ranges:
            if first <= id_ <= last:
                id_ = last + 1
        return id_

    @property
    def foreign_id(self) -> int:
        """Rows up to this id are not of the next epoch: they were settled, or sent by others."""
        return max(self.known_id, self.low_id)

    def renewed(self) -> "Progress":
        """Return the progress of the next epoch: rows that no earlier agent had are 1, 2, ..."""
        # The rows that go on begin at 1: acks confirm up to the first gap, so with one at the very
        # start nothing would ever be confirmed.
        shift = self.foreign_id
        # Without `known_id` and `confirmed_id`: nobody can have heard of the new epoch.
        fresh = Progress(
            new_epoch(),
            issued_id=self.issued_id - shift,
            age_s=self.age_s,
            clock_s=self.clock_s,
            sources=self.sources,
        )
        spans = _shifted(((first, last + 1) for first, last in self.dropped_ranges), shift)
        because = {
            reason: IdSet(tuple(_shifted(ids.spans, shift))) for reason, ids in self.because.items()
        }
        return replace(fresh._with_dropped(spans), because=because)._past_gaps()

    def _with_dropped(self, spans: Iterable[Span]) -> "Progress":
        known = ((first, last + 1) for first, last in self.dropped_ranges)
        dropped = IdSet.of((*known, *spans))
        return replace(
            self, dropped_ranges=tuple((start, stop - 1) for start, stop in dropped.spans)
        )

    def _past_gaps(self) -> "Progress":
        """Return the progress with what was given up right behind `low_id` settled as well."""
        for first, last in self.dropped_ranges:
            if first <= self.low_id + 1 <= last:
                return replace(self, low_id=last)
        return self

    def _dropped_within(self, after_id: int, up_to_id: int) -> int:
        spans = (
            (max(first, after_id + 1), min(last, up_to_id)) for first, last in self.dropped_ranges
        )
        return sum(last - first + 1 for first, last in spans if first <= last)


def _shifted(spans: Iterable[Span], shift: int) -> list[Span]:
    """Return what of the spans lies above `shift`, counted from there."""
    moved = ((max(start, shift + 1) - shift, stop - shift) for start, stop in spans)
    return [span for span in moved if span[0] < span[1]]
