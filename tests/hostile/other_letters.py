"""What devices with plain JSON, Sparkplug nodes and an ERP of another enterprise may send."""

import copy
import random
from dataclasses import replace
from typing import Any

from ingest.decoding.message import Message
from plant.native.message import Leaf
from plant.sparkplug import DataType, MessageType, Metric, NodeId
from tests.damage import damaged
from tests.hostile.letter import (
    DEVICE_EDGE,
    NODE_EDGE,
    SITE,
    Author,
    Letter,
    Making,
    Part,
    edge,
    row_of,
)
from tests.hostile.native_letters import GRINDER, ODD_NAMES, ODD_TIMES, ODD_VALUES, birth, dumped
from tests.peers.sparkplug_nodes import DEVICE, NODE, NOTE, TEMPERATURE, NodeScript, with_
from tests.plants.mes_documents import SAMPLES

# --- plain JSON ---


def device_birth(author: Author) -> Letter:
    return birth(author, DEVICE_EDGE, GRINDER)


def _values(kind: str, said: object, parts: list[Part] | None, code: str = DEVICE_EDGE) -> Letter:
    told = None if parts is None else tuple(parts)
    return Letter(kind, edge(code).topic(Leaf.VALUES), dumped(said), told)


def device_values(author: Author, code: str = DEVICE_EDGE) -> list[Letter]:
    letters = []
    for _ in range(5):
        at, number, text = author.time_us(), author.value(), author.text()
        said = {"ts": at, "nhiet-do": number, "ghi-chu": text}
        parts = [
            Part(row_of(f"{code}/nhiet-do", at, number, 0)),
            Part(row_of(f"{code}/ghi-chu", at, text, 0)),
        ]
        letters.append(_values("device values", said, parts, code))
    return letters


def odd_values(author: Author) -> list[Letter]:
    """Nothing of these is sure but that they are told whole where they are not stored."""
    at = author.time_us()
    wide = {f"f{k}": k for k in range(author.many(12_000))}
    flat = b'{"ts":%d,"a":%s%s}' % (at, b"[" * 50_000, b"]" * 50_000)
    odd: list[object] = [
        {"ts": author.one_of(ODD_TIMES), "nhiet-do": author.value()},
        {"nhiet-do": author.value()},
        {"ts": at, "x" * 10_000: author.value()},
        {"ts": at, "": "", "\0": "\0", str(author.one_of(ODD_NAMES)): 1},
        {"ts": at} | wide,
        [{"ts": author.time_us(), "nhiet-do": author.one_of(ODD_VALUES)} for _ in range(20)],
        [],
        "text",
        {"ts": at, "nhan-chung": {"nhiet-do": author.value()}},
    ]
    letters = [
        Letter("odd values", edge(DEVICE_EDGE).topic(Leaf.VALUES), dumped(one), ())
        for one in [odd[int(k)] for k in author.random.permutation(len(odd))[:4]]
    ]
    return [*letters, Letter("odd values", edge(DEVICE_EDGE).topic(Leaf.VALUES), flat)]


# --- Sparkplug ---

_TAG_NUMBER, _TAG_TEXT = "cua/temperature", "cua/note"


def _node_script(author: Author) -> NodeScript:
    script = NodeScript(bd_seq=author.below(256))
    script.at_ms = author.time_us() // 1000
    return script


def _heard(kind: str, message: Message, parts: list[Part] | None) -> Letter:
    told = None if parts is None else tuple(parts)
    return Letter(kind, message.topic, message.payload, told, qos=0)


def _number(script: NodeScript, author: Author, alias: int = 1) -> tuple[Metric, Part]:
    value = author.value()
    metric = script.value(alias, value)
    assert metric.timestamp is not None
    return metric, Part((_TAG_NUMBER, metric.timestamp * 1000, value, 0))


