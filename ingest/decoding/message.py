"""A message as it came, and the interface of what delivers messages."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One message; `receipt` is the source's own note of how to acknowledge it."""

    topic: str
    payload: bytes
    received_time: datetime
    """Stamped on arrival, aware UTC."""
    retained: bool = False
    """The broker kept it from before this ingest subscribed."""
    receipt: object = None
    size: int = 0
    """Bytes of the payload, if only its beginning is here; not above `len(payload)` otherwise."""


class Source(Protocol):
    """Delivers messages at least once, and again those that were not acknowledged."""

    def receive(self, limit: int, timeout_s: float) -> list[Message]:
        """Return up to `limit` messages, waiting for the first; an empty list after the timeout.

        Raises ConfigurationError when a person must mend something before any can come.
        """

    def give_back(self, messages: Sequence[Message]) -> None:
        """Have messages that were received last delivered again, when it is their sender's turn."""

    def charge(self, topic: str, cost: int) -> None:
        """Note that a message of this topic cost so much beside its bytes, in bytes.

        Its sender waits the longer for its next turn.
        """

    def hold(self, senders: frozenset[str]) -> None:
        """Deliver nothing of these senders (`ingest.decoding.sender`), but of all others.

        Until it is said again. What has no room there and does not come again is delivered.
        """

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Tell the source that these are committed; those of a lost connection it passes over."""

    def announce(self, announcements: Iterable[tuple[str, bytes]]) -> None:
        """Publish retained messages (topic and payload), now or once there is a connection.

        Of several for one topic the last may be the only one.
        """

    def close(self) -> None:
        """Send what is still to be sent and end the connection."""
