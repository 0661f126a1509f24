"""Messages from the source to the committer: the next group is decoded while one is written."""

import queue
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from time import monotonic

from ingest.committer import Committer
from ingest.message import Source
from ingest.parcel import Parcel, open_parcel
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
    ) -> None:
        self._source = source
        self._committer = committer
        self._selfstat = selfstat
        self._group = group
        self._limits = limits
        # One group waits while another is written; a failure of the gatherer travels the same way.
        self._groups: queue.Queue[Group | BaseException | None] = queue.Queue(maxsize=1)

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
            gatherer.join(timeout=5)

    def _handed_over(self) -> Iterator[Group]:
        while (item := self._groups.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _gather_all(self, stop: Event, done: Event) -> None:
        last: BaseException | None = None
        try:
            while not stop.is_set() and not done.is_set():
                group = self._gather(stop)
                if group:
                    self._hand_over(group, done)
        except BaseException as exc:  # noqa: BLE001 - it ends the process from the other thread
            last = exc
        self._hand_over(last, done)

    def _gather(self, stop: Event) -> Group:
        """Return a group: one that is due waits, and grows, while the writer has enough to do."""
        parcels: list[Parcel] = []
        rows = 0
        closes_at = 0.0
        while rows < self._group.max_rows:
            wait_s = min(self._group.quiet_s, closes_at - monotonic()) if parcels else _IDLE_S
            messages = self._source.receive(_AT_ONCE, wait_s) if wait_s > 0 else []
            if not messages:
                if not parcels or not self._groups.full() or stop.is_set():
                    break
                closes_at = monotonic() + self._group.quiet_s
                continue
            if not parcels:
                closes_at = monotonic() + self._group.max_wait_s
            for message in messages:
                parcel = open_parcel(message, self._limits)
                self._selfstat.decoded(parcel.rows)
                rows += parcel.rows
                parcels.append(parcel)
        return parcels

    def _hand_over(self, item: Group | BaseException | None, done: Event) -> None:
        while not done.is_set():
            try:
                self._groups.put(item, timeout=_IDLE_S)
            except queue.Full:
                continue
            return
