"""From what a node's births define to our tags, and from a metric's value to a tag's."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from ingest.sparkplug.naming import Prefixes, tag_name
from ingest.sparkplug.settings import MetricSettings, NodeSettings
from plant.errors import ConfigurationError, DataError
from plant.measurement import TEXT_ROLES, Quality, TagRole, Value, ValueType
from plant.native.message import TagDeclaration
from plant.sparkplug import (
    BD_SEQ,
    Metric,
    Template,
    meaning,
    quality,
    value_type,
)
from plant.unit import factor_of, unit_of

OWN = "nhipmay/"
"""Properties in which our own edge agent says what a metric means."""
_CONTROLS = ("Node Control/", "Device Control/", "CMD/")
_UNIT_KEYS = ("engUnit", "Engineering Units")
_DESCRIPTION_KEYS = ("documentation", "Documentation", "description")


@dataclass(frozen=True, slots=True)
class Binding:
    """Which tag a metric is, and how its values become the tag's."""

    tag: TagDeclaration
    scale: float = 1.0
    offset: float = 0.0
    states: dict[int, str] = field(default_factory=dict)

    def value(self, metric: Metric, datatype: int | None) -> tuple[Value, Quality]:
        """Return value and quality of a measurement; what is absent has bad quality.

        What does not fit the tag keeps its form, so that it is rejected with a reason.
        """
        if metric.value is None and not metric.is_null:
            raise DataError("malformed", "neither null nor with a value that is understood")
        meant = None if metric.is_null else meaning(metric.value, datatype)
        trust = quality(metric)
        if meant is None:
            return None, Quality.BAD
        if self.tag.value_type is ValueType.NUMBER:
            if isinstance(meant, str):
                return meant, trust
            number = int(meant) if isinstance(meant, bool) else meant
            if self.scale == 1.0 and self.offset == 0.0:
                return number, trust
            scaled = number * self.scale + self.offset
            return (scaled, trust) if math.isfinite(scaled) else (None, Quality.BAD)
        if isinstance(meant, str):
            return meant, trust
        if isinstance(meant, bool) and not self.states:
            return str(meant).lower(), trust
        if isinstance(meant, float) and not meant.is_integer():
            return str(meant), trust
        code = int(meant)
        name = self.states.get(code)
        if name is not None:
            return name, trust
        return str(code), max(trust, Quality.UNCERTAIN) if self.states else trust


class UnmappedDeviceError(DataError):
    """The settings do not say which machine a device is."""


def is_measured(metric: Metric) -> bool:
    """Tell whether a metric carries measurements: no control, no definition, not transient."""
    name = metric.name or ""
    if name == BD_SEQ or name.startswith(_CONTROLS) or metric.is_transient:
        return False
    return not (isinstance(metric.value, Template) and metric.value.is_definition)


