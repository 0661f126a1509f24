"""Tells an edge what to read from now on: kept in the database, then left at the broker."""

from collections.abc import Iterable
from threading import Event
from typing import Any

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.broker.mqtt import connect, new_client, versions_of
from ingest.settings import IngestSettings
from plant.clock import microseconds
from plant.errors import BrokerUnavailableError, ConfigurationError
from plant.native.message import EdgeAddress, Leaf, config_message, encode
from plant.settings import BrokerSettings
from store.edge.configuration_book import configuration_page

_ANSWER_S = 10.0


def push_configuration(
    settings: IngestSettings,
    edge: EdgeAddress,
    sources: str,
    work_units: Iterable[str],
    who: str,
    why: str,
) -> int:
    """Push sources, which are valid already, to an edge and return their version.

    They are in the database only if the broker has taken them. `work_units` are the paths of the
    machines that their tags belong to.

    Raises:
        ConfigurationError: The edge is not enrolled, a machine does not exist, or the broker does
            not let us.
        TransientError: Broker or database cannot be reached; nothing was pushed.
    """
    now = settings.make_clock()()
    with configuration_page(settings.database, f"{edge.site_path}/{edge.edge}") as page:
        strange = sorted(set(work_units) - page.work_units)
        if strange:
            raise ConfigurationError(
                f"the plant description has no machine {', '.join(strange)}: correct work_unit, "
                "or load the plant description first"
            )
        config = config_message(page.version, sources, microseconds(now))
        page.write(sources, config.sha256, now, who, why)
        broker = settings.broker.shown_by(settings.push_certificate_file)
        _Publication(broker).publish(edge.topic(Leaf.CONFIG), encode(config))
        return page.version


class _Publication:
    """One retained message over a connection of its own."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._where = f"the MQTT broker at {settings.host}:{settings.port}"
        self._answered = Event()
        self._refusal: str | None = None

    def publish(self, topic: str, payload: bytes) -> None:
        """Return once the broker has the message; raise what keeps it from it.

        A broker that speaks only MQTT 3.1.1 confirms also what it throws away for lack of a right.
        """
        for version in versions_of(self._settings.protocol):
            client = self._client(version)
            try:
                if self._connected(client):
                    self._answered.clear()
                    client.publish(topic, payload, qos=1, retain=True)
                    self._await_answer("confirm the message")
                    break
            except (OSError, ValueError) as exc:
                raise BrokerUnavailableError(f"{self._where} cannot be reached: {exc}") from exc
            finally:
                client.disconnect()
                client.loop_stop()
        if self._refusal is not None:
            raise ConfigurationError(f"{self._where} {self._refusal}")

    def _client(self, version: MQTTProtocolVersion) -> Client:
        client = new_client(self._settings, "", version)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = lambda *_: self._answered.set()
        return client

    def _connected(self, client: Client) -> bool:
        """Connect; return False when the broker does not want us or this version."""
        self._refusal = None
        self._answered.clear()
        connect(client, self._settings)
        self._await_answer("answer")
        if not client.is_connected() and self._refusal is None:
            self._refusal = "hung up"
        return self._refusal is None

    def _await_answer(self, what: str) -> None:
        if not self._answered.wait(_ANSWER_S):
            raise BrokerUnavailableError(f"{self._where} does not {what}")

    def _on_connect(
        self,
        _client: Client,
        _userdata: Any,
        _flags: ConnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._refusal = f"refuses the connection ({code}): check the user and its password"
        self._answered.set()

    def _on_publish(
        self,
        _client: Client,
        _userdata: Any,
        _mid: int,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._refusal = f"does not let this user configure edges ({code}): mend its ACL"
        self._answered.set()
