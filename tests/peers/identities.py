"""The identities of a compose stack: authorities, a broker with its very files, edges enrolled."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from nhipmay.authority import create_authority
from plant.identity import Authority, Identity, new_key, serial_of
from plant.settings import BrokerSettings, TlsSettings
from tests.peers.mqtt import patient
from tests.peers.services import BrokerFactory, MosquittoBroker, free_port
from tests.waiting import HANG_S

BROKER = Path(__file__).resolve().parents[2] / "docker/broker"
ACL = (BROKER / "acl").read_text("utf-8")
WITNESS = "witness"
"""A service of the tests only: it hears what edges say, beside the ingest."""
# What the fixture sets itself.
_PLACED = {"log_dest", "log_timestamp_format", "persistence", "persistence_location"}


@dataclass(frozen=True, slots=True)
class Stack:
    """A broker that runs by the compose stack's configuration and start script."""

    secrets: Path
    broker: MosquittoBroker
    edges_port: int
    services_port: int
    administration_port: int

    @property
    def lists(self) -> Path:
        """The folder in which a new revocation list is laid."""
        return self.broker.folder / "lists"

    @property
    def services_pem(self) -> Path:
        """The certificate that says who the platform's servers are."""
        return self.secrets / "authority-services.pem"

    def edges(self) -> Authority:
        return Authority.from_pem((self.secrets / "authority-edges").read_bytes())

    def services(self) -> Authority:
        return Authority.from_pem((self.secrets / "authority-services").read_bytes())

    def name_of(self, service: str) -> str:
        """Return the name in the certificate of a service."""
        return Identity.from_pem((self.secrets / f"tls-{service}").read_bytes()).holder

    def service(self, name: str) -> BrokerSettings:
        """Return how a service of the platform connects, or its administrator."""
        file = self.secrets / f"tls-{name}"
        return self._settings(
            self.administration_port if name == "administrator" else self.services_port, file
        )

    def edge(self, file: Path) -> BrokerSettings:
        """Return how an edge with that identity file connects."""
        return self._settings(self.edges_port, file)

    def _settings(self, port: int, file: Path) -> BrokerSettings:
        tls = TlsSettings(ca_file=self.services_pem, certificate_file=file)
        return BrokerSettings(host="localhost", port=port, tls=tls)


def identity_file(
    folder: Path,
    authority: Authority,
    holder: str,
    *,
    age: timedelta = timedelta(0),
    life: timedelta = timedelta(days=90),
) -> Path:
    """Write key and certificate of a client, issued some time ago, and return the file."""
    key = new_key()
    certificate = authority.for_client(holder, key.public_key(), datetime.now(UTC) - age, life)
    file = folder / f"{holder.replace('/', '.')}-{serial_of(certificate)}.pem"
    file.write_bytes(Identity(key, certificate).to_pem())
    return file


@contextmanager
def stack(mosquitto: BrokerFactory, secrets: Path) -> Iterator[Stack]:
    """Start a broker as compose would, with authorities and certificates of its own."""
    create_authority(secrets, [])
    services = Authority.from_pem((secrets / "authority-services").read_bytes())
    identity_file(secrets, services, WITNESS).rename(secrets / f"tls-{WITNESS}")
    ports = {port: free_port() for port in ("8883", "8884", "8885")}
    lines = []
    for line in (BROKER / "mosquitto.conf").read_text("utf-8").splitlines():
        if not line or line.startswith("#") or line.split()[0] in _PLACED:
            continue
        moved = re.sub(r"/run/secrets|/mosquitto/config|/run/mosquitto", "{folder}", line)
        lines.append(
            re.sub(r"^listener (\d+)", lambda m: f"listener {ports[m[1]]} 127.0.0.1", moved)
        )
    files = {
        name: (secrets / name).read_text("ascii")
        for name in (
            *("authority-edges.pem", "authority-services.pem", "authority-administration.pem"),
            *("tls-broker", "service-names"),
        )
    }
    first = (secrets / "edges-revoked.pem").read_text("ascii")
    script = (BROKER / "start.sh").read_text("utf-8")
    files |= {"edges-revoked.pem": first, "first.pem": first, "start.sh": script}
    rights = f"{ACL}\nuser {WITNESS}\ntopic read nm/v1/#\n"
    # The start script lays the list that counts; the fixture's first start is without it.
    files |= {"rights": rights, "acl": rights}
    broker = mosquitto(settings=lines, files=files)
    # The list has to be there before the first start; from now on the script lays it.
    broker.stop()
    inside = broker.host.seen(broker.folder)
    (broker.folder / "lists").mkdir()
    broker.command = (
        "env",
        f"NHIPMAY_FIRST_LIST={inside}/first.pem",
        f"NHIPMAY_LISTS={inside}/lists",
        f"NHIPMAY_LIST={inside}/edges-revoked.pem",
        f"NHIPMAY_NAMES={inside}/service-names",
        f"NHIPMAY_ACL={inside}/rights",
        f"NHIPMAY_ACL_LAID={inside}/acl",
        *("sh", f"{inside}/start.sh"),
        *broker.command,
    )
    broker.start()
    try:
        yield Stack(secrets, broker, *ports.values())
    finally:
        # The script ends its mosquitto; killed, it could not.
        broker.stop()
        broker.remove()


