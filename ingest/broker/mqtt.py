"""MQTT by paho, for what needs a connection for a moment; and how to connect next, by whatever."""

from typing import Literal, Protocol

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from plant.backoff import Backoff
from plant.settings import BrokerSettings
from plant.tls import client_context

REFUSALS = {
    0x85: "refuses the client id",
    0x86: "refuses the user name or password",
    0x87: "does not let this user in",
    0x8A: "has banned this client",
}
_CONNECT_S = 10.0
_HANG_UPS = 2
"""Without an answer, in a row, before another version is tried."""
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


def versions_of(protocol: Literal["auto", "5", "3.1.1"]) -> list[MQTTProtocolVersion]:
    """Return the versions of MQTT to try, in order."""
    return {
        "auto": [MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311],
        "5": [MQTTProtocolVersion.MQTTv5],
        "3.1.1": [MQTTProtocolVersion.MQTTv311],
    }[protocol]


def new_client(settings: BrokerSettings, client_id: str, version: MQTTProtocolVersion) -> Client:
    """Return a client that has not connected; it never connects again by itself."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if version is MQTTProtocolVersion.MQTTv5 else True,
        protocol=version,
        reconnect_on_failure=False,
    )
    client.connect_timeout = _CONNECT_S
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.secret())
    return client


def connect(client: Client, settings: BrokerSettings) -> None:
    """Send CONNECT; the client's thread hears the answer.

    Raises OSError or ValueError when there is nothing to connect to, BrokerUnavailableError and
    ConfigurationError when the files of TLS do not serve.
    """
    if settings.tls is not None:
        client.tls_set_context(client_context(settings.tls))
    *others, last = settings.addresses
    for host, port in others:
        try:
            client.connect(host, port, settings.keepalive_s)
        except OSError:
            continue
        client.loop_start()
        return
    client.connect(*last, settings.keepalive_s)
    client.loop_start()


class Ended(Protocol):
    """A connection that ended, or never stood."""

    @property
    def speaks_otherwise(self) -> bool:
        """The broker did not understand this version of the protocol."""

    @property
    def hung_up(self) -> bool:
        """It ended before any answer: it may know only the other version, or be about to end."""


class Attempts:
    """How to connect next, of someone who never gives up: which version, and after which pause."""

    def __init__(self, protocol: Literal["auto", "5", "3.1.1"]) -> None:
        self._versions = versions_of(protocol)
        self._accepted: set[MQTTProtocolVersion] = set()
        self._hang_ups = 0
        self._guessed = False
        """That the broker knows only this version is no more than a guess."""
        self._backoff = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        self._outage: str | None = None

    @property
    def version(self) -> MQTTProtocolVersion:
        """The version to speak."""
        return self._versions[0]

    @property
    def ever_succeeded(self) -> bool:
        """Whether a connection ever stood."""
        return bool(self._accepted)

    def succeeded(self) -> None:
        """A connection stands."""
        self._accepted.add(self.version)
        self._hang_ups, self._outage = 0, None
        self._backoff.reset()

    def failed(self, connection: Ended, problem: str) -> bool:
        """A connection ended or never stood; return whether that is news."""
        self._hang_ups += connection.hung_up
        # A broker that goes down hangs up as well: one that understood this version is asked again.
        misheard = self._hang_ups >= _HANG_UPS and self.version not in self._accepted
        if connection.speaks_otherwise or misheard:
            self._try_the_other()
            self._guessed = misheard and self.version is MQTTProtocolVersion.MQTTv311
        elif self._guessed and self.version in self._accepted:
            # It may only have been about to come up: under the older version a denied publish
            # looks like one that was taken.
            self._try_the_other()
            self._guessed = False
        return self.failed_otherwise(problem)

    def _try_the_other(self) -> None:
        self._versions.append(self._versions.pop(0))
        self._hang_ups = 0

    def failed_otherwise(self, problem: str) -> bool:
        """There was no connection at all; return whether that is news."""
        known, self._outage = self._outage, problem
        return problem != known

    def pause_s(self) -> float:
        """Return how long to wait, longer each time."""
        return self._backoff.next_pause()
