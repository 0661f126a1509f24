"""Messages from the source to the committer, by one thread.

It decodes the next group while the database takes in the rows of this one: between two portions of
a COPY, and after the last. So the database has nearly always something to do, and nobody else
computes who could keep it waiting. A group goes as soon as the one before is committed, and has
grown until then: little load means little waiting, much load large transactions.

Whatever a sender does, another one's message waits for the group that is being written, and goes
with the next but one at the latest: what is too much for a group goes back to the mailbox, where
it is a sender's turn by what its messages cost.
"""

from collections import deque
from threading import Event
from time import monotonic

from ingest.commit.committer import Committer
from ingest.decoding.message import Message, Source
from ingest.decoding.parcel import messages_of
from ingest.group.gathering import Gathering
from ingest.selfstat import Selfstat
from ingest.settings import GroupSettings, LimitSettings

_IDLE_S = 0.2
_AT_ONCE = 512
"""Messages taken from the source at a time."""
_A_FEW = 64
"""The same, while the database works."""


_LONG_S = 0.7
"""Beside others' groups of that time, an answer comes within two seconds."""
_LEAST = 2_000


def paced(most: int, cost: int, took_s: float, at_most: int) -> int:
    """Return what the next groups may cost, after one that was written in some time.

    What a message will cost is only estimated: rows that are refused, say, are dearer than those
    that are stored, which shows in the time they take.
    """
    if took_s > _LONG_S:
        return min(most, max(_LEAST, int(cost * _LONG_S / took_s)))
    return min(at_most, most + most // 4)


class Pipeline:
    """Gathers, decodes, commits and acknowledges in the caller's thread."""

    def __init__(
        self,
        source: Source,
        committer: Committer,
        selfstat: Selfstat,
        group: GroupSettings,
        limits: LimitSettings,
    ) -> None:
        self._source = source
        self._committer = committer
        self._selfstat = selfstat
        self._group = group
        self._limits = limits
        self._most = group.max_rows
        """What a group may cost, as long as groups take so long."""
        self._next = Gathering(limits)
        """The group that is being gathered."""
        self._waiting: deque[Message] = deque()
        """Taken from the source, for the groups after."""

    def run(self, stop: Event) -> None:
        """Work until `stop` is set; then what is decoded already is committed still.

        Raises what the source or the committer raises, such as ConfigurationError.
        """
        while not stop.is_set() or self._next:
            self._gather(stop)
            gathered, self._next = self._next, Gathering(self._limits)
            began, cost = monotonic(), gathered.cost
            for part, outcome in self._committer.turn(gathered.parcels(), self._meanwhile):
                self._source.acknowledge(
                    message for parcel in part for message in messages_of(parcel)
                )
                self._source.announce(outcome.acks)
            self._source.hold(self._committer.held())
            self._most = paced(self._most, cost, monotonic() - began, self._group.max_rows)

    def _gather(self, stop: Event) -> None:
        """Add messages until the group is old enough, or costs enough; give back the others."""
        most, came = self._most, _AT_ONCE
        until = monotonic() + self._group.max_wait_s
        while self._next.cost < most and not stop.is_set():
            if self._next:
                wait_s = max(0.0, self._group.max_wait_s - self._next.age_s)
                # Or a steady trickle would keep it from going until it costs enough.
                if not wait_s and came < _AT_ONCE and monotonic() > until:
                    return
            else:
                pause_s = self._committer.pause_s()
                wait_s = _IDLE_S if pause_s is None else min(pause_s, _IDLE_S)
            came = self._add(_AT_ONCE, wait_s, most)
            if not came:
                return
        self._source.give_back(self._waiting)
        self._waiting.clear()

    def _meanwhile(self, rows: int) -> None:
        """Read messages that cost somewhat more than the rows that the database was just given.

        So groups grow to their full size, and what is to be made of a full one is made in time.
        """
        most = min(self._next.cost + rows * 5 // 4, self._most)
        while self._next.cost < most and self._add(_A_FEW, 0.0, most):
            pass
        if self._next.cost >= self._most:
            # Nothing more can come to it, and the database is still busy.
            self._next.close()

    def _add(self, limit: int, wait_s: float, most: int) -> int:
        """Add some messages, as long as the group costs less; return how many there were."""
        if not self._waiting:
            self._waiting.extend(self._source.receive(limit, wait_s))
        came = len(self._waiting)
        before = self._next.rows
        while self._waiting and self._next.cost < most:
            self._next.add(self._waiting.popleft())
        self._selfstat.decoded(self._next.rows - before)
        for topic, cost in self._next.dear.items():
            self._source.charge(topic, cost)
        self._next.dear.clear()
        return came
