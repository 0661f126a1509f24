"""The Sparkplug host application: its connection, its nodes and the database, wired together."""

from collections import Counter
from collections.abc import Sequence
from threading import Event, Thread
from time import monotonic

import structlog

from ingest.broker.mailbox import Mailbox
from ingest.decoding.message import Message
from ingest.selfstat import Selfstat
from ingest.settings import IngestSettings
from ingest.sparkplug.committer import SparkplugCommitter
from ingest.sparkplug.delivery import Delivery
from ingest.sparkplug.fleet import Fleet, Receipt
from ingest.sparkplug.link import HostLink
from ingest.sparkplug.settings import SparkplugSettings
from ingest.validation.kept_file import KeptFile
from plant.clock import Clock
from plant.errors import NhipmayError
from store.delivery.row import DeliveryStore

log = structlog.get_logger()

_IDLE_S = 0.05
_PATIENCE_S = 10.0
_AT_ONCE = 2_000
"""Messages that share one transaction at most."""
_MOST_BYTES = 500_000
"""The same in bytes, but for the last of them: unpacked, a metric takes twenty times as much."""


class SparkplugHost:
    """Runs in a thread of its own beside the native pipeline.

    The host says that it is online only while it can store what it is sent: with the database
    away for longer than `offline_after_s` it goes offline, so that nodes that wait for their
    primary host keep their data.
    """

    def __init__(
        self,
        settings: IngestSettings,
        sparkplug: SparkplugSettings,
        store: DeliveryStore,
        selfstat: Selfstat,
        stop: Event,
        kept_file: KeptFile | None = None,
    ) -> None:
        """Remember what to work with; `stop` ends the thread, and is set when it fails."""
        self._stop = stop
        self._clock: Clock = settings.make_clock()
        self._selfstat = selfstat
        self._offline_after_s = sparkplug.offline_after_s
        self._mailbox = Mailbox(settings.queue.max_messages, settings.queue.max_bytes)
        self._fleet = Fleet(sparkplug, settings.limits.max_text_length)
        self._link = HostLink(
            settings.broker.shown_by(sparkplug.certificate_file),
            sparkplug.host_id,
            self._fleet.topics,
            self._mailbox,
            self._clock,
            selfstat,
            self._fleet.knows,
        )
        self._committer = SparkplugCommitter(
            store,
            selfstat,
            self._clock,
            settings.limits,
            stop,
            self._note_outage,
            kept_file=kept_file,
        )
        self._taken_by: Counter[int] = Counter()
        self._drained_at = monotonic()
        """When nothing waited last."""
        self._asked_on: int | None = None
        """The connection on which all nodes were asked for their births."""
        self._failure: NhipmayError | None = None
        self._thread = Thread(target=self._run, name="sparkplug-host", daemon=True)

    def start(self) -> None:
        """Begin to work, in the background."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, after `stop` was set; raise what ended it, if anything did."""
        self._thread.join(timeout=30)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._work()
        except NhipmayError as exc:
            self._failure = exc
            self._stop.set()

    def _work(self) -> None:
        # Whatever an earlier run left behind, nobody is known to be there before a birth.
        if not self._commit(self._fleet.absent(self._clock())):
            return
        self._link.start()
        try:
            while not self._stop.is_set():
                self._turn()
        finally:
            self._link.close()
        # What came before the end is still written, and that nothing is fresh any more.
        rest = self._taken(self._mailbox.take(_AT_ONCE, 0))
        self._commit([*rest, *self._fleet.lose(monotonic(), self._clock())])
        self._committer.close()

    def _turn(self) -> None:
        if self._link.failure is not None:
            raise self._link.failure
        pause_s = self._committer.pause_s()
        idle_s = _IDLE_S if pause_s is None else min(pause_s, _IDLE_S)
        messages = self._mailbox.take(_AT_ONCE, idle_s, _MOST_BYTES)
        self._link.room_was_made()
        deliveries = self._taken(messages)
        now = monotonic()
        standing = self._link.generation
        if self._link.drained(self._taken_by, standing):
            deliveries += self._fleet.lose(now, self._clock(), standing)
        patient = self._patient(now)
        deliveries += self._fleet.pass_time(now, self._clock(), patient=patient)
        self._commit(deliveries, wait=False)
        if self._link.standing not in {None, self._asked_on}:
            self._asked_on = self._link.standing
            self._fleet.ask_all(now)
        for topic, payload in () if patient else self._fleet.commands(now, self._clock()):
            if self._link.command(topic, payload):
                self._selfstat.noted("rebirth_requested")
                log.info("sparkplug rebirth requested", topic=topic)

    def _patient(self, now: float) -> bool:
        """Tell whether to wait with asking for what may be among the messages that wait here."""
        if not len(self._mailbox):
            self._drained_at = now
        return now - self._drained_at < _PATIENCE_S and self._drained_at != now

    def _taken(self, messages: Sequence[Message]) -> list[Delivery]:
        for message in messages:
            assert isinstance(message.receipt, Receipt)
            self._taken_by[message.receipt.generation] += 1
        return self._fleet.receive(messages, monotonic())

    def _commit(self, deliveries: Sequence[Delivery], *, wait: bool = True) -> bool:
        """Commit; nodes that are put aside are waited for, if that is wanted."""
        for delivery in deliveries:
            self._selfstat.decoded(delivery.rows)
        done = True
        if wait:
            done = self._committer.commit(deliveries)
        else:
            self._committer.turn(deliveries)
        if done and not self._stop.is_set():
            self._link.resume()
        return done

    def _note_outage(self, seconds: float) -> None:
        if seconds >= self._offline_after_s:
            self._link.suspend()
