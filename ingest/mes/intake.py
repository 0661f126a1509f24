"""MQTT messages from an MES or ERP: each is written as a whole, then acknowledged.

They have a connection, a queue and transactions of their own: master data that take long, or are
many, do not hold up measurements.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event, Thread

from ingest.broker.mailbox import Mailbox
from ingest.broker.share import Share
from ingest.broker.source import MqttSource
from ingest.broker.subscription import FixedSubscriptions
from ingest.decoding.json_size import check_items
from ingest.decoding.message import Message, Source
from ingest.decoding.sender import sender_of
from ingest.group.isolation import SET_ASIDE, Isolation
from ingest.mes.message import TOPIC, MesAddress, mes_address
from ingest.mes.settings import MesSettings
from ingest.selfstat import ZERO, Selfstat, Tally
from ingest.settings import IngestSettings
from ingest.validation.kept_file import KeptFile, kept_outside
from plant.clock import Clock
from plant.errors import ConfigurationError, DataError
from plant.mes import Report
from plant.mes.file.json_file import decode_json
from plant.mes.kinds.mapping import ImportMapping
from store.engine.connection import STORE_REFUSED
from store.mes.store import MesStore
from store.mes.writing import Provenance
from store.rejection.rejection import Rejection

_IDLE_S = 0.2
_USUAL_BYTES = 4_000
_LONGEST_DETAIL = 2_000
_MOST_ITEMS = 500_000
"""JSON values in one message: tens of thousands of documents."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message, and what the database had against its documents, if anything."""

    message: Message
    refusal: DataError | None = None


_Fate = tuple[Tally, Counter[str]]


