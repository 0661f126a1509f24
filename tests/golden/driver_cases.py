"""Golden cases of edge drivers: what a device said in, readings out.

Values come out as `[tag, source time, value, quality]`, the time in ISO 8601.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from asyncua import ua
from paho.mqtt.client import topic_matches_sub

from edge_agent.drivers import Reading
from edge_agent.drivers.csv.recording import Recording
from edge_agent.drivers.csv.settings import RecordingSettings
from edge_agent.drivers.modbus.address import Space
from edge_agent.drivers.modbus.rounds import Rounds
from edge_agent.drivers.modbus.settings import ModbusSettings
from edge_agent.drivers.modbus.snapshot import CLOCK_KEY, GroupReading, ReadGroup
from edge_agent.drivers.mqtt.message import Message, MessageReader
from edge_agent.drivers.mqtt.settings import MqttSettings
from edge_agent.drivers.mtconnect.conditions import Conditions
from edge_agent.drivers.mtconnect.document import parse
from edge_agent.drivers.mtconnect.reading import readings, resolved
from edge_agent.drivers.mtconnect.sequence import Cursor, follow
from edge_agent.drivers.mtconnect.settings import MtConnectSettings
from edge_agent.drivers.opcua.reading import (
    Form,
    UnreadableError,
    bad_reading,
    is_waiting,
    overflowed,
    reading_of,
)
from edge_agent.drivers.opcua.settings import OpcUaSettings
from edge_agent.drivers.s7.address import grouped
from edge_agent.drivers.s7.settings import S7Settings
from edge_agent.intake.conversion import converter
from plant.clock import from_microseconds
from plant.errors import DataError

WORK_UNIT = "xuong/chuyen-1/may-1"
ARRIVED_US = 1_772_431_200_000_000
"""2026-03-02T06:00:00Z, when every message of a case arrives."""

Case = Mapping[str, Any]


def _tags(given: Case) -> list[dict[str, Any]]:
    return [{"work_unit": WORK_UNIT, **tag} for tag in given["tags"]]


def _told(taken: Iterable[Reading | None]) -> list[list[object]]:
    return [
        [one.tag, _iso(one.time_us), one.value, one.quality.name.lower()]
        for one in taken
        if one is not None
    ]


def _iso(time_us: int | None) -> str | None:
    return None if time_us is None else from_microseconds(time_us).isoformat()


def _mtconnect(given: Case) -> dict[str, Any]:
    settings = MtConnectSettings.model_validate(
        {"driver": "mtconnect", "url": "http://agent:5000", "tags": _tags(given)}
    )
    probe = parse(given["probe"].encode())
    cursor = Cursor.parse(given["position"])
    assert cursor is not None
    tags, missing = resolved(settings.tags, probe.data_items)
    found: dict[str, Any] = {"missing": sorted(missing.values()), "error": None}
    try:
        document = parse(given["answer"].encode())
        if document.errors:
            return found | {"error": document.errors[0].code}
        step = follow(cursor, document, whole_agent=given.get("whole_agent", True))
    except DataError as exc:
        return found | {"error": exc.reason}
    return found | {
        "values": _told(readings(step.fresh, tags, Conditions())),
        "position": str(step.cursor),
        "lost": step.lost,
        "hole": step.hole,
    }


def _mqtt(given: Case) -> dict[str, Any]:
    settings = MqttSettings.model_validate(
        {
            "driver": "mqtt",
            "client_id": "golden",
            "time": given.get("time"),
            "quality": given.get("quality"),
            "tags": _tags(given),
        }
    )
    latest: dict[str, int] = {}
    reader = MessageReader(settings, topic_matches_sub, latest.get)
    taken: list[Reading] = []
    for message in given["messages"]:
        payload = message["payload"]
        raw = bytes.fromhex(message["hex"]) if payload is None else payload.encode()
        arrived = Message(message["topic"], raw, ARRIVED_US, message.get("retained", False))
        for reading in reader.read(arrived):
            taken.append(reading)
            latest[reading.tag] = max(reading.time_us or 0, latest.get(reading.tag, 0))
    return {
        "values": _told(taken),
        "unreadable": reader.unreadable,
        "problems": reader.problems,
    }


def _s7(given: Case) -> dict[str, Any]:
    settings = S7Settings.model_validate({"driver": "s7", "host": "plc", "tags": _tags(given)})
    memory = bytes.fromhex(given["memory"])
    groups = grouped(
        enumerate(tag.cell for tag in settings.tags), settings.max_gap, given.get("max_bytes", 222)
    )
    values: dict[str, object] = {}
    for group in groups:
        raw = memory[group.start : group.start + group.size]
        for key, cell in group.cells:
            name = settings.tags[key].name
            try:
                values[name] = cell.decode(group.bytes_of(cell, raw), settings.encoding)
            except ValueError as exc:
                values[name] = f"unreadable: {exc}"
    return {"values": values, "reads": [[group.start, group.size] for group in groups]}


def _opcua(given: Case) -> dict[str, Any]:
    settings = OpcUaSettings.model_validate(
        {"driver": "opcua", "endpoint": "opc.tcp://plc", "tags": _tags(given)}
    )
    converters = {tag.name: converter(tag) for tag in settings.tags}
    names = {tag.name: tag for tag in settings.tags}
    told = []
    lost = False
    for sent in given["values"]:
        moment = sent.get("time")
        data = ua.DataValue(
            ua.Variant(sent["value"]),
            ua.StatusCode(ua.UInt32(sent.get("status", 0))),
            # Asyncua gives its fields other types than it takes.
            SourceTimestamp=datetime.fromisoformat(moment) if moment else None,  # type: ignore[arg-type]
        )
        if is_waiting(data):
            continue
        lost = lost or overflowed(data)
        form = Form(names[sent["tag"]].kind == "text")
        try:
            reading = reading_of(sent["tag"], data, form)
        except UnreadableError:
            reading = bad_reading(sent["tag"], data)
        value, quality = converters[reading.tag](reading.value, reading.quality)
        told.append(Reading(reading.tag, value, reading.time_us, quality))
    return {"values": _told(told), "lost": lost}


async def _round(settings: ModbusSettings, read: ReadGroup) -> list[GroupReading]:
    rounds = Rounds(settings).round(read, 0.0)
    return [outcome async for outcome in rounds if isinstance(outcome, GroupReading)]


def _modbus(given: Case) -> dict[str, Any]:
    settings = ModbusSettings.model_validate(
        {"driver": "modbus", "host": "plc", "tags": _tags(given)} | given.get("plc", {})
    )
    registers = {
        int(start) + place: word
        for start, words in given["registers"].items()
        for place, word in enumerate(words)
    }
    reads: list[list[int]] = []

    async def read(_unit: int, _space: Space, start: int, count: int) -> Sequence[int]:
        reads.append([start, count])
        return [registers.get(number, 0) for number in range(start, start + count)]

    values: dict[str, object] = {}
    times = set()
    for reading in asyncio.run(_round(settings, read)):
        times.add(_iso(reading.time_us))
        for key, cell in reading.group.cells:
            if key == CLOCK_KEY:
                continue
            words = reading.group.words_of(cell, reading.words)
            try:
                values[settings.tags[key].name] = cell.decode(words, settings.encoding)
            except ValueError:
                values[settings.tags[key].name] = "unreadable"
    return {"values": values, "reads": reads, "times": sorted(times, key=str)}


def _csv(given: Case) -> dict[str, Any]:
    settings = RecordingSettings.model_validate(
        {"time_column": "Time", "tags": _tags(given)} | given.get("layout", {})
    )
    converters = {tag.name: converter(tag) for tag in settings.tags}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "recorded.csv")
        file.write_bytes(given["file"].encode(settings.encoding))
        recording = Recording(file, settings)
        chunk = recording.chunk(1_000)
        recording.close()
    assert chunk is not None
    told = []
    for reading in chunk.readings:
        value, quality = converters[reading.tag](reading.value, reading.quality)
        told.append(Reading(reading.tag, value, reading.time_us, quality))
    return {"values": _told(told), "unreadable": chunk.unreadable}


KINDS = {
    "csv": _csv,
    "modbus": _modbus,
    "mqtt": _mqtt,
    "mtconnect": _mtconnect,
    "opcua": _opcua,
    "s7": _s7,
}
