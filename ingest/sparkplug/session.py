"""The session of one edge node as a host application follows it: births, order, aliases, deaths.

Pure: it is given messages and the time, and says what becomes of each. Every message is accepted,
rejected with its reason, or kept for later (retry) until the messages before it have come or are
given up. What it knows can be built again at any time by asking the node for its births.

Rules: Sparkplug 3.0, chapters 5 and 6. Tolerated, because common nodes do it: messages without a
sequence number, births that do not begin with 0, deaths without bdSeq, names beside aliases,
aliases that are unique only within their device, births that put `DATA/` before the names that
data carry.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from ingest.decoding.message import Message
from ingest.sparkplug.definition import Definitions, templates_of
from plant.errors import DataError
from plant.sparkplug import (
    BD_SEQ,
    SEQUENCE,
    Address,
    MessageType,
    Metric,
    Payload,
    PlainPayload,
    Template,
)

MAX_HELD = 100
"""Messages kept for want of one before them; more count as a gap."""
REPEATS_S = 60.0
"""For so long after a birth, data may be a repetition of what was sent before it."""


class Verdict(StrEnum):
    """What becomes of a message."""

    ACCEPT = "accept"
    """It is taken; what it tells is in the step's event, None for nothing new."""
    REJECT = "reject"
    """It cannot be understood, and will not be later."""
    RETRY = "retry"
    """It waits for the messages before it; a later step says what became of it."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A decoded message of a node."""

    message: Message
    address: Address
    payload: Payload | PlainPayload
    duplicate: bool = False
    """The broker says that it may have been delivered before."""

    def by_itself(self) -> "Incoming":
        """Return it without the columns of its group, which are no use once it has to wait."""
        if isinstance(self.payload, PlainPayload):
            return replace(self, payload=self.payload.whole())
        return self


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a metric that a birth defined."""

    name: str
    datatype: int | None
    metric: Metric
    may_repeat: bool


@dataclass(frozen=True, slots=True)
class Birth:
    """A node or device began to report."""

    bd_seq: int | None
    definitions: tuple[Metric, ...]
    readings: tuple[Reading, ...]
    nameless: int = 0
    """Metrics without a name, which nobody can know."""
    doubled: frozenset[str] = frozenset()
    """Names of more than one metric each."""


@dataclass(frozen=True, slots=True)
class Data:
    """Values."""

    readings: tuple[Reading, ...]
    unknown: tuple[str, ...] = ()
    """Names or aliases that no birth defined."""


@dataclass(frozen=True, slots=True)
class PlainData:
    """Values that are columns of a group."""

    definitions: Definitions
    """What their names and aliases are."""
    may_repeat: bool


@dataclass(frozen=True, slots=True)
class Death:
    """A node, with all its devices, or one device is gone."""

    devices: tuple[str | None, ...]
    """Which devices were there until now; None is the node itself."""


Event = Birth | Data | PlainData | Death


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a message."""

    incoming: Incoming
    verdict: Verdict
    event: Event | None = None
    reason: str = ""
    detail: str = ""


