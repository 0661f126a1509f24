"""Sparkplug topics and the STATE message."""

import pytest

from plant.errors import ConfigurationError, DataError
from plant.sparkplug import (
    Address,
    MessageType,
    NodeId,
    State,
    checked_id,
    decode_state,
    encode_state,
    parse_topic,
    state_topic,
)

NODE = NodeId("Nhà máy A", "Gateway 1")


@pytest.mark.parametrize(
    ("kind", "device"),
    [
        (MessageType.NBIRTH, None),
        (MessageType.NDATA, None),
        (MessageType.NDEATH, None),
        (MessageType.NCMD, None),
        (MessageType.DBIRTH, "CNC 1"),
        (MessageType.DDATA, "CNC 1"),
        (MessageType.DDEATH, "CNC 1"),
        (MessageType.DCMD, "CNC 1"),
    ],
)
def test_a_topic_says_what_it_was_made_of(kind: MessageType, device: str | None) -> None:
    """tck-id-topic-structure, tck-id-topics-nbirth-topic, tck-id-topics-ndata-topic,
    tck-id-topics-ndeath-topic, tck-id-topics-ncmd-topic, tck-id-topics-dbirth-topic,
    tck-id-topics-ddata-topic, tck-id-topics-ddeath-topic, tck-id-topics-dcmd-topic,
    tck-id-topic-structure-namespace-a"""
    topic = NODE.topic(kind, device)
    assert topic.startswith("spBv1.0/")
    assert parse_topic(topic) == Address(kind, NODE, device)


@pytest.mark.parametrize(
    "topic",
    [
        "spAv1.0/g/NBIRTH/n",
        "spBv1.0/g/NBIRTH/n/d",
        "spBv1.0/g/DBIRTH/n",
        "spBv1.0/g/XBIRTH/n",
        "spBv1.0/STATE/host",
        "spBv1.0/g/NDATA/",
        "spBv1.0/g/DDATA/n/d/e",
        "",
    ],
)
def test_other_topics_are_refused(topic: str) -> None:
    """tck-id-topic-structure-namespace-device-id-associated-message-types"""
    with pytest.raises(DataError, match="bad_topic"):
        parse_topic(topic)


@pytest.mark.parametrize("name", ["", "a/b", "a+", "#", "STATE", "a\0"])
def test_an_id_is_refused_when_it_cannot_stand_in_a_topic(name: str) -> None:
    """tck-id-topic-structure-namespace-valid-group-id,
    tck-id-topic-structure-namespace-valid-edge-node-id,
    tck-id-topic-structure-namespace-valid-device-id, tck-id-intro-group-id-chars,
    tck-id-intro-edge-node-id-chars, tck-id-intro-device-id-chars"""
    with pytest.raises(ConfigurationError):
        checked_id(name)


def test_a_state_message_is_json_with_two_facts() -> None:
    """tck-id-host-topic-phid-birth-topic, tck-id-host-topic-phid-birth-payload"""
    assert state_topic("nhipmay") == "spBv1.0/STATE/nhipmay"
    assert encode_state(State(True, 5)) == b'{"online":true,"timestamp":5}'
    assert decode_state(b'{"timestamp": 5, "online": true, "more": 1}') == State(True, 5)


@pytest.mark.parametrize("payload", [b"ONLINE", b"{}", b'{"online": 1, "timestamp": 2}', b"\xff"])
def test_a_state_message_of_another_version_is_refused(payload: bytes) -> None:
    with pytest.raises(DataError, match="malformed"):
        decode_state(payload)
