"""MQTT packets: what our own codec says of bytes, whole or in pieces, sound or damaged."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.line import packet
from ingest.line.packet import (
    ConnectAnswer,
    Farewell,
    MalformedPacketError,
    Pong,
    Publish,
    PublishAnswer,
    SubscribeAnswer,
    Version,
)

VERSIONS: list[Version] = [4, 5]


def properties_of(kind: int, **values: object) -> bytes:
    """Return MQTT 5 properties as paho encodes them."""
    properties = Properties(kind)
    for name, value in values.items():
        setattr(properties, name, value)
    return bytes(properties.pack())


def message(
    topic: bytes, payload: bytes, *, head: int = 0x32, number: int = 9, properties: bytes = b""
) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic
    if head & 6:
        body += number.to_bytes(2, "big")
    body += properties + payload
    size, length = len(body), b""
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | (128 if size else 0)])
        if not size:
            return bytes([head]) + length + body


@given(
    version=st.sampled_from(VERSIONS),
    sent=st.lists(
        st.tuples(st.text(max_size=40), st.binary(max_size=300), st.booleans()), max_size=20
    ),
    cuts=st.lists(st.integers(0, 4_000), max_size=10),
)
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    version: Version, sent: list[tuple[str, bytes, bool]], cuts: list[int]
) -> None:
    line = b"".join(
        packet.publish(topic, payload, number, version, retain=retain)
        for number, (topic, payload, retain) in enumerate(sent, 1)
    )
    got: list[Publish] = []
    unread = b""
    edges = [0, *sorted(min(cut, len(line)) for cut in cuts), len(line)]
    for start, stop in pairwise(edges):
        unread += line[start:stop]
        messages, answers, rest, too_long = packet.split(unread, version)
        assert not answers
        assert not too_long
        got += messages
        unread = unread[rest:]
    assert not unread
    assert got == [
        Publish(topic.encode(), payload, number, retain, len(payload))
        for number, (topic, payload, retain) in enumerate(sent, 1)
    ]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_every_length_of_a_length_is_read(size: int) -> None:
    ((got,), _, _, _) = packet.split(message(b"a", bytes(size)), 4)
    assert len(got.payload) == got.size == size


def test_properties_of_a_message_are_passed_over() -> None:
    properties = properties_of(
        PacketTypes.PUBLISH,
        MessageExpiryInterval=60,
        ContentType="application/json",
        CorrelationData=b"\x00\x01",
        UserProperty=[("a", "b"), ("c", "d")],
    )
    ((got,), _, _, _) = packet.split(message(b"t", b"{}", properties=properties), 5)
    assert got == Publish(b"t", b"{}", 9, False, 2)


def test_a_message_of_qos_0_needs_no_acknowledgement() -> None:
    ((got,), _, _, _) = packet.split(message(b"t", b"{}", head=0x31), 4)
    assert got == Publish(b"t", b"{}", 0, True, 2)


@pytest.mark.parametrize("version", VERSIONS)
def test_answers_are_read_between_messages(version: Version) -> None:
    nothing = b"\x00" if version == 5 else b""
    line = (
        message(b"a", b"1", properties=nothing)
        + b"\xd0\x00"
        + b"\x40\x02\x00\x07"
        + bytes([0x90, 4 + len(nothing), 0, 3])
        + nothing
        + b"\x01\x80"
        + message(b"b", b"2", properties=nothing)
    )
    messages, answers, rest, _ = packet.split(line, version)
    assert [one.payload for one in messages] == [b"1", b"2"]
    assert answers == [Pong(), PublishAnswer(7, 0), SubscribeAnswer(3, b"\x01\x80")]
    assert rest == len(line)


def test_the_broker_may_want_another_keepalive_and_fewer_messages_under_way() -> None:
    properties = properties_of(
        PacketTypes.CONNACK,
        ServerKeepAlive=20,
        ReceiveMaximum=7,
        AssignedClientIdentifier="x",
        MaximumQoS=1,
        UserProperty=("a", "b"),
    )
    line = bytes([0x20, 2 + len(properties), 1, 0]) + properties
    _, answers, _, _ = packet.split(line, 5)
    assert answers == [ConnectAnswer(0, True, 20, 7)]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refusal_of_connect_is_read_in_either_version(version: Version) -> None:
    _, answers, _, _ = packet.split(b"\x20\x02\x00\x05", version)
    assert answers == [ConnectAnswer(5, False, None, 65_535)]


def test_a_refused_publication_and_a_farewell_say_so() -> None:
    _, answers, _, _ = packet.split(b"\x40\x04\x00\x07\x87\x00\xe0\x01\x8e", 5)
    assert answers == [PublishAnswer(7, 0x87), Farewell(0x8E)]


def test_of_a_message_that_is_too_long_the_beginning_can_be_read() -> None:
    long = message(b"nm/v1/a/b/c/data", b"x" * 5_000)
    line = message(b"t", b"1") + long
    messages, _, rest, too_long = packet.split(line, 4, 1_000)
    assert [one.payload for one in messages] == [b"1"]
    assert too_long == len(long)
    got = packet.beginning(line[rest : rest + 100], too_long, 4)
    assert (got.topic, got.number, got.size) == (b"nm/v1/a/b/c/data", 9, 5_000)
    assert got.payload == b"x" * (100 - (len(long) - 5_000))


@pytest.mark.parametrize(
    ("version", "line"),
    [
        (4, b"\x32\xff\xff\xff\xff\x01"),  # a length of five bytes
        (4, message(b"t", b"", head=0x34)),  # QoS 2
        (4, message(b"t", b"", number=0)),
        (4, b"\x32\x01\x00"),  # no room for a topic
        (4, b"\x32\x04\x00\x09ab"),  # a topic longer than the packet
        (5, message(b"t", b"", properties=b"\x7f")),  # properties longer than the packet
        (5, message(b"t", b"")),  # no properties at all
        (4, b"\x10\x00"),  # a CONNECT, to a client
        (4, b"\xe0\x00"),  # a DISCONNECT, which 3.1.1 does not send to a client
        (4, b"\x20\x01\x00"),
        (4, b"\x40\x01\x00"),
        (5, b"\x20\x04\x00\x00\x01\x77"),  # a property that there is not
    ],
)
def test_what_no_broker_may_send_is_refused(version: Version, line: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        packet.split(line, version)


@given(version=st.sampled_from(VERSIONS), line=st.binary(max_size=200))
def test_no_bytes_raise_anything_else(version: Version, line: bytes) -> None:
    try:
        _, _, rest, _ = packet.split(line, version, 10_000)
    except MalformedPacketError:
        return
    assert 0 <= rest <= len(line)


def test_damaged_traffic_raises_nothing_else() -> None:
    dice = random.Random(4)
    whole = b"".join(packet.publish("a/b", b"12345", n, 5, retain=False) for n in range(1, 9))
    for _ in range(3_000):
        line = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            line[dice.randrange(len(line))] = dice.randrange(256)
        try:
            packet.split(bytes(line), 5, 10_000)
        except MalformedPacketError:
            continue
