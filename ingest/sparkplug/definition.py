"""What births define: metrics by name and alias, and the members of templates as metrics by path.

An instance `motor` of a template with the member `rpm` defines the metric `motor/rpm`; parameters
are `motor/Parameters/<name>`. What an instance leaves out, its definition says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from plant.errors import DataError
from plant.sparkplug import Metric, PropertySet, Template
from plant.sparkplug.meaning import QUALITY_KEY

MAX_METRICS = 50_000
"""Metrics of one message, members of templates included."""
_DEEPEST = 8
"""Templates within templates that only a definition knows."""

Templates = Mapping[str, Template]


def templates_of(metrics: Iterable[Metric]) -> dict[str, Template]:
    """Return the definitions of templates that a birth holds, by name."""
    return {
        metric.name: metric.value
        for metric in metrics
        if metric.name and isinstance(metric.value, Template) and metric.value.is_definition
    }


@dataclass(slots=True)
class Definitions:
    """The metrics of the node itself or of one device."""

    born: bytes = b""
    """The payload of the birth that defined them."""
    by_name: dict[str, Metric] = field(default_factory=dict)
    """Members of templates by their path."""
    doubled: set[str] = field(default_factory=set)
    """Names that one birth gave to two metrics."""
    _by_alias: dict[int, str] = field(default_factory=dict)
    _instances: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Paths of the members of each instance of a template."""

    def define(self, metrics: Iterable[Metric], templates: Templates) -> int:
        """Take up what a birth holds; return how many metrics have no name, and so no meaning.

        Raises DataError `too_large` when there are too many of them.
        """
        nameless = 0
        for metric in metrics:
            if not metric.name:
                nameless += 1
            elif isinstance(metric.value, Template):
                if not metric.value.is_definition:
                    nameless += self._instantiate(metric, metric.name, templates)
            else:
                self._define(metric.name, metric)
        return nameless

    def _instantiate(self, instance: Metric, name: str, templates: Templates) -> int:
        nameless = 0
        paths = []
        for member in _members(instance, name, templates, _DEEPEST):
            if member.name:
                self._define(member.name, member)
                paths.append(member.name)
            else:
                nameless += 1
        if paths:
            self._note_alias(instance)
            self._instances[name] = tuple(paths)
        elif not nameless:
            # Without members it is a text of its own.
            self._define(name, instance)
        return nameless

    def _define(self, name: str, metric: Metric) -> None:
        self._note_alias(metric)
        if name in self.by_name:
            self.doubled.add(name)
        self.by_name[name] = metric
        _check(len(self.by_name))

    def values(self, metrics: Iterable[Metric]) -> Iterator[tuple[Metric | None, Metric]]:
        """Yield each value of a data message with its definition, None where there is none.

        Raises DataError `too_large` when there are too many of them.
        """
        count = 0
        for metric in metrics:
            name = self._name(metric)
            if name in self._instances:
                found = self._of_instance(name, metric)
            else:
                found = iter([(self.by_name.get(name), metric)])
            for known, value in found:
                _check(count := count + 1)
                yield known, value

    def spellings(self) -> tuple[dict[int, Metric], dict[str, Metric]]:
        """Return the metrics by all aliases and names that data may give them, but for templates'.

        As `values` understands them; what is in neither it has to look at.
        """
        by_name = {name: one for name, one in self.by_name.items() if name not in self._instances}
        by_alias = {
            alias: by_name[name] for alias, name in self._by_alias.items() if name in by_name
        }
        for name, one in list(by_name.items()):
            short = name.removeprefix("DATA/")
            if short not in self._instances:
                by_name.setdefault(short, one)
        return by_alias, by_name

    def _of_instance(self, name: str, metric: Metric) -> Iterator[tuple[Metric | None, Metric]]:
        if isinstance(metric.value, Template):
            for member in _members(metric, name, {}, 0):
                yield self.by_name.get(self._name(member)), member
            return
        for path in self._instances[name]:
            known = self.by_name[path]
            yield known, msgspec.structs.replace(metric, name=path, value=None, is_null=True)

    def _name(self, metric: Metric) -> str:
        """Return the name that a birth gave to a metric of this name or alias; "" for none."""
        if metric.name:
            folder = f"DATA/{metric.name}"
            return (
                folder
                if metric.name not in self.by_name and folder in self.by_name
                else metric.name
            )
        return self._by_alias.get(metric.alias, "") if metric.alias is not None else ""

    def _note_alias(self, metric: Metric) -> None:
        if metric.alias is not None:
            self._by_alias[metric.alias] = metric.name or ""


def _members(instance: Metric, path: str, templates: Templates, deeper: int) -> Iterator[Metric]:
    """Yield the members of an instance with their paths; of what it lacks, that it is unknown."""
    template = instance.value
    assert isinstance(template, Template)
    base = templates.get(template.template_ref or "")
    defined = {member.name: member for member in base.metrics} if base and deeper else {}
    for member in template.metrics:
        yield from _member(
            instance, member, defined.pop(member.name, None), path, templates, deeper
        )
    for parameter in template.parameters:
        name = f"{path}/Parameters/{parameter.name or ''}"
        said = Metric(name=name, datatype=parameter.type, value=parameter.value)
        yield _dated(said, instance)
    for member in defined.values():
        yield from _member(instance, _unknown(member), member, path, templates, deeper)


def _member(
    instance: Metric,
    member: Metric,
    defined: Metric | None,
    path: str,
    templates: Templates,
    deeper: int,
) -> Iterator[Metric]:
    name = f"{path}/{member.name}" if member.name else None
    datatype = member.datatype or (defined.datatype if defined else None)
    one = _dated(msgspec.structs.replace(member, name=name, datatype=datatype), instance)
    if isinstance(one.value, Template):
        yield from _members(one, name or path, templates, max(deeper - 1, 0))
    else:
        yield one


def _unknown(member: Metric) -> Metric:
    """Return a member that only the definition names, without the value it has there."""
    if isinstance(member.value, Template):
        return member
    return Metric(name=member.name, datatype=member.datatype, is_null=True)


def _dated(member: Metric, instance: Metric) -> Metric:
    """Return a member with what the instance says of all its members."""
    return msgspec.structs.replace(
        member,
        timestamp=instance.timestamp if member.timestamp is None else member.timestamp,
        is_historical=member.is_historical or instance.is_historical,
        is_transient=member.is_transient or instance.is_transient,
        is_null=member.is_null or instance.is_null,
        properties=member.properties or _quality_of(instance),
    )


def _quality_of(instance: Metric) -> PropertySet | None:
    """Return what of an instance's properties holds for its members."""
    said = instance.properties
    if said is None or QUALITY_KEY not in said.keys:
        return None
    values = said.values[said.keys.index(QUALITY_KEY) :][:1]
    return PropertySet([QUALITY_KEY], values)


def _check(count: int) -> None:
    if count > MAX_METRICS:
        raise DataError("too_large", f"more than {MAX_METRICS} metrics in one message")
