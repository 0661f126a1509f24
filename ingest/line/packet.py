"""MQTT packets as bytes, versions 3.1.1 and 5: what a consumer sends and what it may be sent.

Pure: bytes in, tuples out. Sources: the OASIS standards MQTT 3.1.1 and MQTT 5.0, whose section
numbers stand beside what is not obvious.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple

Version = Literal[4, 5]
"""The protocol level on the wire: 4 is MQTT 3.1.1."""

LARGEST = 268_435_455
"""The longest rest of a packet that its length can say."""


class MalformedPacketError(Exception):
    """The broker sent what is no packet of this protocol, or none that a consumer is sent."""


class Kind(IntEnum):
    """What a packet is: the upper half of its first byte."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


class Publish(NamedTuple):
    """A message as it came."""

    topic: bytes
    payload: bytes
    number: int
    """To be acknowledged with; 0 of QoS 0."""
    retained: bool
    size: int
    """Bytes of the payload, of which only the beginning is here if it was too long."""
    duplicate: bool = False
    """The broker says that it may have been delivered before."""


class ConnectAnswer(NamedTuple):
    """The broker's CONNACK."""

    code: int
    """0 when it was accepted."""
    session_present: bool
    keepalive_s: int | None
    """What the broker wants instead of what was asked for."""
    receive_maximum: int
    """How many messages of QoS 1 may be on their way to the broker."""


class SubscribeAnswer(NamedTuple):
    """The broker's SUBACK or UNSUBACK."""

    number: int
    codes: bytes
    """For each filter the granted QoS, or 128 and more for a refusal; empty for an UNSUBACK of
    MQTT 3.1.1."""


class PublishAnswer(NamedTuple):
    """The broker's PUBACK."""

    number: int
    code: int
    """128 and more for a refusal; always 0 in MQTT 3.1.1."""


class Pong(NamedTuple):
    """The broker's PINGRESP."""


class Farewell(NamedTuple):
    """The broker's DISCONNECT, of MQTT 5."""

    code: int


Answer = ConnectAnswer | SubscribeAnswer | PublishAnswer | Pong | Farewell


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker is to say, retained, when a connection ends without a farewell."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Login:
    """What a CONNECT says."""

    client_id: str
    keepalive_s: int
    lasting: bool
    """The broker keeps the session, and what arrives for it, while nobody is connected."""
    session_expiry_s: int = 0
    """For how long, where the protocol can say so."""
    username: str | None = None
    password: bytes | None = None
    receive_maximum: int = 65_535
    """How many unacknowledged messages the broker may send."""
    will: Will | None = None


def connect(login: Login, version: Version) -> bytes:
    """Return a CONNECT."""
    flags = 0 if login.lasting else 0x02
    if login.username is not None:
        flags |= 0x80
    if login.password is not None:
        flags |= 0x40
    if login.will is not None:
        # Of QoS 1, and retained.
        flags |= 0x2C
    body = _text("MQTT") + bytes([version, flags]) + struct.pack("!H", login.keepalive_s)
    if version == 5:
        properties = struct.pack("!BH", 0x21, login.receive_maximum)
        if login.lasting:
            properties += struct.pack("!BI", 0x11, login.session_expiry_s)
        body += _length(len(properties)) + properties
    body += _text(login.client_id)
    if login.will is not None:
        body += b"\x00" if version == 5 else b""
        body += _text(login.will.topic) + _bytes(login.will.payload)
    if login.username is not None:
        body += _text(login.username)
    if login.password is not None:
        body += _bytes(login.password)
    return _packet(Kind.CONNECT << 4, body)


def subscribe(number: int, filters: Sequence[str], version: Version) -> bytes:
    """Return a SUBSCRIBE for QoS 1."""
    properties = b"\x00" if version == 5 else b""
    body = b"".join(_text(one) + b"\x01" for one in filters)
    return _packet(Kind.SUBSCRIBE << 4 | 2, struct.pack("!H", number) + properties + body)


def unsubscribe(number: int, filters: Sequence[str], version: Version) -> bytes:
    """Return an UNSUBSCRIBE."""
    properties = b"\x00" if version == 5 else b""
    body = b"".join(_text(one) for one in filters)
    return _packet(Kind.UNSUBSCRIBE << 4 | 2, struct.pack("!H", number) + properties + body)


def publish(topic: str, payload: bytes, number: int, version: Version, *, retain: bool) -> bytes:
    """Return a PUBLISH of QoS 1, or of QoS 0 if it has no number."""
    properties = b"\x00" if version == 5 else b""
    numbered = struct.pack("!H", number) if number else b""
    head = Kind.PUBLISH << 4 | (2 if number else 0) | retain
    return _packet(head, _text(topic) + numbered + properties + payload)


def pubacks(numbers: Iterable[int]) -> bytes:
    """Return a PUBACK for each number, in one piece."""
    return b"".join([b"\x40\x02" + number.to_bytes(2, "big") for number in numbers])


class Parts(NamedTuple):
    """What stands in a piece of what was received."""

    messages: list[Publish]
    answers: list[Answer]
    rest: int
    """Where the first packet begins that is not whole."""
    too_long: int
    """How many bytes that packet has, if it is longer than can be waited for; else 0."""


