"""What is fuzzed: each decoder with the promises that must hold for any bytes whatever.

A target returns whether the bytes were accepted. It never raises: what the decoder may raise by its
contract counts as refused, and anything else is a finding. The property tests use the same targets.
"""

import asyncio
import math
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from paho.mqtt.client import topic_matches_sub

from edge_agent.configuration import checked_sources
from edge_agent.drivers.csv.recording import Recording
from edge_agent.drivers.csv.settings import RecordingSettings
from edge_agent.drivers.modbus.address import Cell as ModbusCell
from edge_agent.drivers.modbus.address import parse_address, parse_type
from edge_agent.drivers.modbus.coding import Order as ModbusOrder
from edge_agent.drivers.mqtt.message import Message as MqttMessage
from edge_agent.drivers.mqtt.message import MessageReader
from edge_agent.drivers.mqtt.settings import MqttSettings
from edge_agent.drivers.mtconnect.conditions import Conditions
from edge_agent.drivers.mtconnect.document import parse
from edge_agent.drivers.mtconnect.http import Answer
from edge_agent.drivers.mtconnect.multipart import MAX_HEADER_BYTES, PartReader
from edge_agent.drivers.mtconnect.reading import readings, resolved
from edge_agent.drivers.mtconnect.sequence import Cursor, follow
from edge_agent.drivers.mtconnect.settings import MtConnectSettings
from edge_agent.drivers.polled import LinkLostError
from edge_agent.drivers.s7.address import Area, Group
from edge_agent.drivers.s7.address import Cell as S7Cell
from edge_agent.drivers.s7.link import S7Link
from edge_agent.drivers.s7.settings import S7Settings
from edge_agent.drivers.tag import TagSettings
from edge_agent.intake.conversion import converter
from edge_agent.settings import EdgeSettings
from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel
from ingest.decoding.parcel import RefusedParcel
from ingest.line import packet
from ingest.settings import LimitSettings
from plant.clock import microseconds
from plant.errors import ConfigurationError, DataError
from plant.measurement import Quality
from plant.native import message as native
from plant.sparkplug import state, wire
from plant.sparkplug.message import Metric, Payload

Feed = Callable[[bytes], bool]

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
NOW_US = microseconds(NOW)
UNIT = "gia-cong/day-chuyen-1/cnc-1"
TOPIC = "nm/v1/co-khi-mau/bien-hoa/edge-1"
XML = (
    b'<MTConnectStreams xmlns="urn:mtconnect.org:MTConnectStreams:1.7"><Header instanceId="7" '
    b'creationTime="2026-03-02T06:00:00Z" firstSequence="1" lastSequence="6" nextSequence="7"/>'
    b'<Streams><DeviceStream name="c"><ComponentStream component="L">'
    b'<Samples><Position dataItemId="x" sequence="5" timestamp="2026-03-02T06:00:00.1Z">1.5'
    b'</Position></Samples><Condition><Fault dataItemId="c" sequence="6" nativeCode="4" '
    b'timestamp="2026-03-02T06:00:01Z">Oil</Fault></Condition></ComponentStream></DeviceStream>'
    b"</Streams></MTConnectStreams>"
)
ERROR = (
    b'<MTConnectError><Header instanceId="7"/><Errors><Error errorCode="OUT_OF_RANGE">old</Error>'
    b"</Errors></MTConnectError>"
)
PROBE = (
    b'<MTConnectDevices><Header instanceId="7"/><Devices><Device><DataItem id="x" name="X"/>'
    b"</Device></Devices></MTConnectDevices>"
)


@dataclass(frozen=True, slots=True)
class Target:
    """One decoder."""

    feed: Feed
    seeds: tuple[bytes, ...]
    """Inputs to begin with, all of them accepted."""
    longest: int = 4096
    """Bytes of an input at most."""
    words: tuple[bytes, ...] = ()
    """What inputs of this kind are made of."""
    findings: tuple[bytes, ...] = ()
    """Inputs that once broke a promise, and are refused now."""


def _tag(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "work_unit": UNIT, **more}


_CONVERTERS = [
    converter(TagSettings.model_validate(_tag("cnc-1/n", scale=0.1))),
    converter(TagSettings.model_validate(_tag("cnc-1/s", role="state", states={6: "EXECUTE"}))),
]


