"""Which broker is connected to next, in which version of MQTT, and after which pause."""

from paho.mqtt.enums import MQTTProtocolVersion

from ingest.broker.mqtt import REFUSALS, Attempts
from ingest.line.connection import Consumer, Endpoint, Line
from ingest.line.packet import Login
from plant.errors import ConfigurationError
from plant.settings import BrokerSettings
from plant.tls import client_context

LONGEST_PACKET = 33_554_432
"""Bytes of a message that is taken whole; of a longer one only its beginning is."""


class Dialling:
    """Makes lines with a session that lasts: to each address in turn until one answers."""

    def __init__(self, settings: BrokerSettings, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._attempts = Attempts(settings.protocol)
        self._addresses = list(settings.addresses)

    @property
    def version(self) -> MQTTProtocolVersion:
        """The version of MQTT to speak."""
        return self._attempts.version

    @property
    def where(self) -> str:
        """The broker in words."""
        host, port = self._addresses[0]
        return f"the MQTT broker at {host}:{port}"

    def line(self, consumer: Consumer) -> Line:
        """Return the next line, which has not connected.

        Raises ConfigurationError when the files of TLS do not serve, and BrokerUnavailableError
        when the own certificate is not valid now.
        """
        tls = self._settings.tls
        host, port = self._addresses[0]
        password = None if self._settings.username is None else self._settings.secret()
        login = Login(
            self._client_id,
            self._settings.keepalive_s,
            lasting=True,
            session_expiry_s=self._settings.session_expiry_s,
            username=self._settings.username,
            password=None if password is None else password.encode(),
        )
        endpoint = Endpoint(
            host,
            port,
            None if tls is None else client_context(tls),
            5 if self.version is MQTTProtocolVersion.MQTTv5 else 4,
            LONGEST_PACKET,
        )
        return Line(endpoint, login, consumer)

    def succeeded(self) -> None:
        """A line stands."""
        self._attempts.succeeded()

    def failed(self, line: Line | None, problem: str) -> str | None:
        """A line ended, or never stood; return why, if that is news.

        Raises ConfigurationError when the broker never let us in, and says that it will not.
        """
        where = self.where
        if line is None:
            return problem if self._attempts.failed_otherwise(problem) else None
        if not line.stands:
            words = REFUSALS.get(line.refused or 0)
            if words is not None and not self._attempts.ever_succeeded:
                raise ConfigurationError(f"{where} {words}")
            if not line.speaks_otherwise:
                self._addresses.append(self._addresses.pop(0))
        return problem if self._attempts.failed(line, problem) else None

    def pause_s(self) -> float:
        """Return how long to wait, longer each time."""
        return self._attempts.pause_s()
