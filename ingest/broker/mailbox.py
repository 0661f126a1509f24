"""A queue bounded in messages and in bytes, between the network and the decoder; fair to senders.

A sender is a site, or a Sparkplug node.
"""

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from ingest.broker.share import sender_of
from ingest.decoding.message import Message


@dataclass(slots=True)
class _Tray:
    """What waits of one sender."""

    messages: deque[Message] = field(default_factory=deque)
    size: int = 0
    """Bytes of payload."""


class Mailbox:
    """Holds messages until they are taken, of each sender in turn; `put` waits while it is full.

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
        self._trays: OrderedDict[str, _Tray] = OrderedDict()
        self._sites: set[str] = set()
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
            site = sender_of(message.topic)
            tray = self._trays.setdefault(site, _Tray())
            tray.messages.append(message)
            tray.size += size
            if len(self._sites) < _MANY:
                self._sites.add(site)
            self._count += 1
            self._bytes += size
            if self._count >= self._wanted:
                self._changed.notify_all()
        return True

    def over_quota(self, message: Message) -> bool:
        """Tell whether the message's site has its full share waiting, and there are other sites.

        A site that is alone may fill the whole queue.
        """
        with self._changed:
            site = sender_of(message.topic)
            tray = self._trays.get(site)
            if tray is None or self._sites <= {site}:
                return False
            size = tray.size + len(message.payload)
            return len(tray.messages) >= self._site_max_messages or size > self._site_max_bytes

    def take(self, limit: int, timeout_s: float) -> list[Message]:
        """Remove and return up to `limit` messages, a site's in turn, waiting for the first.

        After the first, more are waited for a moment: to wake up for each small message costs
        more than to decode it.
        """
        with self._changed:
            if self._changed.wait_for(lambda: self._count, timeout_s) and self._count < limit:
                self._wanted = limit
                self._changed.wait_for(lambda: self._count >= limit, min(timeout_s, _MOMENT_S))
                self._wanted = 1
            taken = [self._next() for _ in range(min(limit, self._count))]
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

    def _next(self) -> Message:
        site, tray = self._trays.popitem(last=False)
        message = tray.messages.popleft()
        tray.size -= len(message.payload)
        self._count -= 1
        self._bytes -= len(message.payload)
        if tray.messages:
            self._trays[site] = tray
        return message

    def _fits(self, size: int) -> bool:
        if not self._count:
            return True
        return self._count < self._max_messages and self._bytes + size <= self._max_bytes

    def __len__(self) -> int:
        return self._count


_MANY = 1_000
_MOMENT_S = 0.001