def _must_fit_the_wire(value: object, quality: Quality, time_us: int | None) -> None:
    """Whatever a driver reads, the outbox and the wire must be able to carry it."""
    assert time_us is None or abs(time_us) < 2**62
    for convert in _CONVERTERS:
        converted, worst = convert(value, quality)
        assert converted is None or isinstance(converted, int | float | str)
        assert not isinstance(converted, float) or math.isfinite(converted)
        assert worst >= quality
        if isinstance(converted, str):
            converted.encode("utf-8")
            assert len(converted) <= 4000
        if isinstance(converted, int):
            assert -(2**63) <= converted < 2**63


# --- the wire ---


def _native(decode: Callable[[bytes], Any]) -> Feed:
    def feed(data: bytes) -> bool:
        try:
            message = decode(data)
        except DataError as exc:
            assert exc.detail
            return False
        assert decode(native.encode(message)) == message
        return True

    return feed


def _parcel(leaf: str) -> Feed:
    limits = LimitSettings()

    def feed(data: bytes) -> bool:
        parcel = open_parcel(Message(f"{TOPIC}/{leaf}", data, NOW), limits)
        if isinstance(parcel, RefusedParcel):
            assert parcel.reason
            return False
        return True

    return feed


def _sparkplug(data: bytes) -> bool:
    try:
        payload = wire.decode(data)
    except DataError as exc:
        assert exc.detail
        return False
    wire.encode(payload)
    return True


def _sparkplug_state(data: bytes) -> bool:
    try:
        found = state.decode_state(data)
    except DataError:
        return False
    assert state.decode_state(state.encode_state(found)) == found
    return True


# --- MTConnect ---

_MTCONNECT = MtConnectSettings.model_validate(
    {
        "driver": "mtconnect",
        "url": "http://agent:5000",
        "tags": [
            _tag("cnc-1/x", data_item="x"),
            _tag("cnc-1/c", data_item="c", value_type="text", condition="text"),
        ],
    }
)


def _mtconnect_document(data: bytes) -> bool:
    try:
        document = parse(data)
    except DataError as exc:
        assert exc.reason == "malformed"
        assert exc.detail
        return False
    tags, missing = resolved(_MTCONNECT.tags, document.data_items)
    assert len(missing) + sum(map(len, tags.values())) == len(_MTCONNECT.tags)
    try:
        step = follow(Cursor(document.instance, 5), document, whole_agent=True)
    except DataError:
        return True
    assert step.lost >= 0
    assert step.hole >= 0
    by_id = {"x": [_MTCONNECT.tags[0]], "c": [_MTCONNECT.tags[1]]}
    for reading in readings(step.fresh, by_id, Conditions()):
        if reading is not None:
            _must_fit_the_wire(reading.value, reading.quality, reading.time_us)
    return True


def _mtconnect_stream(data: bytes) -> bool:
    """The first byte says how the rest is cut."""
    size = (data[0] if data else 0) + 1
    reader = PartReader(b"b", 1000)
    parts: list[bytes] = []
    try:
        for start in range(1, len(data), size):
            parts += reader.feed(data[start : start + size])
            kept = len(reader._buffer)
            assert kept <= max(1000, MAX_HEADER_BYTES) + 2 * size
    except DataError as exc:
        assert exc.reason == "malformed"
        return False
    assert all(len(part) <= 1000 for part in parts)
    return bool(parts)


_LOOP = asyncio.new_event_loop()


def _mtconnect_http(data: bytes) -> bool:
    async def read() -> bytes:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        answer = Answer(reader)
        answer.request("/probe", "agent:5000")
        await answer.read_head()
        return b"".join([chunk async for chunk in answer.chunks()])

    try:
        content = _LOOP.run_until_complete(read())
    except DataError as exc:
        assert exc.reason == "malformed"
        return False
    assert len(content) <= len(data)
    return True


# --- MQTT devices ---

