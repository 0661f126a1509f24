"""One connection to a broker, as the publisher sees it."""

from dataclasses import dataclass
from typing import Protocol

from plant.errors import TransientError


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker accepted the connection and the subscription to the ack topic."""

    max_packet_bytes: int | None = None
    """Largest packet that it takes, where it names one."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker did not accept the connection, or it ended."""

    reason: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The broker answered for a published message."""

    message_id: int
    refusal: str | None = None
    """Why the broker did not take it; None when it did."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message on a subscribed topic."""

    topic: str
    payload: bytes
    retained: bool = False
    """The broker kept it from before this connection."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The broker denies reading a topic that the edge can do without."""

    topic: str


@dataclass(frozen=True, slots=True)
class IdentityRenewed:
    """There is a new certificate: the connection is to be made again with it."""


Event = Connected | Refused | Delivered | Received | Denied | IdentityRenewed


class IdentityRenewedError(TransientError):
    """The edge has a new certificate; it connects again with it."""


class Link(Protocol):
    """One connection, used by one thread.

    It is made anew for every attempt, so that nothing of an earlier connection can be mistaken
    for the present one.
    """

    def open(self) -> None:
        """Begin to connect.

        Raises BrokerUnavailableError when nothing answers and ConfigurationError when the
        settings cannot be used.
        """

    def next_event(self, timeout_s: float) -> Event | None:
        """Return what happened next, or None when nothing does in time."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Send a message with QoS 1 and return its id; its `Delivered` follows."""

    def close(self) -> None:
        """End the connection in good order; no Last Will is sent."""
