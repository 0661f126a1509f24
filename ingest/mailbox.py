"""A queue bounded in messages and in bytes, between the network and the decoder."""

import threading
from collections import deque

from ingest.message import Message


class Mailbox:
    """Holds messages until they are taken; `put` waits while it is full."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def put(self, message: Message, timeout_s: float) -> bool:
        """Add a message once there is room; return False when there was none within the time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._fits(len(message.payload)), timeout_s):
                return False
            self._messages.append(message)
            self._bytes += len(message.payload)
            self._changed.notify_all()
        return True

    def take(self, limit: int, timeout_s: float) -> list[Message]:
        """Remove and return up to `limit` messages, waiting for the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages, timeout_s)
            taken = [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]
            self._bytes -= sum(len(message.payload) for message in taken)
            self._changed.notify_all()
        return taken

    def wait_half_empty(self, timeout_s: float) -> bool:
        """Wait until at least half of the room is free; return whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: (
                    len(self._messages) <= self._max_messages // 2
                    and self._bytes <= self._max_bytes // 2
                ),
                timeout_s,
            )

    def _fits(self, size: int) -> bool:
        if not self._messages:
            return True
        return len(self._messages) < self._max_messages and self._bytes + size <= self._max_bytes

    def __len__(self) -> int:
        return len(self._messages)