_MQTT = MqttSettings.model_validate(
    {
        "driver": "mqtt",
        "client_id": "fuzz",
        "time": {"path": "t", "format": "ms"},
        "max_message_bytes": 4000,
        "tags": [
            _tag("cnc-1/a", topic="t", path="a.b.0"),
            _tag("cnc-1/b", topic="t", path="/a", value_type="text"),
            _tag("cnc-1/c", topic="t", value_type="text"),
            _tag("cnc-1/d", topic="t"),
            _tag("cnc-1/e", topic="t", path="v", time={"path": "t", "time_zone": "Asia/Tokyo"}),
            _tag("cnc-1/f", topic="t", path="v", time={"path": "n.s", "format": "ns"}),
        ],
    }
)


def _mqtt_message(data: bytes) -> bool:
    reader = MessageReader(_MQTT, topic_matches_sub, lambda _tag: NOW_US)
    taken = reader.read(MqttMessage("t", data, NOW_US, bool(data) and data[0] == 0))
    for reading in taken:
        _must_fit_the_wire(reading.value, reading.quality, reading.time_us)
    assert taken or reader.unreadable or reader.problems or data[:1] == b"\0"
    return bool(taken)


# --- controllers ---

_S7 = S7Settings.model_validate(
    {"driver": "s7", "host": "plc", "tags": [_tag("cnc-1/x", address="DB1.DBD0")]}
)


class _Silent:
    """A connection that takes everything and says nothing."""

    def write(self, _data: bytes) -> None:
        pass

    async def drain(self) -> None:
        pass


def _s7_answer(data: bytes) -> bool:
    """What a controller answers to a read of four bytes; the request's number is filled in."""
    from snap7.async_client import AsyncISOTCPConnection

    link = S7Link(_S7)
    client: Any = link._client

    async def read() -> bytes:
        reader = asyncio.StreamReader()
        raw = bytearray(data)
        if len(raw) >= 13:
            raw[11:13] = struct.pack(">H", client.protocol.sequence + 1)
        reader.feed_data(bytes(raw))
        reader.feed_eof()
        connection: Any = AsyncISOTCPConnection("plc")
        connection._reader, connection._writer = reader, _Silent()
        connection.connected = True
        client.connection, client.connected = connection, True
        return await link.read(Group(Area.DATA_BLOCK, 1, 0, 4, ()))

    try:
        return len(_LOOP.run_until_complete(read())) == 4
    except (DataError, LinkLostError) as exc:
        assert str(exc)
        return False


_S7_KINDS = (
    "byte", "sint", "word", "int", "dword", "dint", "lint", "ulint", "real", "lreal", "bool",
    "string[10]", "string",
)  # fmt: skip
_MODBUS_KINDS = (
    "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string[5]",
    "string[20]", "float16", "int8", "uint8h", "bcd16", "bcd64",
)  # fmt: skip


def _s7_cell(data: bytes) -> bool:
    kind = _S7_KINDS[data[0] % len(_S7_KINDS)] if data else "byte"
    cell = S7Cell.parse("DB1.DBX0.0", kind)
    raw = data[1 : 1 + cell.size].ljust(cell.size, b"\0")
    try:
        value = cell.decode(raw, "utf-8" if data[-1:] > b"\x7f" else "latin-1")
    except ValueError:
        return False
    _must_fit_the_wire(value, Quality.GOOD, NOW_US)
    return True


def _modbus_cell(data: bytes) -> bool:
    kind = _MODBUS_KINDS[data[0] % len(_MODBUS_KINDS)] if data else "int16"
    space, number, bit = parse_address("hr:0")
    order = list(ModbusOrder)[data[-1] % 4 if data else 0]
    cell = ModbusCell.make(space, number, bit, parse_type(kind), 1, order)
    size = 2 * cell.coding.width
    words = struct.unpack(f">{cell.coding.width}H", data[1 : 1 + size].ljust(size, b"\0"))
    try:
        value = cell.decode(words)
    except ValueError:
        return False
    _must_fit_the_wire(value, Quality.GOOD, NOW_US)
    return True


# --- files ---

_CSV = RecordingSettings.model_validate(
    {
        "time_column": "t",
        "tags": [_tag("cnc-1/a", column="a"), _tag("cnc-1/b", column="b", value_type="text")],
    }
)
_CSV_FILE = Path(gettempdir()) / f"nhipmay-fuzz-{os.getpid()}.csv"


