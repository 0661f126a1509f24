"""The Sparkplug host without a network or a database: messages in, committed tables out."""

from collections.abc import Iterable
from threading import Event

from ingest.decoding.message import Message
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from ingest.sparkplug.committer import SparkplugCommitter
from ingest.sparkplug.delivery import Delivery
from ingest.sparkplug.fleet import Fleet
from ingest.sparkplug.settings import SparkplugSettings
from ingest.validation.kept_file import KeptFile
from tests.peers.sparkplug_nodes import host_settings
from tests.plants.deliveries import NOW, MemoryStore


class SparkplugBench:
    """A fleet and a committer on a database in memory; the test moves the time."""

    def __init__(
        self, settings: SparkplugSettings | None = None, kept_file: KeptFile | None = None
    ) -> None:
        self.store = MemoryStore()
        self.selfstat = Selfstat()
        self.limits = LimitSettings()
        self.fleet = Fleet(settings or host_settings(), self.limits.max_text_length)
        self.outages: list[float] = []
        self.committer = SparkplugCommitter(
            self.store,
            self.selfstat,
            lambda: NOW,
            self.limits,
            Event(),
            self.outages.append,
            first_pause_s=0,
            kept_file=kept_file,
        )
        self.now = 100.0
        self.delivered: list[Delivery] = []

    def take(self, *messages: Message) -> None:
        """Take messages and commit what they tell as one group."""
        self.selfstat.arrived(len(messages))
        self.commit(self.fleet.receive(messages, self.now))

    def take_each(self, *messages: Message) -> None:
        """Take messages one by one, and commit what they tell as one group."""
        self.selfstat.arrived(len(messages))
        self.commit([one for each in messages for one in self.fleet.receive([each], self.now)])

    def wait(self, seconds: float) -> None:
        """Let time pass and commit what it brings."""
        self.now += seconds
        self.commit(self.fleet.pass_time(self.now, NOW))

    def commit(self, deliveries: Iterable[Delivery]) -> None:
        """Commit deliveries as one group."""
        group = list(deliveries)
        for delivery in group:
            self.selfstat.decoded(delivery.rows)
        self.delivered += group
        assert self.committer.commit(group)

    def values(self, tag: str) -> list[float | str | None]:
        """The stored values of a tag, in the order they were written."""
        tables = self.store.tables
        tag_id = tables.tags[tag].tag_id
        stored: list[tuple[int, int, float | str | None, int]] = [*tables.numbers, *tables.texts]
        return [value for number, _, value, _ in stored if number == tag_id]

    def reasons(self) -> list[str]:
        """Why something was rejected, in the order of the rows."""
        return [rejection.reason for rejection in self.store.tables.rejections]

    def commands(self) -> list[str]:
        """Topics of the commands that are due."""
        return [topic for topic, _ in self.fleet.commands(self.now, NOW)]
