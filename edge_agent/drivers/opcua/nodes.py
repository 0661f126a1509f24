"""Which node each tag is at this server, and how its value is read there."""

from collections.abc import Iterable

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from edge_agent.drivers.opcua.address import NodeAddress, steps_of
from edge_agent.drivers.opcua.client import SourceClient
from edge_agent.drivers.opcua.portion import Limits, quality_is_good, read_attributes
from edge_agent.drivers.opcua.reading import Form
from edge_agent.drivers.opcua.settings import OpcUaSettings
from edge_agent.drivers.opcua.structure import DataTypes
from plant.measurement import ValueType

_PLAIN = frozenset(range(1, 22))
"""Built-in types that need no definition; 22 is a structure of any kind."""


class Nodes:
    """The nodes of a source's tags; namespaces are resolved at each connection."""

    def __init__(self, settings: OpcUaSettings, client: SourceClient, limits: Limits) -> None:
        self._settings = settings
        self._client = client
        self._limits = limits
        self._types = DataTypes(client, limits)
        self._ids: dict[int, ua.NodeId] = {}
        self._problems: dict[int, str] = {}
        self._forms = [
            Form(tag.kind is ValueType.TEXT, steps_of(tag.path), opened=self._types.opened)
            for tag in settings.tags
        ]

    def id(self, key: int) -> ua.NodeId:
        """Return the node id of a tag that has no problem."""
        return self._ids[key]

    def problem(self, key: int) -> str | None:
        """Return why a tag's node cannot be named at this server."""
        return self._problems.get(key)

    def form(self, key: int) -> Form:
        """Return how a tag's value is read."""
        return self._forms[key]

    async def resolve(self, keys: Iterable[int] | None = None) -> None:
        """Find out the nodes, all or some, and the data types where a value needs them."""
        keys = range(len(self._settings.tags)) if keys is None else keys
        namespaces = await namespaces_of(self._client, self._limits)
        for key in keys:
            self._problems.pop(key, None)
            try:
                address = NodeAddress.of(self._settings.tags[key].address)
                self._ids[key] = node_id(address, address.index_in(namespaces))
            except ValueError as exc:
                self._problems[key] = str(exc)
        # Only what is no plain number by its settings: it costs a request per node.
        await self._resolve_types([key for key in keys if self._may_need_type(key)])

    def _may_need_type(self, key: int) -> bool:
        tag = self._settings.tags[key]
        wants_names = self._forms[key].is_text and not tag.states
        return key not in self._problems and (wants_names or bool(tag.path))

    async def _resolve_types(self, keys: list[int]) -> None:
        nodes = [self._ids[key] for key in keys]
        values = await read_attributes(
            self._client, self._limits.read, nodes, AttributeIds.DataType
        )
        types = {
            key: value.Value.Value
            for key, value in zip(keys, values, strict=True)
            if quality_is_good(value) and value.Value and isinstance(value.Value.Value, ua.NodeId)
        }
        own = {key: type_ for key, type_ in types.items() if not _is_plain(type_)}
        await self._types.load(list(own.values()))
        for key, type_ in types.items():
            form = self._forms[key]
            names = self._types.names(type_) if key in own else None
            if names is None and _may_be_discrete(type_) and form.is_text:
                names = await self._types.enumeration_strings(self._ids[key])
            self._forms[key] = Form(
                form.is_text, form.steps, names if form.is_text else None, self._types.opened
            )


async def namespaces_of(client: SourceClient, limits: Limits) -> list[str]:
    """Return the namespaces of a server, each at the place that is its number."""
    node = ua.NodeId(ua.Int32(ObjectIds.Server_NamespaceArray))
    (value,) = await read_attributes(client, limits.read, [node], AttributeIds.Value)
    found = value.Value.Value if value.Value is not None else None
    return [str(uri) for uri in found] if isinstance(found, list) else []


def node_id(address: NodeAddress, index: int) -> ua.NodeId:
    """Return an address as the library's node id, in the namespace of this number."""
    if address.kind == "i":
        return ua.NodeId(ua.Int32(int(address.identifier)), ua.Int16(index))
    if address.kind == "s":
        return ua.NodeId(ua.String(address.identifier), ua.Int16(index))
    if address.kind == "g":
        return ua.NodeId(ua.Guid(address.identifier), ua.Int16(index))
    named = ua.NodeId.from_string(f"b={address.identifier}")
    return ua.NodeId(named.Identifier, ua.Int16(index))


def _is_plain(type_: ua.NodeId) -> bool:
    return type_.NamespaceIndex == 0 and type_.Identifier in _PLAIN


def _may_be_discrete(type_: ua.NodeId) -> bool:
    """A MultiStateDiscrete is a whole number whose names hang on the node (part 8, 5.3.3)."""
    return type_.NamespaceIndex == 0 and type_.Identifier in range(2, 10)
