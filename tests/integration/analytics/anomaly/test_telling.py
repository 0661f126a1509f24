"""Limits, silence and messages on a real database, to a real web server and mail server."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from analytics.anomaly.notice.telling import judge_limits, tell
from analytics.anomaly.watch.settings import AnomalySettings, MailSettings
from plant.settings import BrokerSettings, DatabaseSettings
from store.anomaly import limit as limit_store
from store.anomaly.limit import ChannelSaid, LimitSaid
from tests.peers.mqtt import patient
from tests.peers.services import MosquittoBroker
from tests.plants.figure_plant import at
from tests.plants.watched_plant import WatchedPlant, readings
from tests.waiting import HANG_S, wait_until

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class Hook(HTTPServer):
    """A web server that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204


class _Answering(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Post(socketserver.TCPServer):
    """A mail server that takes one letter after the other."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.got: list[str] = []


class _Taking(socketserver.StreamRequestHandler):
    server: Post

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        letter: list[str] | None = None
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            if letter is not None:
                if line != ".":
                    letter.append(line)
                    continue
                self.server.got.append("\n".join(letter))
                letter = None
            elif line.upper() == "DATA":
                letter = []
                self.wfile.write(b"354 go on\r\n")
                continue
            elif line.upper() == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 ok\r\n")


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[WatchedPlant]:
    found = WatchedPlant(database)
    yield found
    found.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    with serving(server):
        yield server


def settings(**more: object) -> AnomalySettings:
    return AnomalySettings(networks=(ip_network("127.0.0.0/8"),), **more)  # type: ignore[arg-type]


def channel(plant: WatchedPlant, kind: str, target: str, **changes: object) -> None:
    (row,) = plant.rows("select site_id from edge")
    said = {
        "site_id": row["site_id"],
        "kind": kind,
        "target": target,
        "secret": "s3cret",
        "least_severity": 0.0,
        "quiet_from": None,
        "quiet_to": None,
        "escalate_after_s": None,
        "repeat_after_s": 0.0,
    }
    limit_store.add_channel(plant.connection, ChannelSaid(**said | changes), at(0), "an")


def limited(plant: WatchedPlant) -> None:
    """Let the oil be too warm from half an hour to an hour, with a limit that says so."""
    said = LimitSaid(plant.unit_id, "cua/oil", "high", 45.0, 2.0, 60.0, 60.0, "high", [])
    limit_store.add_limit(plant.connection, said, at(0), "an")
    times, values = readings(1.5)
    values[180:360, 2] += 10
    plant.say(times, values)


def test_a_limit_tells_a_webhook_once_with_a_signature_and_again_when_it_is_over(
    plant: WatchedPlant, hook: Hook
) -> None:
    limited(plant)
    channel(plant, "webhook", f"http://127.0.0.1:{hook.server_port}/x")
    for now in (at(0.25), at(0.75), at(0.8)):
        judge_limits(plant.connection, now)
        tell(plant.connection, settings(), now)
    (told,) = hook.got
    assert told[0]["webhook-signature"].startswith("v1,")
    content = json.loads(told[1])
    assert content["type"] == "anomaly.opened"
    assert content["data"]["causes"][0]["expected"] == 45.0

    judge_limits(plant.connection, at(1.5))
    assert tell(plant.connection, settings(), at(1.5)) == {"sent": 1}
    assert json.loads(hook.got[-1][1])["type"] == "anomaly.closed"
    (row,) = plant.rows("select start_time, end_time from anomaly_event where kind = 'limit'")
    assert row["start_time"] == at(0.5) + timedelta(seconds=10)
    assert row["end_time"] == at(1.0) + timedelta(seconds=10)


def test_what_cannot_be_sent_is_tried_again_and_what_nobody_looks_at_escalates(
    plant: WatchedPlant, hook: Hook
) -> None:
    limited(plant)
    post = Post()
    with serving(post):
        mail = MailSettings(
            host="127.0.0.1", port=post.server_address[1], sender="nhipmay@x.vn", encryption=False
        )
        channel(plant, "webhook", f"http://127.0.0.1:{hook.server_port}/x")
        channel(plant, "email", "quan-doc@x.vn", escalate_after_s=600.0)
        hook.status = 503
        judge_limits(plant.connection, at(0.6))
        assert tell(plant.connection, settings(mail=mail), at(0.6)) == {"failed": 1}
        assert post.got == []
        hook.status = 204
        judge_limits(plant.connection, at(0.8))
        assert tell(plant.connection, settings(mail=mail), at(0.8)) == {"sent": 2}
    (letter,) = post.got
    assert "To: quan-doc@x.vn" in letter
    (row,) = plant.rows("select attempts, last_error from anomaly_message where step = 'opened'")
    assert row["attempts"] == 1


def test_a_webhook_into_the_own_network_is_refused_unless_it_is_named(
    plant: WatchedPlant, hook: Hook
) -> None:
    limited(plant)
    channel(plant, "webhook", f"http://127.0.0.1:{hook.server_port}/x")
    judge_limits(plant.connection, at(0.6))

    assert tell(plant.connection, AnomalySettings(), at(0.6)) == {"refused": 1}
    assert hook.got == []


def listening(broker: MosquittoBroker, topic: str) -> tuple[Client, list[MQTTMessage]]:
    got: list[MQTTMessage] = []
    heard = threading.Event()
    client = patient(Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5))
    client.on_message = lambda _client, _data, message: got.append(message)
    client.on_subscribe = lambda *_: heard.set()
    client.on_connect = lambda one, *_: one.subscribe(topic, 1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert heard.wait(HANG_S)
    return client, got


def test_mqtt_is_told_as_the_other_channels_with_quiet_hours_maintenance_and_escalation(
    plant: WatchedPlant, broker: MosquittoBroker
) -> None:
    limited(plant)
    to = settings(mqtt=BrokerSettings(host="127.0.0.1", port=broker.port))
    channel(plant, "mqtt", "ca-truc/may-cua")
    # Until the middle of the event, in the plant's own time of day.
    quiet = {
        "quiet_from": at(0.1).astimezone(ZONE).time(),
        "quiet_to": at(0.7).astimezone(ZONE).time(),
    }
    channel(plant, "mqtt", "yen-tinh", **quiet)
    channel(plant, "mqtt", "quan-doc", escalate_after_s=1200.0)
    channel(plant, "mqtt", "nham/#")
    client, got = listening(broker, "alarms/#")

    def topics() -> list[str]:
        return sorted(one.topic.rpartition("/")[2] for one in got)

    judge_limits(plant.connection, at(0.6))
    assert tell(plant.connection, to, at(0.6)) == {"sent": 1, "later": 1, "refused": 1}
    assert tell(plant.connection, to, at(0.61)) == {}
    wait_until(lambda: topics() == ["may-cua"])
    (first,) = got
    content = json.loads(first.payload)
    assert (
        first.topic == f"alarms/{'/'.join(content['data']['place'].split('/')[:2])}/ca-truc/may-cua"
    )
    assert content["type"] == "anomaly.opened"
    assert content["id"].startswith(content["data"]["event"])

    plant.connection.execute(
        "insert into planned_maintenance (site_id, number, place_id, start_time, end_time)"
        " select site_id, 'bt-1', %s, %s, %s from edge",
        [plant.unit_id, at(0.7), at(0.84)],
    )
    assert tell(plant.connection, to, at(0.75)) == {"later": 1}
    assert tell(plant.connection, to, at(0.9)) == {"sent": 2}
    wait_until(lambda: topics() == ["may-cua", "quan-doc", "yen-tinh"])

    judge_limits(plant.connection, at(1.5))
    assert tell(plant.connection, to, at(1.5)) == {"sent": 3}
    wait_until(lambda: len(got) == 6)
    assert {json.loads(one.payload)["type"] for one in got[3:]} == {"anomaly.closed"}
    client.disconnect()
    client.loop_stop()


def test_a_broker_that_is_away_is_tried_again(plant: WatchedPlant, broker: MosquittoBroker) -> None:
    limited(plant)
    to = settings(mqtt=BrokerSettings(host="127.0.0.1", port=broker.port))
    channel(plant, "mqtt", "may-cua")
    broker.stop()
    judge_limits(plant.connection, at(0.6))

    assert tell(plant.connection, to, at(0.6)) == {"failed": 1}
    broker.start()
    assert tell(plant.connection, to, at(0.7)) == {"sent": 1}
    (row,) = plant.rows("select attempts, sent_at from anomaly_message")
    assert (row["attempts"], row["sent_at"]) == (1, at(0.7))