def _session(script: NodeScript, author: Author, *, swapped: bool = False) -> list[Letter]:
    """The births of a session; with swapped aliases where that is wanted."""
    first, last = (4, 1) if swapped else (1, 4)
    number, text = author.value(), author.text()
    born = script.node_birth(bd_seq=(script.bd_seq + 1) % 256)
    at_us = script.at_ms * 1000
    metrics = [
        with_(TEMPERATURE, alias=first, value=number, timestamp=script.at_ms),
        with_(NOTE, alias=last, value=text, timestamp=script.at_ms),
    ]
    parts = [Part((_TAG_NUMBER, at_us, number, 0)), Part((_TAG_TEXT, at_us, text, 0))]
    return [_heard("births", born, []), _heard("births", script.device_birth(metrics), parts)]


def node_session(author: Author) -> list[Letter]:
    script = _node_script(author)
    letters = _session(script, author)
    for _ in range(author.many(40)):
        metric, part = _number(script, author)
        letters.append(_heard("node data", script.data(metric), [part]))
    if author.below(2):
        letters += _session(script, author, swapped=True)
        metric, part = _number(script, author, alias=4)
        letters.append(_heard("node data", script.data(metric), [part]))
    if author.below(2):
        letters.append(_heard("node death", script.node_death(), []))
    return letters


def node_disorder(author: Author) -> list[Letter]:
    """Data before the births, out of order, twice, with gaps: in the end rows, or raw."""
    script = _node_script(author)
    # What an alias means before the births is for an earlier session to say.
    early, _ = _number(script, author)
    before = _heard("odd node", script.data(early), [])
    letters = _session(script, author)
    told = []
    for _ in range(12):
        metric, part = _number(script, author)
        told.append(_heard("node disorder", script.data(metric), [part]))
    order = [int(k) for k in author.random.permutation(12)]
    return [before, *letters, *[told[k] for k in order[: 8 + author.below(5)]], told[order[0]]]


def odd_nodes(author: Author) -> list[Letter]:
    script = _node_script(author)
    letters = _session(script, author)
    choice = random.Random(author.below(2**32))
    big = "ữ" * author.many(200_000)
    odd = [
        Metric(name="x", datatype=DataType.STRING, value=big),
        Metric(name="\0", datatype=DataType.STRING, value="\0"),
        Metric(name="x" * 10_000, datatype=DataType.DOUBLE, value=1e308),
        Metric(name="temperature", datatype=DataType.STRING, value="khác"),
        Metric(name="temperature", alias=2**63, datatype=DataType.DOUBLE, value=1.0),
        Metric(alias=99, datatype=DataType.DOUBLE, value=1.0),
        Metric(name="t", datatype=DataType.DATE_TIME, value=2**64 - 1, timestamp=2**63),
    ]
    for metric in (odd[int(k)] for k in author.random.permutation(len(odd))[:4]):
        kind = author.one_of((MessageType.DDATA, MessageType.DBIRTH, MessageType.NBIRTH))
        device = None if kind is MessageType.NBIRTH else DEVICE
        letters.append(_heard("odd node", script.message(kind, [metric], device), []))
    # Nothing is known of what damage makes of a payload: it may be another good one.
    for _ in range(10):
        metric, _part = _number(script, author)
        message = script.data(metric)
        letters.append(
            Letter("odd node", message.topic, damaged(message.payload, choice), (), qos=0)
        )
    strange = NodeId("x" * 2000, "\U0001f5ff" * 500)
    for kind in (MessageType.NBIRTH, MessageType.NDATA):
        payload = script.message(kind, []).payload
        letters.append(Letter("odd node", strange.topic(kind), payload, (), qos=0))
    letters.append(Letter("odd node", NODE.topic(MessageType.DDATA, DEVICE), b"", (), qos=0))
    return letters


# --- MES over MQTT ---

# What makes a document another one, so that its event can be found by a number.
_KEYS = {
    "products": "code",
    "planned-run-times": "source",
    "orders": "number",
    "lots": "number",
    "rotations": "name",
    "planned-maintenance": "number",
    "stop-reasons": "code",
    "scrap-reasons": "code",
    "rework-reasons": "code",
    "inspections": "number",
    "scrap-bookings": "number",
    "energy-meters": "code",
    "holidays": "name_vi",
    "shifts": "breaks",
    "routings": "seconds",
    "oee-targets": "planned_oee",
}


