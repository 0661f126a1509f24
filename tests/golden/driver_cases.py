"""Golden cases of edge drivers: what a device said in, readings out.

Values come out as `[tag, source time, value, quality]`, the time in ISO 8601.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from paho.mqtt.client import topic_matches_sub

from edge_agent.drivers import Reading
from edge_agent.drivers.mqtt.message import Message, MessageReader
from edge_agent.drivers.mqtt.settings import MqttSettings
from edge_agent.drivers.mtconnect.document import parse
from edge_agent.drivers.mtconnect.reading import readings, resolved
from edge_agent.drivers.mtconnect.sequence import Cursor, follow
from edge_agent.drivers.mtconnect.settings import MtConnectSettings
from edge_agent.drivers.s7.address import grouped
from edge_agent.drivers.s7.settings import S7Settings
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
        "values": _told(readings(step.fresh, tags)),
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


KINDS = {"mtconnect": _mtconnect, "mqtt": _mqtt, "s7": _s7}
