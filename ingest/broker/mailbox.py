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

from ingest.broker.share import sender_of
from ingest.decoding.message import Message


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

    def take(self, limit: int, timeout_s: float) -> list[Message]:
        """Remove and return up to `limit` messages, waiting for the first.

        Fewer where they are large. After the first, more are waited for a moment: to wake up for
        each small message costs more than to decode it.
        """
        with self._changed:
            if self._changed.wait_for(lambda: self._count, timeout_s) and self._count < limit:
                self._wanted = limit
                self._changed.wait_for(lambda: self._count >= limit, min(timeout_s, _MOMENT_S))
                self._wanted = 1
            taken: list[Message] = []
            size = 0
            while self._count and len(taken) < limit and size < _LARGE:
                taken.append(self._next())
                size += len(taken[-1].payload)
            self._changed.notify_all()
        return taken

    def wait_half_empty(self, timeout_s: float) -> bool:
        """Wait until at least half of the room is free; return whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: (
                    self._count <= self._max_messages // 2 and self._bytes <= self._max_bytes // 2
                ),
                timeout_s,
            )

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
            tray = self._trays[sender] = _Tray()
            tray.start = max(self._now, self._ends.pop(sender, 0))
            self._line_up(sender, tray)
            if len(self._senders) < _MANY:
                self._senders.add(sender)
        tray.messages.append(message)
        tray.size += size
        self._count += 1
        self._bytes += size

    def _tell(self) -> None:
        if self._count >= self._wanted:
            self._changed.notify_all()

    def _next(self) -> Message:
        self._now, _, site = heapq.heappop(self._turns)
        tray = self._trays[site]
        message = tray.messages.popleft()
        tray.start = self._now + _MESSAGE + len(message.payload)
        tray.size -= len(message.payload)
        self._count -= 1
        self._bytes -= len(message.payload)
        if tray.messages:
            self._line_up(site, tray)
        else:
            del self._trays[site]
            self._remember(site, tray.start)
        return message

    def _line_up(self, site: str, tray: _Tray) -> None:
        self._turn += 1
        heapq.heappush(self._turns, (tray.start, self._turn, site))

    def _remember(self, site: str, end: int) -> None:
        if len(self._ends) >= _MANY:
            self._ends = {each: at for each, at in self._ends.items() if at > self._now}
        if len(self._ends) < _MANY:
            self._ends[site] = end

    def _fits(self, size: int) -> bool:
        if not self._count:
            return True
        return self._count < self._max_messages and self._bytes + size <= self._max_bytes

    def __len__(self) -> int:
        return self._count


_MANY = 1_000
_MOMENT_S = 0.001
_MESSAGE = 500
"""What a message costs beside its bytes, in bytes."""
_LARGE = 4_000_000
"""Bytes taken at a time."""