class MesIntake:
    """Takes messages one by one until it is stopped; see `ingest.group.isolation`."""

    def __init__(
        self,
        source: Source,
        store: MesStore,
        settings: MesSettings,
        selfstat: Selfstat,
        clock: Clock,
        kept_file: KeptFile | None = None,
    ) -> None:
        self._source = source
        self._store = store
        self._settings = settings
        self._selfstat = selfstat
        self._clock = clock
        self._kept_file = kept_file

    def run(self, stop: Event) -> None:
        """Work until `stop` is set; raises ConfigurationError for what a person must mend."""
        isolation: Isolation[_Letter, _Fate] = Isolation(
            self,
            self._selfstat,
            stop,
            by="mes",
            sender=lambda letter: sender_of(letter.message.topic),
            weight=lambda letter: 1 + len(letter.message.payload) // _USUAL_BYTES,
            at_once=1,
        )
        while not stop.is_set():
            pause_s = isolation.pause_s()
            idle_s = _IDLE_S if pause_s is None else min(pause_s, _IDLE_S)
            # One by one, so that it is soon the turn of another site.
            letters = [_Letter(message) for message in self._source.receive(1, idle_s)]
            for part, (tally, reasons) in isolation.turn(letters):
                self._selfstat.settled(tally, ZERO, reasons)
                self._source.acknowledge([letter.message for letter in part])
            self._source.hold(isolation.held())

    def transact(self, group: Sequence[_Letter]) -> _Fate:
        """Write the documents of a message, or the rejections of some."""
        # Only refused ones come together (`at_once` is 1): no document undoes another message's.
        if len(group) > 1:
            refused = [(letter.message, letter.refusal) for letter in group if letter.refusal]
            return self._reject(refused)
        (letter,) = group
        if letter.refusal is not None:
            return self._reject([(letter.message, letter.refusal)])
        return self.take(letter.message)

    def obstacle(self) -> str | None:
        """Return what keeps a harmless transaction from working now."""
        return self._store.obstacle()

    def lessened(self, member: _Letter, error: DataError) -> _Letter | None:
        """Return the message as refused; None when it was that."""
        if error.reason == SET_ASIDE and member.refusal:
            return member
        return None if member.refusal else _Letter(member.message, error)

    def given_up(self, member: _Letter, error: DataError) -> _Fate | None:
        """Keep the message in the file beside the ingest; None where that fails too."""
        rejection = self._rejection(member.message, error.reason, error.detail)
        if not kept_outside(self._kept_file, rejection, self._selfstat, error.detail):
            return None
        return Tally(rejected=1), Counter([error.reason])

    def take(self, message: Message) -> _Fate:
        """Write a message or its rejection, and return what is to be counted.

        Raises what the database says of the documents.
        """
        try:
            report = self._write(message)
        except DataError as exc:
            # The database's word, not the document's: whether it is about this message, a harmless
            # transaction has to tell first (`Isolation`).
            if exc.reason == STORE_REFUSED:
                raise
            return self._reject([(message, exc)])
        if report.fit:
            return Tally(written=1), Counter()
        words = "; ".join(str(problem) for problem in report.problems)
        return self._reject([(message, DataError(str(report.problems[0].reason), words))])

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
        check_items(message.payload, _MOST_ITEMS)
        content = decode_json(message.payload)
        provenance = Provenance(
            who=content.who or "MQTT",
            source=message.topic,
            now=self._clock(),
            reason=content.reason,
        )
        return self._store.write(
            content.parsed(address.document_type, self._mapping(address, content.mapping)),
            provenance,
            scope=address.site_path,
        )

    def _mapping(self, address: MesAddress, name: str) -> ImportMapping | None:
        if not name:
            return None
        try:
            found = self._store.mapping(address.site_path.partition("/")[0], name)
        except ConfigurationError as exc:
            raise DataError("unknown_mapping", str(exc)) from exc
        if found.kind != address.document_type.KIND:
            raise DataError("unknown_mapping", f"the mapping {name!r} is of {found.kind}")
        site = {"site": address.site_path, "enterprise": found.enterprise}
        return found.with_defaults(site)

    def _reject(self, refused: Sequence[tuple[Message, DataError]]) -> _Fate:
        self._store.reject(
            [self._rejection(message, error.reason, error.detail) for message, error in refused]
        )
        return Tally(rejected=len(refused)), Counter(error.reason for _, error in refused)

    @staticmethod
    def _rejection(message: Message, reason: str, detail: str) -> Rejection:
        return Rejection(
            received_time=message.received_time,
            topic=message.topic.replace("\0", "\ufffd"),
            reason=reason,
            detail=detail.replace("\0", "\ufffd")[:_LONGEST_DETAIL],
            raw=message.payload,
            # A message that comes again after a lost acknowledgement is the same one.
            epoch=hashlib.sha256(message.payload).hexdigest()[:32],
            row_id=0,
            once=True,
        )


class MesThread:
    """The intake on a broker of its own connection, in a thread."""

    def __init__(
        self,
        settings: IngestSettings,
        mes: MesSettings,
        selfstat: Selfstat,
        stop: Event,
        kept_file: KeptFile,
    ) -> None:
        self._stop = stop
        self._store = MesStore(settings.database)
        self._source = MqttSource(
            settings.broker.shown_by(mes.certificate_file),
            f"{settings.client_id}-mes",
            # What a site may have waiting while it is held; see `Mailbox.hold`.
            Mailbox(mes.max_messages, mes.max_bytes, max(1, mes.max_messages // 2)),
            settings.make_clock(),
            selfstat,
            Share(settings.workers.index, settings.workers.count),
            FixedSubscriptions([TOPIC]),
        )
        self._intake = MesIntake(
            self._source, self._store, mes, selfstat, settings.make_clock(), kept_file
        )
        self._failure: ConfigurationError | None = None
        self._thread = Thread(target=self._run, name="mes", daemon=True)

    def start(self) -> None:
        """Begin to listen, in the background."""
        self._source.start()
        self._thread.start()

    def break_off(self) -> None:
        """Let what waits for the database fail at once."""
        self._store.break_off()

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
