"""The ingest without a network, a database or a clock: messages in, committed tables out."""

from collections.abc import Iterable, Sequence
from threading import Event

from ingest.commit.committer import Committer
from ingest.decoding.message import Message
from ingest.decoding.parcel import messages_of
from ingest.group.gathering import Gathering
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from ingest.validation.kept_file import KeptFile
from store.delivery.row import LedgerRow
from tests.plants.deliveries import NOW, MemoryStore


class Bench:
    """A committer on a database in memory."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        max_payload_bytes: int = 4_000_000,
        *,
        require_enrolment: bool = False,
        kept_file: KeptFile | None = None,
        gathering: type[Gathering] = Gathering,
    ) -> None:
        self.gathering = gathering
        self.store = store or MemoryStore()
        self.selfstat = Selfstat()
        self.abandon = Event()
        self.limits = LimitSettings(
            max_payload_bytes=max_payload_bytes, require_enrolment=require_enrolment
        )
        self.committer = Committer(
            self.store,
            self.selfstat,
            lambda: NOW,
            self.limits,
            self.abandon,
            first_pause_s=0,
            kept_file=kept_file,
        )
        self.committed: list[Message] = []

    def take(self, *messages: Message) -> list[tuple[str, bytes]]:
        """Commit the messages as one group and return what is then published."""
        return self.take_groups([messages])

    def take_groups(self, groups: Iterable[Sequence[Message]]) -> list[tuple[str, bytes]]:
        """Commit groups one after the other and return what is then published."""
        published: list[tuple[str, bytes]] = []
        for messages in groups:
            gathering = self.gathering(self.limits)
            for message in messages:
                self.selfstat.arrived()
                gathering.add(message)
            self.selfstat.decoded(gathering.rows)
            for part, outcome in self.committer.commit(gathering.parcels()):
                for parcel in part:
                    self.committed += messages_of(parcel)
                published += outcome.acks
        return published

    def ledger(self, epoch: str = "e1", edge_id: int = 1) -> LedgerRow:
        """Return the ledger of an edge."""
        return self.store.tables.ledgers[edge_id, epoch]
