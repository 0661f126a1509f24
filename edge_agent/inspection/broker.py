"""A visit at the broker as the edge makes it, for one moment and beside an agent that runs."""

import secrets
import time
from collections.abc import Iterator
from typing import Final

from edge_agent.broker import VersionChoice
from edge_agent.broker.link import Connected, Delivered, Denied, Event, Received, Refused
from edge_agent.broker.paho_link import PahoLink
from edge_agent.settings import EdgeSettings
from plant.errors import BrokerUnavailableError, DataError
from plant.native.message import Leaf, decode_ack

_PATIENCE_S: Final = 10.0
_ATTEMPTS: Final = 3


class Visit:
    """Logs in, publishes to a topic of its own, and hears what comes."""

    def __init__(self, settings: EdgeSettings) -> None:
        self._settings = settings
        self._address = settings.edge.address()
        self._own = self._address.topic(Leaf.DOCTOR)
        self._link: PahoLink | None = None
        self._heard: list[Event] = []
        self.let_in = False

    def log_in(self) -> str:
        """Return that the broker takes this edge and lets it read its acknowledgements.

        Raises BrokerUnavailableError with the broker's reason, and ConfigurationError for
        certificates that cannot be used.
        """
        settings, address = self._settings, self._address
        versions = VersionChoice(settings.broker.protocol)
        reason = "it does not answer"
        for _ in range(_ATTEMPTS):
            link = PahoLink(
                settings.broker,
                versions,
                f"{address.client_id}-doctor",
                address.topic(Leaf.ACK),
                (self._own, b""),
                clean=True,
                retain_will=False,
                optional=self._own,
            )
            self._link = link
            try:
                link.open()
                event = self._next(Connected, Refused)
                self.let_in = isinstance(event, Connected)
            finally:
                if not self.let_in:
                    self.close()
            if self.let_in:
                return f"it takes {address.identity} and lets it read {address.topic(Leaf.ACK)}"
            if isinstance(event, Refused):
                reason = event.reason
            if versions.version == settings.broker.protocol:
                break
        raise BrokerUnavailableError(f"the broker does not take {address.identity}: {reason}")

    def publish(self) -> str:
        """Return that a message of this edge went to the broker and came back.

        Raises BrokerUnavailableError with what happened to it instead.
        """
        assert self._link is not None
        said = secrets.token_hex(8).encode()
        sent_at = time.monotonic()
        message_id = self._link.publish(self._own, said, retain=False)
        denied = False
        while (event := self._next(Delivered, Received, Denied, Refused)) is not None:
            match event:
                case Delivered() if event.message_id == message_id and event.refusal:
                    raise BrokerUnavailableError(
                        f"the broker does not let this edge write {self._own} ({event.refusal}): "
                        "see the lines `pattern` of its access list"
                    )
                case Received() if (event.topic, event.payload) == (self._own, said):
                    took_ms = (time.monotonic() - sent_at) * 1000
                    return f"{self._own} went to the broker and came back in {took_ms:.0f} ms"
                case Denied():
                    denied = True
                case Refused():
                    raise BrokerUnavailableError(event.reason)
            if denied and isinstance(event, Delivered):
                return f"the broker took {self._own}; it does not let this edge read it"
        raise BrokerUnavailableError(
            f"what this edge writes to {self._own} does not come back: an access list may drop it"
        )

    def refused(self) -> Iterator[tuple[str, str]]:
        """Yield reasons for which the platform has lately refused measurements, with words."""
        for event in self._heard:
            if isinstance(event, Received) and event.topic == self._address.topic(Leaf.ACK):
                try:
                    ack = decode_ack(event.payload)
                except DataError:
                    continue
                for one in ack.refused or ():
                    tag = f" of {one.tag}" if one.tag else ""
                    detail = f" ({one.detail})" if one.detail else ""
                    yield one.reason, f"{one.count} × {one.reason}{tag}{detail}"

    def close(self) -> None:
        """Leave; nothing stays at the broker."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _next(self, *kinds: type[Event]) -> Event | None:
        """Return the next event of these kinds, None when none comes in time; note all."""
        assert self._link is not None
        until = time.monotonic() + _PATIENCE_S
        while (left := until - time.monotonic()) > 0:
            event = self._link.next_event(left)
            if event is None:
                break
            self._heard.append(event)
            if isinstance(event, kinds):
                return event
        return None
