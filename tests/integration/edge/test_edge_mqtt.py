"""The MQTT driver against mosquitto: every message once, also when an acknowledgement was lost."""

import asyncio
import json
from typing import Any

import pytest

from plant.clock import microseconds
from plant.measurement import Quality
from tests.integration.edge.driving import until, with_driver
from tests.integration.edge.old_broker import UNSUPPORTED_VERSION, OldBroker
from tests.integration.edge.plants import UNIT, at, publish
from tests.peers.services import BrokerFactory, MosquittoBroker
from tests.unit.edge_agent.intake.inlets import RecordingInlet

TEMPERATURE = "lo-1/temperature"
TEXT = {"name": TEMPERATURE, "work_unit": UNIT, "topic": "lo-1/nhiet-do"}
JSON = {
    "name": TEMPERATURE,
    "work_unit": UNIT,
    "topic": "lo-1/nhiet-do",
    "path": "v",
    "time": {"path": "t"},
}


def source(port: int, *tags: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "driver": "mqtt",
        "broker": {"port": port, **more.pop("login", {})},
        "client_id": "edge-1-lo",
        "timeout_s": 30,
        "tags": list(tags),
        **more,
    }


def reading(value: object, second: int) -> str:
    return json.dumps({"v": value, "t": at(second).isoformat()})


class StuckInlet(RecordingInlet):
    """Takes readings, but tells of no write: the driver is cut off before it acknowledges."""

    def __init__(self, *, durable: bool) -> None:
        super().__init__()
        self._durable = durable
        self.stuck = asyncio.Event()

    async def written(self) -> bool:
        self.stuck.set()
        if not self._durable:
            return False
        await asyncio.Event().wait()
        return True


async def subscribed(inlet: RecordingInlet) -> None:
    """Wait until the broker has answered the first probe, which follows the subscription."""
    await until(lambda: inlet.sampled_us, "the subscription")


def test_messages_come_with_their_own_time_or_that_of_their_arrival(
    broker: MosquittoBroker,
) -> None:
    inlet = RecordingInlet()
    raw = {"name": "lo-1/pressure", "work_unit": UNIT, "topic": "lo-1/ap-suat"}

    async def scenario() -> None:
        await subscribed(inlet)
        await asyncio.to_thread(publish, broker, "lo-1/nhiet-do", reading(71.5, 4))
        await asyncio.to_thread(publish, broker, "lo-1/ap-suat", "2 of 5")
        await asyncio.to_thread(publish, broker, "lo-1/ap-suat", " 2.5 ")
        await until(lambda: 2.5 in inlet.values("lo-1/pressure"), "the values")

    with_driver(source(broker.port, JSON, raw), inlet, scenario)
    assert [one[1:] for one in inlet.readings if one.tag == TEMPERATURE] == [
        (71.5, microseconds(at(4)), Quality.GOOD)
    ]
    # What is no number stays as it was, for the platform to reject with its raw form.
    assert inlet.values("lo-1/pressure") == ["2 of 5", 2.5]
    times = [one.time_us for one in inlet.readings if one.tag == "lo-1/pressure"]
    assert None not in times
    assert len(set(times)) == 2


def test_what_came_while_the_edge_was_away_is_delivered_when_it_is_back(
    broker: MosquittoBroker,
) -> None:
    inlet = RecordingInlet()

    async def nothing() -> None:
        await subscribed(inlet)

    async def all_of_it() -> None:
        await until(lambda: len(inlet.values(TEMPERATURE)) == 50, "the messages")

    with_driver(source(broker.port, TEXT), inlet, nothing)
    for value in range(50):
        publish(broker, "lo-1/nhiet-do", str(value))
    with_driver(source(broker.port, TEXT), inlet, all_of_it)
    assert inlet.values(TEMPERATURE) == list(range(50))


@pytest.mark.parametrize("durable", [False, True])
def test_a_message_counts_once_when_its_acknowledgement_was_never_sent(
    broker: MosquittoBroker, durable: bool
) -> None:
    inlet = StuckInlet(durable=durable)

    async def cut_off() -> None:
        await subscribed(inlet)
        await asyncio.to_thread(publish, broker, "lo-1/nhiet-do", "17")
        await until(inlet.stuck.is_set, "the message")

    with_driver(source(broker.port, TEXT), inlet, cut_off)
    assert inlet.values(TEMPERATURE) == [17]
    # A row that is durable was kept together with the position, one that is not without it.
    after = RecordingInlet(inlet.kept_position if durable else None)

    async def again() -> None:
        await asyncio.to_thread(publish, broker, "lo-1/nhiet-do", "18")
        await until(lambda: 18 in after.values(TEMPERATURE), "the next message")

    with_driver(source(broker.port, TEXT), after, again)
    assert after.values(TEMPERATURE) == ([18] if durable else [17, 18])


