"""Messages by MQTT: to a topic of the site's own, acknowledged by the broker."""

import json
import ssl
from collections.abc import Callable

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from plant.errors import TransientError
from plant.settings import BrokerSettings
from plant.tls import client_context

ROOT = "alarms"
"""All topics begin with it and the site's path: no channel can speak as an edge, or to one."""
_UNACCEPTABLE = frozenset("+#\0")


def topic_of(place: str, target: str) -> str | None:
    """Return the topic of a channel by the path of the machine; None where there cannot be one."""
    enterprise, _, rest = place.partition("/")
    site = rest.partition("/")[0]
    parts = target.split("/")
    if not site or not all(parts) or any(part.startswith("$") for part in parts):
        return None
    topic = f"{ROOT}/{enterprise}/{site}/{target}"
    return None if _UNACCEPTABLE & set(topic) or len(topic.encode()) > 1000 else topic


def publish(broker: BrokerSettings, topic: str, content: bytes, timeout_s: float) -> None:
    """Publish at least once (QoS 1); TransientError when no broker has taken it in time.

    Of several addresses the first that answers is used.
    """
    reasons = []
    for host, port in broker.addresses:
        reason = _published(broker, host, port, topic, content, timeout_s)
        if reason is None:
            return
        reasons.append(f"{host}:{port} {reason}")
    raise TransientError(f"no MQTT broker took it: {'; '.join(reasons)}")


def _published(
    broker: BrokerSettings, host: str, port: int, topic: str, content: bytes, timeout_s: float
) -> str | None:
    """Return why a broker did not take it."""
    older = broker.protocol == "3.1.1"
    client = Client(
        CallbackAPIVersion.VERSION2,
        protocol=MQTTProtocolVersion.MQTTv311 if older else MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
    )
    client.connect_timeout = timeout_s
    if broker.tls is not None:
        client.tls_set_context(client_context(broker.tls))
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.secret())
    refused: list[str] = []
    client.on_connect = _remembering(refused)
    try:
        client.connect(host, port, broker.keepalive_s)
    except (OSError, ssl.SSLError) as exc:
        return f"cannot be reached: {exc}"
    taken: list[ReasonCode] = []
    client.on_publish = lambda _c, _u, _m, code, _p: taken.append(code)
    client.loop_start()
    try:
        info = client.publish(topic, content, qos=1)
        reason = _waited(info, timeout_s)
    finally:
        client.disconnect()
        client.loop_stop()
    if refused:
        return refused[0]
    if reason is None and taken and taken[0].is_failure:
        return f"refused it: {taken[0]}"
    return reason


def _remembering(refused: list[str]) -> Callable[..., None]:
    def connected(
        _client: object, _data: object, _flags: object, code: ReasonCode, _: object
    ) -> None:
        if code.is_failure:
            refused.append(f"refused the connection: {code}")

    return connected


def _waited(info: MQTTMessageInfo, timeout_s: float) -> str | None:
    if info.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
        return f"could not be sent: {info.rc.name}"
    try:
        info.wait_for_publish(timeout_s)
    except (RuntimeError, ValueError) as exc:
        return f"could not be sent: {exc}"
    return None if info.is_published() else "did not acknowledge it"


def payload(name: str, step: str, event: dict[str, object]) -> bytes:
    """Return what a message says: as a webhook's, with its name, the same when repeated."""
    content = {"id": name, "type": f"anomaly.{step}", "data": event}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
