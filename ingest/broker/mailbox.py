"""A queue bounded in messages and in bytes, between the network and the decoder; fair to senders.

A sender is a site, or a Sparkplug node. Its share is measured in what its messages cost, not in
their number: who sends a large one waits the longer for its next turn (start-time fair queueing,
Goyal et al. 1996).
"""

import heapq
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.decoding.message import Message
from ingest.decoding.sender import sender_of

_LARGE = 4_000_000
"""Bytes taken at a time."""


class Letter(NamedTuple):
    """A message and what matters of it here."""

    sender: str
    message: Message
    repeated: bool
    """It comes again until the platform says that it is committed."""


@dataclass(slots=True)
class _Tray:
    """What waits of one sender."""

    messages: deque[Message] = field(default_factory=deque)
    size: int = 0
    """Bytes of payload."""
    start: int = 0
    """When its next message has its turn, in cost of what was taken before."""
    turn: int = 0
    """Number of its valid entry among the turns; 0 while it is held."""


class Mailbox:
    """Holds messages until they are taken, of each sender its share; `put` waits while it is full.

    The order within a sender is kept.
    """

    def __init__(
        self,
        max_messages: int,
        max_bytes: int,
        site_max_messages: int | None = None,
        site_max_bytes: int | None = None,
    ) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._site_max_messages = site_max_messages or max_messages
        self._site_max_bytes = site_max_bytes or max_bytes
        self._trays: dict[str, _Tray] = {}
        self._turns: list[tuple[int, int, str]] = []
        """A heap: start, order among equals, sender."""
        self._turn = 0
        self._now = 0
        """Start of the message that was taken last."""
        self._ends: dict[str, int] = {}
        """Where senders with nothing waiting may start again, unless that has passed."""
        self._senders: set[str] = set()
        """Of all that came so far, up to `_MANY`."""
        self._count = 0
        self._bytes = 0
        self._ready = 0
        """How many messages may be taken: those of senders that are not held."""
        self._held: frozenset[str] = frozenset()
        self._dear: dict[str, int] = {}
        """By topic, what a message is thought to cost beside its bytes, in bytes."""
        self._wanted = 1
        """How many messages whoever takes them waits for."""
        self._changed = threading.Condition()

    def put(self, message: Message, timeout_s: float) -> bool:
        """Add a message once there is room; return False when there was none within the time."""
        size = len(message.payload)
        with self._changed:
            if not self._fits(size) and not self._changed.wait_for(
                lambda: self._fits(size), timeout_s
            ):
                return False
            self._add(sender_of(message.topic), message, size)
            self._tell()
        return True

    def offer(self, letters: Sequence[Letter]) -> tuple[int, list[Message]]:
        """Add messages as long as there is room, but for those beyond their sender's share.

        Only what comes again is left so. Returns how many are settled, from the first on, and
        those of them that were left.
        """
        shed: list[Message] = []
        with self._changed:
            for number, (sender, message, repeated) in enumerate(letters):
                size = len(message.payload)
                if repeated and self._over_quota(sender, size):
                    shed.append(message)
                elif self._fits(size):
                    self._add(sender, message, size)
                else:
                    self._tell()
                    return number, shed
            self._tell()
        return len(letters), shed

    def take(self, limit: int, timeout_s: float, most_bytes: int = _LARGE) -> list[Message]:
        """Remove and return up to `limit` messages, waiting for the first.

        Fewer where they are large: none after `most_bytes`. After the first, more are waited for
        a moment: to wake up for each small message costs more than to decode it.
        """
        with self._changed:
            if self._changed.wait_for(lambda: self._ready, timeout_s) and self._ready < limit:
                self._wanted = limit
                self._changed.wait_for(lambda: self._ready >= limit, min(timeout_s, _MOMENT_S))
                self._wanted = 1
            taken: list[Message] = []
            size = 0
            while self._ready and len(taken) < limit and size < most_bytes:
                taken.append(self._next())
                size += len(taken[-1].payload)
            self._changed.notify_all()
        return taken

    def give_back(self, messages: Sequence[Message]) -> None:
        """Put messages that were taken last, in their order, before what waits of their senders.

        Whoever came meanwhile then has its turn before them. There is room for them always.
        """
        with self._changed:
            for message in reversed(messages):
                sender, size = sender_of(message.topic), len(message.payload)
                tray = self._tray(sender)
                tray.messages.appendleft(message)
                tray.size += size
                tray.start = max(self._now, tray.start - self._cost(message))
                self._count += 1
                self._bytes += size
                self._ready += bool(tray.turn)
            for sender in {sender_of(message.topic) for message in messages}:
                self._line_up(sender, self._trays[sender])
            self._tell()

    def charge(self, topic: str, cost: int) -> None:
        """Take note that a message cost so much more than its bytes say, in bytes.

        The next ones of this topic are thought to do so, too; less with each that does not.
        """
        with self._changed:
            known = self._dear.get(topic, 0)
            if cost <= known:
                return
            if len(self._dear) >= _MANY:
                self._dear.clear()
            self._dear[topic] = cost
            sender = sender_of(topic)
            tray = self._trays.get(sender)
            if tray is None:
                self._remember(sender, max(self._now, self._ends.get(sender, 0)) + cost - known)
                return
            tray.start += cost - known
            self._line_up(sender, tray)

    def hold(self, senders: frozenset[str]) -> None:
        """Give out nothing of these senders, and of the others again what was held.

        But for what is beyond their share: that can only be what does not come again.
        """
        if senders == self._held:
            return
        with self._changed:
            self._held, before = senders, self._held
            for sender in before ^ senders:
                if (tray := self._trays.get(sender)) is not None:
                    self._line_up(sender, tray)
            self._tell()

    def _over_quota(self, sender: str, size: int) -> bool:
        """Tell whether the sender has its full share waiting, and there are other senders.

        One that is alone may fill the whole queue.
        """
        tray = self._trays.get(sender)
        if tray is None or self._senders <= {sender}:
            return False
        full = len(tray.messages) >= self._site_max_messages
        return full or tray.size + size > self._site_max_bytes

    def _add(self, sender: str, message: Message, size: int) -> None:
        tray = self._trays.get(sender)
        if tray is None:
            tray = self._tray(sender)
            self._line_up(sender, tray)
        tray.messages.append(message)
        tray.size += size
        self._count += 1
        self._bytes += size
        if tray.turn:
            self._ready += 1
        elif not self._is_held(sender, tray):
            self._line_up(sender, tray)

    def _tray(self, sender: str) -> _Tray:
        tray = self._trays.get(sender)
        if tray is None:
            tray = self._trays[sender] = _Tray()
            # Not before now, as turns are not saved up in silence; nor before what it had last is
            # paid for.
            tray.start = max(self._now, self._ends.pop(sender, 0))
            if len(self._senders) < _MANY:
                self._senders.add(sender)
        return tray

    def _tell(self) -> None:
        if self._ready >= self._wanted:
            self._changed.notify_all()

    def _next(self) -> Message:
        """Return the next of the messages that may be taken, of which there must be some."""
        while True:
            start, turn, sender = heapq.heappop(self._turns)
            tray = self._trays.get(sender)
            # A tray that was lined up anew since has left its former entry in the heap.
            if tray is not None and tray.turn == turn:
                break
        self._now = start
        message = tray.messages.popleft()
        size = len(message.payload)
        tray.start = start + _MESSAGE + size
        tray.size -= size
        self._count -= 1
        self._ready -= 1
        self._bytes -= size
        if self._dear and (dear := self._dear.get(message.topic)):
            tray.start += dear
            # Less with each: who was dear once is soon taken at the size of its messages; the 1
            # brings it to nothing.
            self._dear[message.topic] = dear - dear // 16 - 1
        if tray.messages:
            self._line_up(sender, tray)
        else:
            del self._trays[sender]
            self._remember(sender, tray.start)
        return message

    def _cost(self, message: Message) -> int:
        dear = self._dear.get(message.topic, 0) if self._dear else 0
        return _MESSAGE + len(message.payload) + dear

    def _is_held(self, sender: str, tray: _Tray) -> bool:
        return sender in self._held and len(tray.messages) <= self._site_max_messages

    def _line_up(self, sender: str, tray: _Tray) -> None:
        """Give a tray its turn anew, or none while it is held."""
        before = bool(tray.turn)
        if self._held and self._is_held(sender, tray):
            tray.turn = 0
        else:
            self._turn += 1
            tray.turn = self._turn
            heapq.heappush(self._turns, (tray.start, self._turn, sender))
        if bool(tray.turn) != before:
            self._ready += len(tray.messages) if tray.turn else -len(tray.messages)

    def _remember(self, sender: str, end: int) -> None:
        if len(self._ends) >= _MANY:
            self._ends = {each: at for each, at in self._ends.items() if at > self._now}
        if len(self._ends) < _MANY:
            self._ends[sender] = end

    def _fits(self, size: int) -> bool:
        # A single message always fits, whatever its size: else it would wait for room for ever.
        if not self._count:
            return True
        return self._count < self._max_messages and self._bytes + size <= self._max_bytes

    def __len__(self) -> int:
        return self._count


_MANY = 1_000
_MOMENT_S = 0.001
_MESSAGE = 500
"""What a message costs beside its bytes, in bytes."""