def test_a_retained_message_is_left_out_unless_its_own_time_is_newer(
    broker: MosquittoBroker,
) -> None:
    publish(broker, "lo-1/nhiet-do", reading(70, 10), retain=True)
    publish(broker, "lo-1/ap-suat", "2.5", retain=True)
    raw = {"name": "lo-1/pressure", "work_unit": UNIT, "topic": "lo-1/ap-suat"}
    inlet = RecordingInlet()

    async def first() -> None:
        await until(lambda: inlet.values(TEMPERATURE), "the retained value")
        await asyncio.to_thread(publish, broker, "lo-1/nhiet-do", reading(71, 20))
        await until(lambda: 71 in inlet.values(TEMPERATURE), "the live value")

    async def second() -> None:
        await subscribed(inlet)
        await asyncio.to_thread(publish, broker, "lo-1/nhiet-do", reading(72, 30))
        await until(lambda: 72 in inlet.values(TEMPERATURE), "the next live value")

    with_driver(source(broker.port, JSON, raw), inlet, first)
    inlet.sampled_us.clear()
    with_driver(source(broker.port, JSON, raw), inlet, second)
    assert inlet.values(TEMPERATURE) == [70, 71, 72]
    assert inlet.values("lo-1/pressure") == []


def test_nothing_is_lost_or_doubled_when_the_broker_restarts(broker: MosquittoBroker) -> None:
    inlet = RecordingInlet()

    async def scenario() -> None:
        await subscribed(inlet)
        for value in range(20):
            await asyncio.to_thread(publish, broker, "lo-1/nhiet-do", str(value))
        await asyncio.to_thread(broker.restart)
        for value in range(20, 40):
            await asyncio.to_thread(publish, broker, "lo-1/nhiet-do", str(value))
        await until(lambda: 39 in inlet.values(TEMPERATURE), "the messages")

    with_driver(source(broker.port, TEXT), inlet, scenario)
    assert inlet.values(TEMPERATURE) == list(range(40))
    assert inlet.problems[-1] == ()


def test_the_driver_speaks_an_older_protocol_when_the_broker_knows_no_mqtt_5(
    broker: MosquittoBroker,
) -> None:
    inlet = RecordingInlet()
    with OldBroker(broker.port, UNSUPPORTED_VERSION) as old:

        async def scenario() -> None:
            await subscribed(inlet)
            await asyncio.to_thread(publish, broker, "lo-1/nhiet-do", "5")
            await until(lambda: inlet.values(TEMPERATURE), "the message")

        with_driver(source(old.port, TEXT), inlet, scenario)
        assert old.versions[-1] == 4


def test_a_wrong_password_is_named_when_the_broker_refuses_it(
    mosquitto: BrokerFactory,
) -> None:
    closed = mosquitto(passwords={"lo": "right"})
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.problems, "the report")

    login = {"username": "lo", "password": "wrong"}
    with_driver(source(closed.port, TEXT, login=login), inlet, scenario)
    closed.remove()
    assert "the broker refuses the connection" in inlet.problems[0][0]


def test_a_denied_topic_is_named_while_the_others_run(mosquitto: BrokerFactory) -> None:
    guarded = mosquitto(
        settings=["acl_file {folder}/acl"], files={"acl": "topic readwrite lo-1/nhiet-do\n"}
    )
    denied = {"name": "lo-1/pressure", "work_unit": UNIT, "topic": "lo-1/ap-suat"}
    inlet = RecordingInlet()

    async def scenario() -> None:
        await subscribed(inlet)
        await asyncio.to_thread(publish, guarded, "lo-1/nhiet-do", "5")
        await until(lambda: inlet.values(TEMPERATURE), "the message")

    with_driver(source(guarded.port, TEXT, denied), inlet, scenario)
    guarded.remove()
    assert inlet.values(TEMPERATURE) == [5]