def _csv_recording(data: bytes) -> bool:
    _CSV_FILE.write_bytes(data)
    try:
        recording = Recording(_CSV_FILE, _CSV)
    except ConfigurationError:
        return False
    try:
        while chunk := recording.chunk(10):
            for reading in chunk.readings:
                _must_fit_the_wire(reading.value, reading.quality, reading.time_us)
    except ConfigurationError:
        return False
    finally:
        recording.close()
    return True


_EDGE = EdgeSettings.model_validate(
    {
        "edge": {"enterprise": "e", "site": "s", "code": "c"},
        "outbox": {"file": "o.sqlite"},
        "sources": {
            "a": {
                "driver": "modbus",
                "host": "plc",
                "tags": [_tag("cnc-1/x", address="hr:1")],
            }
        },
    }
)


def _configuration(data: bytes) -> bool:
    try:
        settings = checked_sources(data.decode("utf-8", "replace"), _EDGE)
    except ConfigurationError as exc:
        assert str(exc)
        return False
    assert settings.edge == _EDGE.edge
    assert settings.declarations()
    return True


_TAGS = b'[{"name":"cnc-1/x","work_unit":"e/s/a/l/c","role":"state","value_type":"text"}]'
_DATA = (
    b'{"schema":1,"epoch":"4f","first_id":41,"last_id":42,"sent_us":5,"tags":["a","b"],'
    b'"tag":[0,1],"time_us":[1,2],"value":[1.5,"R"],"quality":[0,2]}'
)
_BIRTH = b'{"schema":1,"epoch":"4f","agent_version":"1","sent_us":5,"tags":' + _TAGS + b"}"
_STATUS = (
    b'{"schema":1,"online":true,"epoch":"4f","sent_us":5,"issued_id":9,"pending":2,"dropped":2,'
    b'"dropped_ranges":[[1,2]],"unreachable":["a"],"config_version":3}'
)
_PAYLOAD = Payload(
    timestamp=5,
    seq=3,
    metrics=[Metric(name="a", alias=1, timestamp=5, datatype=10, value=1.5)],
)
_ACK = b'{"schema":1,"epoch":"4f","committed_to":43,"sent_us":5}'
_SOURCES = (
    "sources:\n  a:\n    driver: s7\n    host: plc\n    tags:\n"
    "    - {name: cnc-1/x, work_unit: a/b/c, address: DB1.DBD0, type: real}\n"
)
_S7_ANSWER = bytes.fromhex("0300001d02f0803203000000010002000800000401ff0400203f800000")
_CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"4\r\n<a/>\r\n0\r\n\r\n"
)


def _line(data: bytes) -> bool:
    """What a broker sends means the same wherever the network cuts it; the first byte tells where.

    Anything else than packets is refused as such.
    """
    if not data:
        return False
    version: packet.Version = 5 if data[0] & 1 else 4
    line, cut = data[1:], data[0] >> 1
    whole = _packets_of((line,), version)
    assert _packets_of((line[:cut], line[cut:]), version) == whole
    return whole is not None and bool(whole[0] or whole[1])


def _packets_of(
    pieces: tuple[bytes, ...], version: packet.Version
) -> tuple[list[packet.Publish], list[packet.Answer]] | None:
    messages: list[packet.Publish] = []
    answers: list[packet.Answer] = []
    unread = b""
    try:
        for piece in pieces:
            unread += piece
            parts = packet.split(unread, version, longest=1_000)
            unread = unread[parts.rest :]
            messages += parts.messages
            answers += parts.answers
            assert parts.too_long == 0 or parts.too_long > 1_000
    except packet.MalformedPacketError:
        return None
    return messages, answers


