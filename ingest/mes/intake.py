"""MQTT messages from an MES or ERP: each is written as a whole, then acknowledged.

They have a connection, a queue and transactions of their own: master data that take long, or are
many, do not hold up measurements.
"""

import hashlib
from collections import Counter
from threading import Event, Thread

import structlog

from ingest.broker.mailbox import Mailbox
from ingest.broker.share import Share
from ingest.broker.source import MqttSource
from ingest.broker.subscription import FixedSubscriptions
from ingest.decoding.message import Message, Source
from ingest.mes.message import TOPIC, mes_address
from ingest.mes.settings import MesSettings
from ingest.selfstat import ZERO, Selfstat, Tally
from ingest.settings import IngestSettings
from plant.clock import Clock
from plant.errors import ConfigurationError, DataError, TransientError
from plant.mes import Report
from plant.mes.file.json_file import decode_json
from store.delivery.row import Rejection
from store.mes.store import MesStore
from store.mes.writing import Provenance

log = structlog.get_logger()

_IDLE_S = 0.2
_AT_ONCE = 16
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_KEPT_OF_TOO_LARGE = 65_536
_LONGEST_DETAIL = 2_000


class MesIntake:
    """Takes messages one by one until it is stopped."""

    def __init__(
        self,
        source: Source,
        store: MesStore,
        settings: MesSettings,
        selfstat: Selfstat,
        clock: Clock,
    ) -> None:
        self._source = source
        self._store = store
        self._settings = settings
        self._selfstat = selfstat
        self._clock = clock

    def run(self, stop: Event) -> None:
        """Work until `stop` is set; raises ConfigurationError for what a person must mend."""
        while not stop.is_set():
            for message in self._source.receive(_AT_ONCE, _IDLE_S):
                if not self._take_patiently(message, stop):
                    return
                self._source.acknowledge([message])

    def _take_patiently(self, message: Message, stop: Event) -> bool:
        """Take a message, waiting for the database; False when stopped before it was committed."""
        pause_s = _FIRST_PAUSE_S
        available = True
        while True:
            try:
                tally, reasons = self.take(message)
            except TransientError as exc:
                if available:
                    log.warning("database unavailable for documents", reason=str(exc))
                available = False
                if stop.wait(pause_s):
                    return False
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            if not available:
                log.info("database available again for documents")
            self._selfstat.settled(tally, ZERO, reasons)
            return True

    def take(self, message: Message) -> tuple[Tally, Counter[str]]:
        """Write a message or its rejection, and return what is to be counted."""
        try:
            report = self._write(message)
        except DataError as exc:
            return self._reject(message, exc.reason, exc.detail)
        if report.fit:
            return Tally(written=1), Counter()
        words = "; ".join(str(problem) for problem in report.problems)
        return self._reject(message, str(report.problems[0].reason), words)

    def _write(self, message: Message) -> Report:
        address = mes_address(message.topic)
        if message.retained:
            # It would come again at every connection and undo what was corrected since.
            words = "a retained message is of an unknown age; publish documents without retain"
            raise DataError("retained", words)
        if len(message.payload) > self._settings.max_payload_bytes:
            raise DataError(
                "too_large",
                f"{len(message.payload)} bytes; at most {self._settings.max_payload_bytes}",
            )
        content = decode_json(message.payload)
        provenance = Provenance(
            who=content.who or "MQTT",
            source=message.topic,
            now=self._clock(),
            reason=content.reason,
        )
        return self._store.write(
            content.parsed(address.document_type), provenance, scope=address.site_path
        )

    def _reject(self, message: Message, reason: str, detail: str) -> tuple[Tally, Counter[str]]:
        raw = message.payload
        self._store.reject(
            [
                Rejection(
                    received_time=message.received_time,
                    topic=message.topic.replace("\0", "\ufffd"),
                    reason=reason,
                    detail=detail.replace("\0", "\ufffd")[:_LONGEST_DETAIL],
                    raw=raw[:_KEPT_OF_TOO_LARGE] if reason == "too_large" else raw,
                    # A message that comes again after a lost acknowledgement is the same one.
                    epoch=hashlib.sha256(raw).hexdigest()[:32],
                    row_id=0,
                    once=True,
                )
            ]
        )
        return Tally(rejected=1), Counter([reason])


class MesThread:
    """The intake on a broker of its own connection, in a thread."""

    def __init__(
        self, settings: IngestSettings, mes: MesSettings, selfstat: Selfstat, stop: Event
    ) -> None:
        self._stop = stop
        self._store = MesStore(settings.database)
        self._source = MqttSource(
            settings.broker.shown_by(mes.certificate_file),
            f"{settings.client_id}-mes",
            Mailbox(mes.max_messages, mes.max_bytes),
            settings.make_clock(),
            selfstat,
            Share(settings.workers.index, settings.workers.count),
            FixedSubscriptions([TOPIC]),
        )
        self._intake = MesIntake(self._source, self._store, mes, selfstat, settings.make_clock())
        self._failure: ConfigurationError | None = None
        self._thread = Thread(target=self._run, name="mes", daemon=True)

    def start(self) -> None:
        """Begin to listen, in the background."""
        self._source.start()
        self._thread.start()

    def join(self) -> None:
        """Wait for the end after `stop` was set; raise what a person must mend, if anything."""
        self._thread.join(timeout=15)
        self._source.close()
        self._store.close()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._intake.run(self._stop)
        except ConfigurationError as exc:
            self._failure = exc
            self._stop.set()
