"""Which messages are in the outbox although the broker may not know it.

QoS 1 repeats a message whose acknowledgement was lost. One that carries its own time is recognised
by it; one that is stamped on arrival would become a second measurement. Its packet id and a digest
are therefore kept with the rows, all or nothing.
"""

from collections import deque
from zlib import crc32

REMEMBERED = 256


class Redelivery:
    """The latest messages that were taken, as text that is kept with a source's position."""

    def __init__(self, position: str | None) -> None:
        self._order: deque[str] = deque(maxlen=REMEMBERED)
        self._order.extend((position or "").split())

    def known(self, packet_id: int, topic: str, payload: bytes) -> bool:
        """Return whether a message that the broker repeats was taken before."""
        return _mark(packet_id, topic, payload) in self._order

    def take(self, packet_id: int, topic: str, payload: bytes) -> None:
        """Remember a message."""
        self._order.append(_mark(packet_id, topic, payload))

    def __str__(self) -> str:
        return " ".join(self._order)


def _mark(packet_id: int, topic: str, payload: bytes) -> str:
    return f"{packet_id:x}.{crc32(payload, crc32(topic.encode('utf-8', 'replace'))):x}"