_VERSIONS: tuple[packet.Version, ...] = (4, 5)
_LINES = tuple(
    bytes([2 * cut + (version == 5)])
    + packet.publish("nm/v1/a/b/c/data", b"{}", 7, version, retain=True)
    + packet.publish("spBv1.0/G/DDATA/N/D", b"\x08\x01", 0, version, retain=False)
    + b"\x40\x02\x00\x07\xd0\x00"
    for version in _VERSIONS
    for cut in (3, 40)
)
_JSON_WORDS = tuple(
    b'null true false {} [] "" -1 1e999 9223372036854775808 0.5 "schema":2 \\ud800 \\u0000'.split()
)
_YAML_FINDINGS = (b"s? sces:\n0 a:\n !!timestamp  ource\xff\xff ss:\n    dr  ",)
_XML_WORDS = (
    b"<!DOCTYPE a [", b"<!ENTITY b 'c'>", b"&b;", b"<![CDATA[", b"]]>", b"<?xml version='1.0'?>",
    b"<Samples>", b"</Samples>", b"<Events>", b"<Condition>", b"<Entry key='k'>", b"<Header ",
    b"<DataItem ", b"<Errors>", b"errorCode='OUT_OF_RANGE'", b"UNAVAILABLE", b" sequence='1'",
    b" timestamp='0001-01-01'", b" dataItemId='x'", b"xmlns='urn:x'",
)  # fmt: skip
_YAML_WORDS = (
    b"&a ", b"*a", b"<<: ", b"!!python/name:os.system", b"!!binary ", b"!!timestamp ", b"? ",
    b"- ", b"{", b"[", b"---\n", b"driver: mqtt", b"driver: opcua", b"0x1", b"1_0:59",
    b"9999-99-99", b"|\n",
)  # fmt: skip

TARGETS: dict[str, Target] = {
    "native-data": Target(_native(native.decode_data), (_DATA,), words=_JSON_WORDS),
    "native-birth": Target(_native(native.decode_birth), (_BIRTH,), words=_JSON_WORDS),
    "native-status": Target(_native(native.decode_status), (_STATUS,), words=_JSON_WORDS),
    "native-ack": Target(_native(native.decode_ack), (_ACK,), words=_JSON_WORDS),
    "native-config": Target(
        _native(native.decode_config), (native.encode(native.config_message(3, _SOURCES, 5)),)
    ),
    "ingest-data": Target(_parcel(native.Leaf.DATA), (_DATA,), words=_JSON_WORDS),
    "ingest-birth": Target(_parcel(native.Leaf.BIRTH), (_BIRTH,), words=_JSON_WORDS),
    "ingest-status": Target(_parcel(native.Leaf.STATUS), (_STATUS,), words=_JSON_WORDS),
    "ingest-values": Target(
        _parcel(native.Leaf.VALUES),
        (b'{"ts":1772431200,"a":{"b":[1,null]},"s":"R"}', b'[{"time":"2026-03-02T06:00Z","v":1}]'),
        words=_JSON_WORDS,
    ),
    "ingest-line": Target(_line, _LINES),
    "sparkplug-payload": Target(_sparkplug, (wire.encode(_PAYLOAD),)),
    "sparkplug-state": Target(_sparkplug_state, (b'{"online":true,"timestamp":5}',)),
    "mtconnect-document": Target(_mtconnect_document, (XML, ERROR, PROBE), words=_XML_WORDS),
    "mtconnect-stream": Target(
        _mtconnect_stream,
        (b"\x07" + b"--b\r\nContent-type: text/xml\r\nContent-length: 4\r\n\r\n<a/>\r\n" * 2,),
    ),
    "mtconnect-http": Target(
        _mtconnect_http, (_CHUNKED, b"HTTP/1.0 404 No\r\nContent-Length: 4\r\n\r\n<a/>")
    ),
    "mqtt-message": Target(
        _mqtt_message,
        (b'{"a":{"b":[1]},"v":2.5,"t":1772431200000,"n":{"s":"1772431200000000000"}}', b"21.5"),
        words=_JSON_WORDS,
    ),
    "s7-answer": Target(_s7_answer, (_S7_ANSWER,), 256),
    "s7-cell": Target(_s7_cell, (b"\x0b\x0a\x05LSX17", b"\x09@\x09!\xfbTD-\x18"), 300),
    "modbus-cell": Target(_modbus_cell, (b"\x06\x3f\x80\x00\x00", b"\x08LSX17"), 64),
    "csv-recording": Target(
        _csv_recording, (b"t,a,b\n2026-03-02T06:00:00,1.5,RUN\n2026-03-02T06:00:01,,\n",)
    ),
    "configuration": Target(
        _configuration, (_SOURCES.encode(),), 2000, _YAML_WORDS, _YAML_FINDINGS
    ),
}
"""Every decoder, by the name that the command takes."""