class Caller:
    """A client with a certificate, of MQTT 5 or 3.1.1, that waits for the broker's answers."""

    def __init__(
        self,
        settings: BrokerSettings,
        client_id: str = "anything",
        *,
        version: str = "5",
        lasting: bool = False,
    ) -> None:
        """Connect; a `lasting` session (of MQTT 5) is there again for the next of its name."""
        five = version == "5"
        self._said: SimpleQueue[str] = SimpleQueue()
        self._heard: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
        self.ended: SimpleQueue[str] = SimpleQueue()
        self._client = patient(
            Client(
                CallbackAPIVersion.VERSION2,
                client_id,
                protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
                reconnect_on_failure=False,
            )
        )
        assert settings.tls is not None
        context = ssl.create_default_context(cafile=settings.tls.ca_file)
        if settings.tls.certificate_file is not None:
            context.load_cert_chain(settings.tls.certificate_file)
        self._client.tls_set_context(context)
        self._client.on_connect = lambda *said: self._said.put(str(said[3]))
        self._client.on_subscribe = lambda *said: self._said.put(str(said[3][0]))
        self._client.on_publish = lambda *said: self._said.put(
            "refused" if said[3].is_failure else "taken"
        )
        self._client.on_message = lambda *said: self._heard.put(
            (said[2].topic, bytes(said[2].payload))
        )
        self._client.on_disconnect = self._on_disconnect
        self._options = SubscribeOptions(qos=1) if five else None
        try:
            if lasting:
                kept = Properties(PacketTypes.CONNECT)
                kept.SessionExpiryInterval = 3600
                self._client.connect(
                    settings.host, settings.port, clean_start=False, properties=kept
                )
            else:
                self._client.connect(settings.host, settings.port)
            self._client.loop_start()
            self.answer = self._said.get(timeout=HANG_S)
        except OSError as exc:
            self.answer = f"no connection: {exc}"

    def _on_disconnect(self, *said: object) -> None:
        self._said.put(f"disconnected: {said[3]}")
        self.ended.put(str(said[3]))

    @property
    def is_in(self) -> bool:
        """Whether the broker accepted the connection."""
        return self.answer == "Success"

    def may_publish(self, topic: str, payload: bytes = b"x") -> bool:
        """Publish, and return whether the broker says that it took the message."""
        assert self.is_in, self.answer
        self._client.publish(topic, payload, qos=1)
        return self._said.get(timeout=HANG_S) == "taken"

    def subscribe(self, topic: str) -> None:
        assert self.is_in, self.answer
        if self._options is None:
            self._client.subscribe(topic, qos=1)
        else:
            self._client.subscribe(topic, options=self._options)
        self._said.get(timeout=HANG_S)

    def hear(self) -> tuple[str, bytes]:
        return self._heard.get(timeout=HANG_S)

    @property
    def has_heard_nothing(self) -> bool:
        return self._heard.empty()

    def forget(self) -> None:
        """Leave nothing of a lasting session at the broker."""
        ended = Properties(PacketTypes.DISCONNECT)
        ended.SessionExpiryInterval = 0
        self._client.disconnect(properties=ended)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
