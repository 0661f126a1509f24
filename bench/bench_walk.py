"""What each step of a message's walk through the ingest costs, and the picture of it.

The ingest's own functions in their order, in one thread, without broker and database: from bytes of
PUBLISH packets to the blocks that COPY would send. Microseconds of CPU of a message, of the
cheapest round, at 1, 20 and 200 measurements each. `--picture FILE` draws them.
"""

import argparse
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from unittest.mock import Mock
from xml.sax.saxutils import escape

from bench.load import EDGES, Load, birth
from bench.publisher import publish_packet
from ingest.broker.mailbox import Mailbox
from ingest.broker.share import Share
from ingest.broker.source import MqttSource
from ingest.commit.heartbeat import ClockOffsets
from ingest.commit.transaction import GroupTransaction
from ingest.decoding.message import Message
from ingest.decoding.parcel import messages_of
from ingest.group.gathering import Gathering
from ingest.line import packet
from ingest.line.connection import Line
from ingest.selfstat import Selfstat
from ingest.settings import LimitSettings
from ingest.validation.registry import Registry
from plant.clock import microseconds
from plant.native.message import Leaf
from plant.settings import BrokerSettings
from store.delivery.binary_copy import number_blocks
from store.delivery.row import DeliveryTransaction, EdgeRow, NumberColumns
from tests.plants.deliveries import MemoryStore, MemoryTables, MemoryTransaction

SIZES = (1, 20, 200)
_MOST_MESSAGES, _MOST_ROWS = 4_000, 96_000
_NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
STEPS = (
    ("line", "packet.split", "all packets in what has come, at once"),
    ("line", "source.take → Mailbox.offer", "by topic, whose it is; in one piece"),
    ("pipeline", "Mailbox.take", "512 messages, of each site its turn"),
    ("pipeline", "Gathering.add", "JSON; a run of one edge, lists only"),
    ("pipeline", "Gathering.parcels", "arrays, once for a run of 4,096 rows"),
    ("pipeline", "GroupTransaction.apply", "ledger, tags, judge, sort; COPY is fed"),
    ("pipeline", "acknowledge", "PUBACKs in one piece"),
)
"""Thread, function, words: in the order of the walk."""

R = TypeVar("R")


class _Fed(MemoryTransaction):
    """Takes COPY's blocks, and does nothing with them."""

    def stream_numbers(self, portions: Iterable[NumberColumns]) -> None:
        for _ in number_blocks(portions):
            pass


class _Store(MemoryStore):
    @contextmanager
    def transaction(self) -> Iterator[DeliveryTransaction]:
        yield _Fed(self.tables, frozenset())


def _store() -> _Store:
    """Return a database in memory with the bench's edges and machines."""
    store = _Store()
    machines = {
        f"{edge.site_path}/xuong/day-chuyen/may-{k + 1}": 100 * place + k
        for place, edge in enumerate(EDGES)
        for k in range(4)
    }
    edges = {
        place: EdgeRow(place, place, edge.site_path, edge.edge, online=True)
        for place, edge in enumerate(EDGES, 1)
    }
    store.tables = MemoryTables(edges=edges, units=machines)
    return store


