"""Births of Sparkplug nodes: devices and metrics, as settings of the ingest's Sparkplug host."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from edge_agent.drivers.mqtt.link import MqttLink
from edge_agent.drivers.mqtt.message import Message
from edge_agent.inspection.browse.found import Browsed, Place, written
from edge_agent.inspection.browse.listening import listen
from plant.clock import Clock
from plant.errors import ConfigurationError, DataError
from plant.measurement import ValueType
from plant.sparkplug import (
    BD_SEQ,
    NAMESPACE,
    REBIRTH,
    DataType,
    MessageType,
    Metric,
    NodeId,
    Payload,
    Template,
    encode,
    meaning,
    opened,
    parse_topic,
    value_type,
)

_LONGEST: Final = 4_000_000
_DEEPEST: Final = 8
_ASKED_AT_MOST: Final = 1_000
_NO_CODE: Final = re.compile(r"[^a-z0-9_-]+")
_BIRTHS: Final = frozenset({MessageType.NBIRTH, MessageType.DBIRTH})


@dataclass(slots=True)
class _Node:
    devices: dict[str | None, list[Metric]] = field(default_factory=dict)
    """Metrics by device; None for the node itself."""


class BrowsedNodes(Browsed):
    """Nodes, their devices and metrics."""

    nodes: dict[NodeId, _Node]
    site: tuple[str, str]

    def text(self, source: str, work_unit: str) -> str:
        """Return the block `sparkplug` of the ingest's settings; see `Browsed.text`.

        `source` is not used: nodes carry their own names. The first device is the machine that
        `work_unit` says, each other one a machine of its own in the same line.
        """
        wanted = {place.path for place in self.places}
        line = work_unit.rpartition("/")[0]
        several = sum(len(node.devices.keys() - {None}) for node in self.nodes.values()) > 1
        nodes = []
        for id_, node in sorted(self.nodes.items()):
            metrics = [
                metric_settings(device, metric)
                for device, metrics in node.devices.items()
                for metric in metrics
                if _path(id_, device, metric) in wanted
            ]
            devices = {
                device: f"{line}/{_code(device)}" if several else work_unit
                for device in node.devices
                if device is not None
            }
            nodes.append(
                {
                    "group_id": id_.group_id,
                    "edge_node_id": id_.edge_node_id,
                    "enterprise": self.site[0],
                    "site": self.site[1],
                    "edge": _code(id_.edge_node_id),
                    **({"work_unit": work_unit} if not devices else {}),
                    "devices": devices,
                    "metrics": metrics,
                }
            )
        return written({"sparkplug": {"nodes": nodes}})


async def browse(
    connection: dict[str, Any],
    group: str | None,
    site: tuple[str, str],
    clock: Clock,
    for_s: float,
    *,
    rebirth: bool,
) -> BrowsedNodes:
    """Return the nodes that are born within `for_s`, or that are seen and asked for their births.

    With `rebirth` each node that says anything is asked once, by the command that the
    specification has for it; without, nothing is written to the broker. Raises
    SourceUnavailableError with the reason.
    """
    found = BrowsedNodes("sparkplug", connection)
    found.nodes, found.site = {}, site
    asked: set[NodeId] = set()
    silent: set[NodeId] = set()
    odd: dict[str, str] = {}

    def take(link: MqttLink, message: Message) -> None:
        if message.topic.startswith(f"{NAMESPACE}/STATE/"):
            return
        try:
            address = parse_topic(message.topic)
            if address.kind in _BIRTHS and not message.retained:
                payload = opened(message.payload, _LONGEST)
                node = found.nodes.setdefault(address.node, _Node())
                node.devices[address.device_id] = list(_metrics(payload.metrics))
                return
        except (DataError, ConfigurationError) as exc:
            odd[message.topic] = getattr(exc, "detail", None) or str(exc)
            return
        if address.kind in {MessageType.NCMD, MessageType.DCMD}:
            return
        silent.add(address.node)
        if rebirth and address.node not in asked and len(asked) < _ASKED_AT_MOST:
            asked.add(address.node)
            link.publish(address.node.topic(MessageType.NCMD), _request(clock))

    refused = await listen(
        connection["broker"], [f"{NAMESPACE}/{group or '+'}/#"], clock, for_s, take
    )
    found.passed_over += [f"{one}: the broker denies reading it" for one in refused]
    found.passed_over += [f"{topic}: {words}" for topic, words in sorted(odd.items())]
    found.passed_over += [
        f"{node}: it is there, but no birth came (--rebirth asks for it)"
        for node in sorted(silent - found.nodes.keys())
    ]
    found.places += [
        Place(_path(id_, device, metric), metric_settings(device, metric), _shown(metric))
        for id_, node in sorted(found.nodes.items())
        for device, metrics in node.devices.items()
        for metric in metrics
    ]
    return found


def metric_settings(device: str | None, metric: Metric) -> dict[str, Any]:
    """Return the settings of a metric, as the ingest's Sparkplug host takes them."""
    settings: dict[str, Any] = {} if device is None else {"device": device}
    settings["metric"] = metric.name
    if value_type(metric.datatype, metric.value) is ValueType.TEXT:
        settings["value_type"] = "text"
    unit = metric.property_value("engUnit") or metric.property_value("Engineering Units")
    if isinstance(unit, str) and unit:
        settings["unit"] = unit
    if metric.datatype in {one.value for one in DataType}:
        settings["description"] = DataType(metric.datatype).name
    return settings


def _metrics(metrics: Iterable[Metric], path: str = "", depth: int = 0) -> Iterator[Metric]:
    """Yield metrics with their names, members of template instances by their paths."""
    for metric in metrics:
        if not metric.name or metric.name == BD_SEQ or metric.name.startswith("Node Control/"):
            continue
        name = f"{path}{metric.name}"
        if isinstance(metric.value, Template):
            if not metric.value.is_definition and depth < _DEEPEST:
                yield from _metrics(metric.value.metrics, f"{name}/", depth + 1)
            continue
        yield Metric(
            name=name, datatype=metric.datatype, properties=metric.properties, value=metric.value
        )


def _path(node: NodeId, device: str | None, metric: Metric) -> str:
    steps = (node.group_id, node.edge_node_id, device, metric.name)
    return "/".join(step for step in steps if step)


def _shown(metric: Metric) -> str:
    return "" if metric.value is None else str(meaning(metric.value, metric.datatype))[:60]


def _request(clock: Clock) -> bytes:
    ms = round(clock().timestamp() * 1000)
    metric = Metric(name=REBIRTH, timestamp=ms, datatype=DataType.BOOLEAN, value=True)
    return encode(Payload(timestamp=ms, metrics=[metric]))


def _code(name: str) -> str:
    return _NO_CODE.sub("-", name.lower()).strip("-_")[:64].strip("-_") or "x"