def _document(kind: str, number: int) -> dict[str, Any]:
    document = copy.deepcopy(SAMPLES[kind])
    days, hour = divmod(number, 24)
    day = f"20{27 + days // 336 % 60}-{days // 28 % 12 + 1:02}-{days % 28 + 1:02}"
    key: object = f"s-{number}"
    if kind == "shifts":
        key = [document["breaks"][0] | {"name": key}]
    elif kind == "routings":
        key = number
    elif kind == "oee-targets":
        # Nine digits, so that none is a zero at the end, which nobody writes.
        key = (10 * number + 1) / 1e9
    elif kind == "holidays":
        document["day"] = day
    if "valid_from" in document and kind != "shifts":
        document["valid_from"] = f"{day}T{hour:02}:00:00+07:00"
    if kind == "rotations":
        document["valid_from"] = day
    return document | {_KEYS[kind]: key}


def _letter(
    kind: str, document_kind: str, content: object, event: str = "", *, retain: bool = False
) -> Letter:
    topic = f"nm/v1/{SITE}/mes/{document_kind}"
    parts = () if event else None
    return Letter(kind, topic, dumped(content), parts, event, retain=retain)


def documents(author: Author) -> list[Letter]:
    letters = []
    for _ in range(4):
        kind, number = author.one_of(list(_KEYS)), author.number()
        letters.append(_letter("document", kind, [_document(kind, number)], str(number)))
    return letters


def odd_documents(author: Author) -> list[Letter]:
    kind, number = author.one_of(list(_KEYS)), author.number()
    plain = _document(kind, number)
    field = author.one_of(list(plain))
    deep = b'{"documents":' + b"[" * author.many(50_000) + str(number).encode()
    odd = [
        _letter("odd document", kind, [plain | {_KEYS[kind]: "\U0001f5ff" * 1000}, number]),
        # Around a code they are nothing, within it no code.
        _letter("odd document", kind, [plain | {_KEYS[kind]: f"s\0{number}"}]),
        _letter("odd document", kind, [plain | {"khong-co": number}]),
        Letter("odd document", f"nm/v1/{SITE}/mes/{kind}", deep),
        _letter("odd document", kind, [plain] + [number] * author.many(20_000)),
        _letter("odd document", "khong-co", [number]),
        # To who listens already it comes as any other.
        _letter("odd document", kind, [plain], str(number), retain=True),
        Letter("odd document", f"nm/v1/khac/khac/mes/{kind}", dumped([plain])),
        # May be good all the same.
        replace(
            _letter("odd document", kind, [plain | {field: author.one_of(ODD_VALUES)}]), parts=()
        ),
    ]
    return [odd[int(k)] for k in author.random.permutation(len(odd))[:4]]


def odd_document(author: Author, kind: str, marker: int) -> list[Letter]:
    """A good document in which the database will find something odd."""
    return [_letter("odd one", kind, [_document(kind, marker)], str(marker))]


TABLE_OF = {
    "product": "products",
    "planned_run_time": "planned-run-times",
    "production_order": "orders",
    "lot": "lots",
    "shift_pattern": "shifts",
    "shift_break": "shifts",
    "holiday": "holidays",
    "routing_step": "routings",
    "oee_target": "oee-targets",
    "shift_rotation": "rotations",
    "planned_maintenance": "planned-maintenance",
    "stop_reason": "stop-reasons",
    "quality_reason": "scrap-reasons",
    "inspection": "inspections",
    "scrap_booking": "scrap-bookings",
    "energy_meter": "energy-meters",
    "master_data_event": "products",
}
"""The documents whose rows a table of master data holds."""

LIGHT: tuple[Making, ...] = (
    device_values, node_session, node_disorder, odd_nodes, documents, odd_documents, odd_values,
)  # fmt: skip

NODE_SETTINGS = {
    "group_id": NODE.group_id,
    "edge_node_id": NODE.edge_node_id,
    "enterprise": SITE.split("/", maxsplit=1)[0],
    "site": SITE.split("/")[1],
    "edge": NODE_EDGE,
    "work_unit": "gia-cong/day-chuyen/mai",
    "devices": {DEVICE: "gia-cong/day-chuyen/cua"},
}