class _Walk:
    """One size of messages, walked as often as wanted."""

    def __init__(self, batch: int) -> None:
        messages = max(len(EDGES), min(_MOST_MESSAGES, _MOST_ROWS // batch))
        self._load = Load(messages * batch, batch, "walk", microseconds(_NOW))
        self.messages = self._load.messages
        self._bytes = b"".join(
            publish_packet(*self._load.message(k), k % 60_000 + 1) for k in range(self.messages)
        )
        self.cheapest = [math.inf] * len(STEPS)
        self._spent = [0.0] * len(STEPS)

    def round(self) -> None:
        """Walk once; a step keeps the least that it ever took."""
        limits, line = LimitSettings(), Mock(spec=Line)
        mailbox = Mailbox(self.messages + 1, 1 << 40)
        source = MqttSource(
            BrokerSettings(), "walk", mailbox, lambda: _NOW, Selfstat(), Share(0, 1)
        )
        self._spent = [0.0] * len(STEPS)
        parts = self._timed(0, lambda: packet.split(self._bytes, 4))
        self._timed(1, lambda: source.take(line, parts.messages))
        taken: list[Message] = []
        while len(taken) < self.messages:
            taken += self._timed(2, lambda: mailbox.take(512, 0.0))
        gathering = Gathering(limits)
        self._timed(3, lambda: deque(map(gathering.add, taken), maxlen=0))
        parcels = self._timed(4, gathering.parcels)
        store, registry = _store(), Registry(time.monotonic)
        births = Gathering(limits)
        for edge in EDGES:
            births.add(Message(edge.topic(Leaf.BIRTH), birth(edge, "walk"), _NOW))
        with store.transaction() as transaction:
            self._group(transaction, registry).apply(births.parcels())
        with store.transaction() as transaction:
            group = self._group(transaction, registry)
            outcome = self._timed(5, lambda: group.apply(parcels))
        assert outcome.measurements.written == self._load.rows, outcome.measurements
        self._timed(6, lambda: source.acknowledge(m for one in parcels for m in messages_of(one)))
        self.cheapest = list(map(min, self.cheapest, self._spent))

    def _group(self, transaction: DeliveryTransaction, registry: Registry) -> GroupTransaction:
        return GroupTransaction(transaction, registry, ClockOffsets(), _NOW, 300_000_000)

    def _timed(self, step: int, work: Callable[[], R]) -> R:
        began = time.process_time()
        result = work()
        self._spent[step] += time.process_time() - began
        return result

    def us(self) -> list[float]:
        """Return what each step costs a message, in microseconds."""
        return [spent / self.messages * 1e6 for spent in self.cheapest]


def measured(rounds: int) -> dict[int, list[float]]:
    """Return microseconds of a message for each step, by size of messages."""
    found = {}
    for batch in SIZES:
        walk = _Walk(batch)
        for _ in range(rounds):
            walk.round()
        found[batch] = walk.us()
    return found


_BEFORE = (
    ("thread of paho", "PUBLISH, byte by byte → MQTTMessage, properties → on_message", 100),
    ("thread that decodes", "JSON → DataParcel, 6 arrays each; waits for right of way", 30),
    ("thread that writes", "per parcel: ledger, tags, judge, lags; COPY; ack by ack", 90),
)
"""As measured before decision 0019, microseconds of a message of one measurement."""
_WIDTH, _ROW, _NAME, _SCALE = 960, 26, 540, 2.0
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1d2733}.h{font-weight:600;font-size:14px}"
    ".i{fill:#5a6775}.a{fill:#c98b5b}.line{fill:#7fa3c4}.pipeline{fill:#52708f}"
)


def picture(found: dict[int, list[float]]) -> str:
    """Return the walk before and now as SVG; bars are to one scale, of one measurement each."""
    parts, y = [], 24

    def text(x: float, words: str, kind: str = "") -> None:
        parts.append(f'<text x="{x:.0f}" y="{y}" class="{kind}">{escape(words)}</text>')

    def bar(us: float, kind: str, words: str) -> None:
        parts.append(
            f'<rect x="{_NAME}" y="{y - 12}" width="{max(1.0, us * _SCALE):.1f}" height="15" '
            f'class="{kind}"/>'
        )
        text(_NAME + us * _SCALE + 8, words, "i")

    text(10, "Before: three threads, an object for each message", "h")
    y += _ROW
    for thread, words, us in _BEFORE:
        text(10, f"{thread}: {words}", "")
        bar(us, "a", f"{us} µs")
        y += _ROW
    y += _ROW // 2
    text(10, "Now: one thread reads the network, one does everything else", "h")
    text(_NAME, "µs of a message of " + " / ".join(map(str, SIZES)) + " measurements", "i")
    y += _ROW
    for place, (thread, name, words) in enumerate(STEPS):
        text(10, f"{thread}: {name}: {words}", "")
        said = " / ".join(f"{found[batch][place]:.1f}" for batch in SIZES)
        bar(found[SIZES[0]][place], thread, said)
        y += _ROW
    text(10, "together", "h")
    text(_NAME, " / ".join(f"{sum(found[batch]):.1f}" for batch in SIZES), "h")
    y += _ROW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}">'
        "<title>The walk of a message through the ingest, before and now</title>"
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
    )
    return "\n".join([head, *parts, "</svg>", ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and draw where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench walk", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--picture", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    found = measured(given.rounds)
    for place, (thread, name, _) in enumerate(STEPS):
        print(f"{thread:9} {name:30}", *(f"{found[batch][place]:9.2f}" for batch in SIZES))
    print(f"{'together':40}", *(f"{sum(found[batch]):9.2f}" for batch in SIZES))
    if given.picture:
        given.picture.write_text(picture(found))
    return 0