def split(  # noqa: PLR0912 - all that is done for each message, in one place and without calls
    data: bytes, version: Version, longest: int = LARGEST
) -> Parts:
    """Return the packets that stand whole in `data`.

    The order of messages is kept, and that of answers; none of these changes what a message means.
    A packet of more than `longest` bytes is not waited for, and ends the work. Raises
    MalformedPacketError for what no broker may send.
    """
    messages: list[Publish] = []
    answers: list[Answer] = []
    at, end = 0, len(data)
    five = version == 5
    from_bytes = int.from_bytes
    while end - at >= 2:
        head = data[at]
        # Nearly every packet has a length of one or two bytes.
        size = data[at + 1]
        body = at + 2
        if size > 127:
            if end > body and data[body] < 128:
                size, body = size & 127 | data[body] << 7, body + 1
            elif (found := _long_length(data, at + 1)) is not None:
                size, body = found
            else:
                break
            if size > longest:
                return Parts(messages, answers, at, body - at + size)
        stop = body + size
        if stop > end:
            break
        if head >> 4 == 3:
            # In line: a call for each message would cost as much as all of this.
            start = body + 2 + from_bytes(data[body : body + 2], "big")
            topic = data[body + 2 : start]
            number = 0
            if head & 6:
                number = from_bytes(data[start : start + 2], "big")
                start += 2
            if five:
                if start < stop and not data[start]:
                    start += 1
                else:
                    start = _skip_properties(data, start, stop)
            # Nothing is subscribed with QoS 2, so the broker may not send any (MQTT 5, 3.8.4).
            if start > stop or (head & 6 and (head & 4 or not number)):
                raise MalformedPacketError("a PUBLISH that contradicts itself")
            messages.append(
                Publish(topic, data[start:stop], number, head & 1 == 1, stop - start, head & 8 == 8)
            )
        else:
            answers.append(_answer(head, data[body:stop], version))
        at = stop
    return Parts(messages, answers, at, 0)


def beginning(data: bytes, size: int, version: Version) -> Publish:
    """Return the message of `size` bytes, head included, of which `data` is only the beginning.

    Raises MalformedPacketError when it is no message, or topic and properties are not all there.
    """
    if data[0] >> 4 != Kind.PUBLISH:
        raise MalformedPacketError(f"a packet of {size} bytes that is no message")
    found = _long_length(data, 1)
    if found is None:
        raise MalformedPacketError("a message without a beginning")
    # The length is cut to what is here, so that it reads as a whole one.
    body = data[found[1] :]
    ((message,), _, _, _) = split(_packet(data[0], body), version)
    return message._replace(size=size - found[1] - (len(body) - len(message.payload)))


def _answer(head: int, body: bytes, version: Version) -> Answer:
    try:
        match head:
            case 0x20:
                return _connect_answer(body, version)
            case 0x40:
                code = body[2] if version == 5 and len(body) > 2 else 0
                return PublishAnswer(_number(body), code)
            case 0x90 | 0xB0:
                start = _skip_properties(body, 2, len(body)) if version == 5 else 2
                return SubscribeAnswer(_number(body), body[start:])
            case 0xD0:
                return Pong()
            case 0xE0 if version == 5:
                return Farewell(body[0] if body else 0)
    except IndexError:
        pass
    raise MalformedPacketError(f"a packet that begins with {head:#04x} and cannot be read")


def _connect_answer(body: bytes, version: Version) -> ConnectAnswer:
    if version == 4 or len(body) < 3:
        return ConnectAnswer(body[1], bool(body[0] & 1), None, 65_535)
    keepalive_s, receive_maximum = None, 65_535
    at = 2
    size, at = _checked_length(body, at)
    stop = at + size
    while at < stop:
        name = body[at]
        at += 1
        if name == 0x13:
            keepalive_s = _number(body, at)
        elif name == 0x21:
            receive_maximum = _number(body, at)
        at = _after_property(name, body, at)
    return ConnectAnswer(body[1], bool(body[0] & 1), keepalive_s, receive_maximum)


# How long the value of each property is (MQTT 5, 2.2.2.2); text and pairs say it themselves.
_FIXED = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4),
}
_TEXTS = frozenset({0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F})
_PAIR = 0x26


def _after_property(name: int, body: bytes, at: int) -> int:
    if name in _FIXED:
        return at + _FIXED[name]
    if name in _TEXTS:
        return at + 2 + _number(body, at)
    if name == _PAIR:
        at += 2 + _number(body, at)
        return at + 2 + _number(body, at)
    raise MalformedPacketError(f"an unknown property {name:#04x}")


def _number(body: bytes, at: int = 0) -> int:
    if at + 2 > len(body):
        raise IndexError
    return int.from_bytes(body[at : at + 2], "big")


def _skip_properties(data: bytes, at: int, stop: int) -> int:
    """Return where the properties that begin at `at` have ended."""
    try:
        size, at = _checked_length(data, at)
    except IndexError as exc:
        raise MalformedPacketError("properties that do not end") from exc
    if at + size > stop:
        raise MalformedPacketError("properties that do not end")
    return at + size


def _checked_length(data: bytes, at: int) -> tuple[int, int]:
    found = _long_length(data, at)
    if found is None:
        raise IndexError
    return found


def _long_length(data: bytes, at: int) -> tuple[int, int] | None:
    """Return the variable-length number at `at` and where it ends; None if it is not all there."""
    value = 0
    for shift, byte in zip((0, 7, 14, 21), data[at : at + 4], strict=False):
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        if shift == 21:
            raise MalformedPacketError("a length of more than four bytes")
    return None


def _packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + _length(len(body)) + body


def _length(size: int) -> bytes:
    if size > LARGEST:
        raise ValueError(f"{size} bytes are more than a packet can hold")
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | (128 if size else 0))
        if not size:
            return bytes(encoded)


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _bytes(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data