class NodeSession:
    """What is known of one node. Times are seconds of a clock that never jumps."""

    def __init__(self, reorder_timeout_s: float, *, counts_connections: bool = True) -> None:
        """Begin without a birth; see the settings of a node for `counts_connections`."""
        self._reorder_timeout_s = reorder_timeout_s
        self._counts_connections = counts_connections
        self._bd_seq: int | None = None
        self._born_ms: int | None = None
        """When the present birth was sent, by the node's clock."""
        self._born_at = 0.0
        self._expected = 0
        self._newest_ms = 0
        self._held: dict[int, Incoming] = {}
        self._deadline: float | None = None
        self._metrics: dict[str | None, Definitions] = {}
        """By device, of those that are there; None is the node itself."""
        self._templates: dict[str, Template] = {}
        """Definitions that the node's birth gave."""
        self._again: int | None = None
        """The node's birth came once more: the number that follows it, if it began again."""
        self.wants_birth = False
        """The node is to be asked for its births; who asks sets it back."""

    @property
    def online(self) -> bool:
        """Whether the node is there, as far as its births and deaths tell."""
        return None in self._metrics

    def receive(self, incoming: Incoming, now: float) -> list[Step]:
        """Return what became of a message, and of those that waited for it."""
        kind = incoming.address.kind
        if incoming.message.retained:
            # Births must not be retained: it may be that of a node long gone.
            self.wants_birth = self.wants_birth or not self.online
            return [_rejected(incoming, "retained", "a retained message is of an unknown age")]
        if kind is MessageType.NBIRTH:
            return self._node_birth(incoming, now)
        if kind is MessageType.NDEATH:
            return self._node_death(incoming)
        if kind in {MessageType.NCMD, MessageType.DCMD}:
            return [Step(incoming, Verdict.ACCEPT)]
        if not self.online:
            self.wants_birth = True
            return [_rejected(incoming, "no_birth", "the node has not announced itself yet")]
        return self._in_order(incoming, now)

    def pass_time(self, now: float) -> list[Step]:
        """Return what becomes of waiting messages when what they wait for does not come."""
        if self._deadline is None or now < self._deadline:
            return []
        self.wants_birth = True
        return self._release(now)

    def lose(self, now: float) -> tuple[list[Step], Death | None]:
        """Forget the session because the connection to the broker was lost.

        Returns what becomes of waiting messages, and who was there until now.
        """
        steps = self._release(now)
        return steps, self._end()

    def forget(self, device: str | None) -> Death | None:
        """Forget what a device's metrics are; its data are rejected until it is born again."""
        return Death((device,)) if self._metrics.pop(device, None) else None

    # --- births and deaths ---

    def _node_birth(self, incoming: Incoming, now: float) -> list[Step]:
        payload = incoming.payload
        bd_seq = bd_seq_of(payload)
        # Taken for a new session, a birth that comes twice would drop every device that was born
        # since.
        if self.online and self._metrics[None].born == incoming.message.payload:
            # A repetition, or a node that answers with what it keeps: the next number tells.
            self._again = ((payload.seq or 0) + 1) % SEQUENCE
            return [Step(incoming, Verdict.ACCEPT)]
        # What waits is of the former session, unless it was sent after this birth.
        newer = {
            seq: one for seq, one in self._held.items() if _sent(one) > (payload.timestamp or 0)
        }
        self._held = {seq: one for seq, one in self._held.items() if seq not in newer}
        steps = self._release(now) if self.online else []
        self._bd_seq = bd_seq
        self._born_ms = payload.timestamp
        self._born_at = now
        self._newest_ms = payload.timestamp or 0
        # The devices are gone with it: after a node's birth each has to announce itself again.
        self._metrics = {None: Definitions()}
        self._templates = templates_of(payload.metrics)
        self._again = None
        self._expected = ((payload.seq or 0) + 1) % SEQUENCE
        self._held = newer
        self._deadline = now + self._reorder_timeout_s if newer else None
        self.wants_birth = False
        steps.append(self._birth(None, incoming))
        return steps + self._drain(now)

    def _node_death(self, incoming: Incoming) -> list[Step]:
        bd_seq = bd_seq_of(incoming.payload)
        known = self._counts_connections and None not in {bd_seq, self._bd_seq}
        if self.online and known and bd_seq != self._bd_seq:
            # The will of an earlier connection, which came late.
            return [Step(incoming, Verdict.ACCEPT)]
        # A will follows everything that its connection sent.
        steps = self._release(0.0)
        return [*steps, Step(incoming, Verdict.ACCEPT, self._end())]

    def _end(self) -> Death | None:
        if not self.online:
            return None
        death = Death(tuple(self._metrics))
        self._metrics = {}
        self._held, self._deadline = {}, None
        self.wants_birth = False
        return death

    def _birth(self, device: str | None, incoming: Incoming) -> Step:
        metrics = incoming.payload.metrics
        definitions = Definitions(incoming.message.payload)
        try:
            nameless = definitions.define(metrics, self._templates | templates_of(metrics))
        except DataError as exc:
            self.forget(device)
            self.wants_birth = True
            return _rejected(incoming, exc.reason, exc.detail)
        self._metrics[device] = definitions
        readings = tuple(
            Reading(name, metric.datatype, metric, may_repeat=True)
            for name, metric in definitions.by_name.items()
        )
        named = tuple(definitions.by_name.values())
        doubled = frozenset(definitions.doubled)
        birth = Birth(self._bd_seq, named, readings, nameless, doubled)
        return Step(incoming, Verdict.ACCEPT, birth)

    # --- order ---

    def _in_order(self, incoming: Incoming, now: float) -> list[Step]:
        seq = incoming.payload.seq
        if seq is None:
            return [self._apply(incoming, now)]
        if seq >= SEQUENCE:
            self.wants_birth = True
            return [_rejected(incoming, "bad_seq", f"sequence number {seq}; it ends at 255")]
        again, self._again = self._again, None
        if seq == again != self._expected:
            return [*self._release(now), *self._from(seq, incoming, now)]
        return self._from(self._expected, incoming, now)

    def _from(self, expected: int, incoming: Incoming, now: float) -> list[Step]:
        seq, self._expected = incoming.payload.seq, expected
        assert seq is not None
        ahead = (seq - self._expected) % SEQUENCE
        if ahead == 0:
            self._expected = (seq + 1) % SEQUENCE
            return [self._apply(incoming, now), *self._drain(now)]
        # The number alone cannot tell 56 messages late from 200 early; the time of sending decides,
        # and where it is newer, the message waits like any other.
        if ahead >= SEQUENCE // 2 and _sent(incoming) <= self._newest_ms:
            return [self._late(incoming, now)]
        waiting_there = self._held.get(seq)
        if waiting_there is not None:
            if waiting_there.message.payload == incoming.message.payload:
                return [Step(incoming, Verdict.ACCEPT)]
            # The numbers went all the way round, or began again without a birth.
            self.wants_birth = True
            return [*self._release(now), *self._in_order(incoming, now)]
        self._held[seq] = incoming = incoming.by_itself()
        waiting = Step(incoming, Verdict.RETRY)
        if self._deadline is None:
            self._deadline = now + self._reorder_timeout_s
        if len(self._held) >= MAX_HELD or self._reorder_timeout_s == 0:
            return [waiting, *self.pass_time(self._deadline)]
        return [waiting]

    def _drain(self, now: float) -> list[Step]:
        """Apply the waiting messages that are next in order."""
        steps = []
        while (incoming := self._held.pop(self._expected, None)) is not None:
            self._expected = (self._expected + 1) % SEQUENCE
            steps.append(self._apply(incoming, now))
        if not self._held:
            self._deadline = None
        elif steps:
            self._deadline = now + self._reorder_timeout_s
        return steps

    def _release(self, now: float) -> list[Step]:
        """Apply all waiting messages; those missing between them are given up."""
        steps = []
        # Counted from the one expected: 255 comes before 0 where the numbers turn over.
        for seq in sorted(self._held, key=lambda seq: (seq - self._expected) % SEQUENCE):
            steps.append(self._apply(self._held.pop(seq), now))
            self._expected = (seq + 1) % SEQUENCE
        self._deadline = None
        return steps

    def _late(self, incoming: Incoming, now: float) -> Step:
        """Take data that come after their turn; they may also be a repetition."""
        kind, known = incoming.address.kind, self._metrics.get(incoming.address.device_id)
        if kind is MessageType.DBIRTH or (kind is MessageType.DDEATH and known is not None):
            if known is not None and known.born == incoming.message.payload:
                return Step(incoming, Verdict.ACCEPT)
            # What its metrics are by now, only new births tell.
            self.forget(incoming.address.device_id)
            self.wants_birth = True
            return _rejected(incoming, "out_of_turn", f"a {kind} that came after its turn")
        if kind is MessageType.DDEATH:
            return Step(incoming, Verdict.ACCEPT)
        if _sent(incoming) < (self._born_ms or 0):
            return _rejected(incoming, "stale", "sent before the present birth of its node")
        return self._apply(incoming, now, late=True)

    def _apply(self, incoming: Incoming, now: float, *, late: bool = False) -> Step:
        self._newest_ms = max(self._newest_ms, _sent(incoming))
        kind, device = incoming.address.kind, incoming.address.device_id
        if kind is MessageType.DBIRTH:
            return self._birth(device, incoming)
        if kind is MessageType.DDEATH:
            known = self._metrics.pop(device, None)
            return Step(incoming, Verdict.ACCEPT, Death((device,)) if known else None)
        definitions = self._metrics.get(device)
        if definitions is None:
            self.wants_birth = True
            return _rejected(incoming, "no_birth", f"device {device!r} has not announced itself")
        # Only these are compared with the tables, as that costs a look for each row. After a birth
        # a node may send as history what it sent before its connection broke.
        may_repeat = late or incoming.duplicate or now < self._born_at + REPEATS_S
        if isinstance(incoming.payload, PlainPayload):
            return Step(incoming, Verdict.ACCEPT, PlainData(definitions, may_repeat))
        try:
            data = data_of(definitions, incoming.payload.metrics, may_repeat=may_repeat)
        except DataError as exc:
            return _rejected(incoming, exc.reason, exc.detail)
        if data.unknown:
            self.wants_birth = True
        return Step(incoming, Verdict.ACCEPT, data)


def data_of(definitions: Definitions, metrics: Iterable[Metric], *, may_repeat: bool) -> Data:
    """Return the values of a data message by what a birth defined; raise DataError `too_large`."""
    readings = []
    unknown = []
    for known, metric in definitions.values(metrics):
        if known is None or known.name is None:
            unknown.append(metric.name or f"alias {metric.alias}")
            continue
        datatype = metric.datatype if metric.datatype else known.datatype
        repeats = may_repeat or bool(metric.is_historical)
        readings.append(Reading(known.name, datatype, metric, repeats))
    return Data(tuple(readings), tuple(unknown))


def bd_seq_of(payload: Payload | PlainPayload) -> int | None:
    """Return the bdSeq of a birth or death, None when it has none."""
    values: Iterator[object] = (m.value for m in payload.metrics if m.name == BD_SEQ)
    value = next(values, None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _sent(incoming: Incoming) -> int:
    return incoming.payload.timestamp or 0


def _rejected(incoming: Incoming, reason: str, detail: str) -> Step:
    return Step(incoming, Verdict.REJECT, None, reason, detail)
