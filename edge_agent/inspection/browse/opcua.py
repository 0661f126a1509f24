"""The tree of an OPC UA server: its variables, with what they are and what they show now."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from edge_agent.drivers.opcua.address import NodeAddress
from edge_agent.drivers.opcua.client import SourceClient
from edge_agent.drivers.opcua.lasting import Lasting
from edge_agent.drivers.opcua.nodes import namespaces_of, node_id
from edge_agent.drivers.opcua.portion import Limits, quality_is_good, read_attributes
from edge_agent.drivers.opcua.reading import UnreadableError
from edge_agent.drivers.opcua.settings import OpcUaSettings
from edge_agent.drivers.opcua.structure import DataTypes
from edge_agent.drivers.opcua.trust.certificates import Certificates
from edge_agent.drivers.opcua.trust.connection import Way
from edge_agent.inspection.browse.found import MOST, Browsed, Place
from plant.errors import ConfigurationError

_DEEPEST: Final = 30
_ELEMENTS: Final = 32
"""Longest array whose elements become tags by themselves."""
_READABLE: Final = 1
_TEXTS: Final = frozenset(
    {
        ua.VariantType.String,
        ua.VariantType.Guid,
        ua.VariantType.ByteString,
        ua.VariantType.XmlElement,
        ua.VariantType.NodeId,
        ua.VariantType.ExpandedNodeId,
        ua.VariantType.QualifiedName,
        ua.VariantType.LocalizedText,
    }
)
_RESULTS: Final = int(
    ua.BrowseResultMask.BrowseName
    | ua.BrowseResultMask.NodeClass
    | ua.BrowseResultMask.ReferenceTypeId
)


@dataclass(frozen=True, slots=True)
class _Variable:
    node: ua.NodeId
    path: str


async def browse(
    settings: OpcUaSettings, folder: Path, connection: dict[str, Any], under: str | None
) -> Browsed:
    """Return the variables below a node; below the objects of the server where none is given.

    The server's own diagnostics are left out. `folder` is where the edge keeps certificates.
    Raises SourceUnavailableError with the reason, ConfigurationError for a node that is none.
    """
    found = Browsed("opcua", connection)
    way = Way("browse", settings, Certificates(settings.certificates or folder / "opcua"))
    async with way.connected(Lasting()) as client:
        tree = _Tree(client, found)
        await tree.limits.learn(client)
        tree.namespaces = await namespaces_of(client, tree.limits)
        start = ua.NodeId(ua.Int32(ObjectIds.ObjectsFolder))
        if under is not None:
            try:
                address = NodeAddress.of(under)
                start = node_id(address, address.index_in(tree.namespaces))
            except ValueError as exc:
                raise ConfigurationError(str(exc)) from exc
        await tree.describe(await tree.variables(start))
    return found


class _Tree:
    def __init__(self, client: SourceClient, found: Browsed) -> None:
        self.limits = Limits()
        self.namespaces: list[str] = []
        self._client = client
        self._found = found
        self._types = DataTypes(client, self.limits)
        self._units: dict[ua.NodeId, ua.NodeId] = {}
        """By variable, the property that holds its unit."""

    async def variables(self, start: ua.NodeId) -> list[_Variable]:
        """Return all variables below a node, level by level; each once, however it is reached."""
        known = {start, ua.NodeId(ua.Int32(ObjectIds.Server))}
        found: list[_Variable] = []
        level = [(start, "")]
        for _ in range(_DEEPEST):
            following = []
            for (parent, path), references in zip(
                level, await self._children([node for node, _ in level]), strict=True
            ):
                for one in references:
                    node = ua.NodeId(one.NodeId.Identifier, one.NodeId.NamespaceIndex)
                    name = str(one.BrowseName.Name).replace("/", "_")
                    if _is_property(one):
                        if name == "EngineeringUnits":
                            self._units[parent] = node
                        continue
                    if node in known:
                        continue
                    known.add(node)
                    here = f"{path}/{name}" if path else name
                    following.append((node, here))
                    if one.NodeClass == ua.NodeClass.Variable:
                        if len(found) == MOST:
                            self._found.passed_over.append(
                                f"more than {MOST} variables: browse a part of the tree (--under)"
                            )
                            return found
                        found.append(_Variable(node, here))
            level = following
            if not level:
                return found
        self._found.passed_over.append(f"what lies deeper than {_DEEPEST} levels")
        return found

    async def _children(self, nodes: Sequence[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
        async def ask(part: Sequence[ua.NodeId]) -> list[ua.BrowseResult]:
            parameters = ua.BrowseParameters(
                NodesToBrowse=[
                    ua.BrowseDescription(
                        NodeId=node,
                        BrowseDirection=ua.BrowseDirection.Forward,
                        ReferenceTypeId=ua.NodeId(ua.Int32(ObjectIds.HierarchicalReferences)),
                        IncludeSubtypes=True,
                        NodeClassMask=ua.NodeClass.Object | ua.NodeClass.Variable,
                        ResultMask=_RESULTS,
                    )
                    for node in part
                ]
            )
            parameters.RequestedMaxReferencesPerNode = 0
            found: list[ua.BrowseResult] = await self._client.uaclient.browse(parameters)
            return found

        found: list[list[ua.ReferenceDescription]] = []
        async for _part, results in self.limits.browse.each(nodes, ask):
            for result in results:
                references = list(result.References or ())
                point = result.ContinuationPoint
                while point:
                    more = ua.BrowseNextParameters()
                    more.ReleaseContinuationPoints = False
                    more.ContinuationPoints = [point]
                    (following,) = await self._client.uaclient.browse_next(more)
                    references += following.References or ()
                    point = following.ContinuationPoint
                found.append(references)
        return found

    async def describe(self, variables: Sequence[_Variable]) -> None:
        """Say of each variable what kind of tags it is."""
        nodes = [one.node for one in variables]
        levels = await self._read(nodes, AttributeIds.AccessLevel)
        types = await self._read(nodes, AttributeIds.DataType)
        words = await self._read(nodes, AttributeIds.Description)
        values = await self._read(nodes, AttributeIds.Value)
        with_unit = [node for node in nodes if node in self._units]
        units = dict(
            zip(
                with_unit,
                await self._read([self._units[node] for node in with_unit], AttributeIds.Value),
                strict=True,
            )
        )
        own = {type_ for type_ in types if isinstance(type_, ua.NodeId)}
        await self._types.load(sorted(own, key=str))
        for number, one in enumerate(variables):
            level = levels[number]
            if isinstance(level, int) and not level & _READABLE:
                self._found.passed_over.append(f"{one.path}: it cannot be read")
                continue
            tag: dict[str, Any] = {"address": self._address(one.node)}
            unit = units.get(one.node)
            if isinstance(unit, ua.EUInformation) and unit.DisplayName.Text:
                tag["unit"] = str(unit.DisplayName.Text)
            text = words[number]
            if isinstance(text, ua.LocalizedText) and text.Text:
                tag["description"] = str(text.Text)
            self._take(one, types[number], values[number], tag)

    async def _read(self, nodes: Sequence[ua.NodeId], attribute: AttributeIds) -> list[Any]:
        """Return an attribute of each node; None of those that have none."""
        found = await read_attributes(self._client, self.limits.read, nodes, attribute)
        return [
            value.Value.Value if quality_is_good(value) and value.Value is not None else None
            for value in found
        ]

    def _take(self, one: _Variable, type_: Any, value: Any, tag: dict[str, Any]) -> None:
        """Add the tags that a variable is: itself, its elements, its fields."""
        named = isinstance(type_, ua.NodeId) and self._types.names(type_) is not None
        if named and not isinstance(value, list):
            place = {**tag, "value_type": "text"}
            self._found.places.append(Place(one.path, place, _shown(value)))
            return
        if value is None:
            builtin = self._types.builtin(type_) if isinstance(type_, ua.NodeId) else None
            if builtin is None:
                reason = "a structure without a value, whose parts are not known yet"
                self._found.passed_over.append(f"{one.path}: {reason}")
                return
            kind = {"value_type": "text"} if builtin in _TEXTS else {}
            self._found.places.append(Place(one.path, {**tag, **kind}))
            return
        try:
            for path, part in _parts(value, self._types):
                kind = {} if _is_number(part) else {"value_type": "text"}
                where = {"path": path} if path else {}
                below = path.replace("[", ".").replace("]", "").replace(".", "/").strip("/")
                name = f"{one.path}/{below}" if path else one.path
                self._found.places.append(Place(name, {**tag, **where, **kind}, _shown(part)))
        except UnreadableError as exc:
            self._found.passed_over.append(f"{one.path}: {exc}")

    def _address(self, node: ua.NodeId) -> str:
        """Return the node id that lasts: by its namespace's URI where that is known."""
        text = str(node.to_string())
        index = node.NamespaceIndex
        bare = text.partition(";")[2] if text.startswith("ns=") else text
        if not index or index >= len(self.namespaces):
            return text
        uri = quote(self.namespaces[index], safe=":/?#[]@!$&'()*+,=-._~ ")
        return f"nsu={uri};{bare}"


def _is_property(reference: ua.ReferenceDescription) -> bool:
    kind = reference.ReferenceTypeId
    return bool(kind.NamespaceIndex == 0 and kind.Identifier == ObjectIds.HasProperty)


def _parts(
    value: Any, types: DataTypes, path: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each plain part of a value."""
    value = types.opened(value)
    if depth > _DEEPEST:
        raise UnreadableError("its value is nested too deep")
    if isinstance(value, list | tuple):
        if len(value) > _ELEMENTS:
            raise UnreadableError(
                f"an array of {len(value)} elements{' in ' + path if path else ''}: "
                "name those that are wanted by path, as [0]"
            )
        for index, part in enumerate(value):
            yield from _parts(part, types, f"{path}[{index}]", depth + 1)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _parts(part, types, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, ua.EUInformation | ua.Range | ua.Argument):
        raise UnreadableError("it describes another value")
    else:
        yield path, value


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | datetime | ua.StatusCode) and not isinstance(
        value, Enum
    )


def _shown(value: Any) -> str:
    with suppress(AttributeError):
        return str(value.Text if isinstance(value, ua.LocalizedText) else value)[:60]
    return ""