@dataclass(slots=True)
class Bound:
    """What the metrics of a device are to us, by metric name; the node itself counts as one."""

    bindings: dict[str, Binding] = field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Why a metric has no tag: the reason, and words for the person who sets up the ingest."""


def bound(
    node: NodeSettings,
    device: str | None,
    definitions: Sequence[Metric],
    prefixes: Prefixes,
    others: Mapping[str | None, Bound],
    doubled: Set[str] = frozenset(),
) -> Bound:
    """Return the tags of the metrics that a birth defines; never one tag for two metrics.

    Two metrics of one name are `doubled`; `others` are the node's devices. Metrics of a node
    without a machine of its own are left out, as are those to be ignored.

    Raises UnmappedDeviceError when nothing tells the machine of a device.
    """
    result = Bound()
    found = _bindings(node, device, definitions, prefixes, result.refused)
    holders: dict[str, list[str]] = defaultdict(list)
    for other, there in others.items():
        if other != device:
            for name, binding in there.bindings.items():
                holders[binding.tag.name].append(_metric_of(other, name))
    own: dict[str, list[str]] = defaultdict(list)
    for name, binding in found.items():
        own[binding.tag.name] += [_metric_of(device, name)] * (2 if name in doubled else 1)
    for name, binding in found.items():
        tag = binding.tag.name
        if len(claims := [*holders[tag], *own[tag]]) == 1:
            result.bindings[name] = binding
        else:
            result.refused[name] = (
                "name_conflict",
                f"{' and '.join(claims[:3])} would be one tag, {tag!r}: give them names of their "
                "own in the ingest's settings, sparkplug.nodes.metrics",
            )
    return result


def _metric_of(device: str | None, name: str) -> str:
    where = "the node" if device is None else f"device {device!r}"
    return f"metric {name[:100]!r} of {where}"


def _bindings(
    node: NodeSettings,
    device: str | None,
    definitions: Sequence[Metric],
    prefixes: Prefixes,
    refused: dict[str, tuple[str, str]],
) -> dict[str, Binding]:
    chosen = {metric.metric: metric for metric in node.metrics if metric.device == device}
    work_unit = node.work_unit if device is None else node.devices.get(device)
    found = {}
    for metric in definitions:
        said = chosen.get(metric.name or "")
        if not is_measured(metric) or (said is not None and said.ignore):
            continue
        place = work_unit or _text(metric, f"{OWN}work_unit")
        if place is None:
            if device is None:
                continue
            raise UnmappedDeviceError(
                "unmapped_device",
                f"device {device!r} of {node.node} is no machine yet: name it in the ingest's "
                "settings, sparkplug.nodes.devices",
            )
        assert metric.name is not None
        prefix = prefixes.get((node.address.site_path, place), place.rpartition("/")[2])
        try:
            found[metric.name] = _binding(node, place, prefix, metric, said)
        except ConfigurationError as exc:
            refused[metric.name] = ("bad_unit", f"{_metric_of(device, metric.name)}: {exc}")
    return found


def _binding(
    node: NodeSettings, work_unit: str, prefix: str, metric: Metric, said: MetricSettings | None
) -> Binding:
    said = said or _of_properties(metric)
    kind = said.value_type
    if kind is None:
        as_text = said.role in TEXT_ROLES or bool(said.states)
        # Of what has neither type nor value yet, a text that comes later is refused: most metrics
        # are numbers.
        seen = 0 if metric.value is None else metric.value
        kind = ValueType.TEXT if as_text else value_type(metric.datatype, seen)
    unit = said.unit or _first_text(metric, _UNIT_KEYS)
    factor = factor_of(said.role, unit)

    def converted(value: float | None) -> float | None:
        return None if value is None else value * factor

    tag = TagDeclaration(
        name=said.name or tag_name(prefix, metric.name or ""),
        work_unit=f"{node.address.site_path}/{work_unit}",
        value_type=kind,
        role=said.role,
        unit=unit_of(said.role, unit),
        description=said.description or _first_text(metric, _DESCRIPTION_KEYS),
        low=converted(said.low),
        high=converted(said.high),
        counter_modulus=converted(said.counter_modulus),
        max_rate_per_s=converted(said.max_rate_per_s),
        max_silence_s=said.max_silence_s or node.max_silence_s,
    )
    return Binding(tag, said.scale * factor, said.offset * factor, said.states)


def _of_properties(metric: Metric) -> MetricSettings:
    """Return what a metric of our own edge agent says of itself in its properties."""
    role = _text(metric, f"{OWN}role")
    kind = _text(metric, f"{OWN}value_type")
    return MetricSettings.model_construct(
        metric=metric.name or "",
        role=TagRole(role) if role in set(TagRole) else TagRole.NONE,
        value_type=ValueType(kind) if kind in set(ValueType) else None,
        low=_number(metric, f"{OWN}low"),
        high=_number(metric, f"{OWN}high"),
        counter_modulus=_number(metric, f"{OWN}counter_modulus"),
        max_rate_per_s=_number(metric, f"{OWN}max_rate_per_s"),
        max_silence_s=_number(metric, f"{OWN}max_silence_s"),
    )


def _text(metric: Metric, key: str) -> str | None:
    value = metric.property_value(key)
    return value if isinstance(value, str) and value else None


def _first_text(metric: Metric, keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := _text(metric, key))), "")


def _number(metric: Metric, key: str) -> float | None:
    value = metric.property_value(key)
    return float(value) if isinstance(value, int | float) else None
