"""Messages from the source to the committer: the next group is decoded while one is written.

A group goes as soon as the writer has nothing to do, and grows until then: little load means little
waiting, much load large transactions.
"""

import queue
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from time import monotonic

from ingest.commit.committer import Committer
from ingest.decoding.message import Source
from ingest.decoding.parcel import Parcel, open_parcel
from ingest.group.cost import GroupCost
from ingest.group.right_of_way import RightOfWay
from ingest.selfstat import Selfstat
from ingest.settings import GroupSettings, LimitSettings

_IDLE_S = 0.2
_AT_ONCE = 16
"""Messages taken from the source at a time; a group may overshoot its limit by as many."""

Group = Sequence[Parcel]


class Pipeline:
    """Gathers and decodes in a thread of its own, commits and acknowledges in the caller's."""

    def __init__(
        self,
        source: Source,
        committer: Committer,
        selfstat: Selfstat,
        group: GroupSettings,
        limits: LimitSettings,
        right_of_way: RightOfWay | None = None,
    ) -> None:
        self._source = source
        self._committer = committer
        self._selfstat = selfstat
        self._group = group
        self._limits = limits
        self._right_of_way = right_of_way or RightOfWay()
        # A full group waits while another is written; a failure of the gatherer travels likewise.
        self._groups: queue.Queue[Group | BaseException | None] = queue.Queue(maxsize=1)
        self._wanted = Event()
        """The writer has nothing to do."""

    def run(self, stop: Event) -> None:
        """Work until `stop` is set; then what is decoded already is committed still.

        Raises what the source or the committer raises, such as ConfigurationError.
        """
        done = Event()
        gatherer = Thread(target=self._gather_all, args=(stop, done), name="gatherer", daemon=True)
        gatherer.start()
        try:
            for parcels in self._handed_over():
                for part, outcome in self._committer.commit(parcels):
                    self._source.acknowledge(parcel.message for parcel in part)
                    for topic, payload in outcome.acks:
                        self._source.announce(topic, payload)
        finally:
            done.set()
            self._right_of_way.release()
            gatherer.join(timeout=5)

    def _handed_over(self) -> Iterator[Group]:
        while True:
            if self._groups.empty():
                self._right_of_way.release()
                self._wanted.set()
            item = self._groups.get()
            self._wanted.clear()
            self._right_of_way.claim()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _gather_all(self, stop: Event, done: Event) -> None:
        last: BaseException | None = None
        try:
            while not stop.is_set() and not done.is_set():
                group = self._gather(stop, done)
                if group:
                    self._hand_over(group, done)
        except BaseException as exc:  # noqa: BLE001 - it ends the process from the other thread
            last = exc
        self._hand_over(last, done)

    def _gather(self, stop: Event, done: Event) -> Group:
        """Return a group: one that is due waits, and grows, until the writer wants it."""
        parcels: list[Parcel] = []
        cost = GroupCost()
        closes_at = 0.0
        while cost.rows < self._group.max_rows:
            wait_s = self._group.max_wait_s if parcels else _IDLE_S
            wanted = self._wanted.is_set() or stop.is_set() or done.is_set()
            if parcels and wanted:
                wait_s = min(wait_s, closes_at - monotonic())
            messages = self._source.receive(_AT_ONCE, wait_s) if wait_s > 0 else []
            if not messages:
                if wanted or not parcels:
                    break
                continue
            if not parcels:
                closes_at = monotonic() + self._group.max_wait_s
            for message in messages:
                self._right_of_way.give_way()
                parcel = open_parcel(message, self._limits)
                self._selfstat.decoded(parcel.rows)
                cost.add(parcel)
                parcels.append(parcel)
        return parcels

    def _hand_over(self, item: Group | BaseException | None, done: Event) -> None:
        while not done.is_set():
            try:
                self._groups.put(item, timeout=_IDLE_S)
            except queue.Full:
                continue
            return
