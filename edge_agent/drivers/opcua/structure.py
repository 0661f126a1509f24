"""Data types of a server's own: names of enumerations, fields of structures.

Definitions are read from the server (OPC UA part 3, 8.48 to 8.52: DataTypeDefinition), never
registered in the library: two servers may call different structures by one id.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import unpack_uatype, unpack_uatype_array
from asyncua.ua.uaerrors import UaError

from edge_agent.drivers.opcua.portion import Limits, quality_is_good, read_attributes
from edge_agent.drivers.opcua.reading import UnreadableError

_LAST_BUILTIN = 25
_DEEPEST = 20
_LONGEST = 1_000_000
Names = dict[int, str]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: ua.NodeId
    is_array: bool
    is_optional: bool


@dataclass(frozen=True, slots=True)
class _Structure:
    kind: ua.StructureType
    fields: tuple[_Field, ...]


class DataTypes:
    """What one server's data types are; asked for as far as tags need them."""

    def __init__(self, client: Client, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._builtin: dict[ua.NodeId, ua.VariantType] = {}
        self._names: dict[ua.NodeId, Names] = {}
        self._structures: dict[ua.NodeId, _Structure] = {}
        self._by_encoding: dict[ua.NodeId, _Structure] = {}
        self._known: set[ua.NodeId] = set()

    async def load(self, types: Sequence[ua.NodeId]) -> None:
        """Read the definitions of types, and of those that they consist of."""
        wanted = {one for one in types if _builtin(one) is None} - self._known
        for _ in range(_DEEPEST):
            if not wanted:
                return
            self._known |= wanted
            wanted = await self._load(sorted(wanted, key=str)) - self._known

    def names(self, type_: ua.NodeId) -> Names | None:
        """Return the names of an enumeration's numbers; None where it is none."""
        return self._names.get(type_)

    def builtin(self, type_: ua.NodeId) -> ua.VariantType | None:
        """Return the built-in type that values of a type are; None for structures."""
        return _builtin(type_) or self._builtin.get(type_)

    def opened(self, value: Any) -> object:
        """Return a structure as its fields by name; whatever else it is, as it is.

        Raises UnreadableError for a structure whose definition the server does not give, or whose
        bytes do not fit it.
        """
        if not isinstance(value, ua.ExtensionObject) or value.Body is None:
            return value
        definition = self._by_encoding.get(value.TypeId)
        if definition is None:
            raise UnreadableError(f"a structure of unknown form ({value.TypeId.to_string()})")
        try:
            return self._structure(definition, Buffer(value.Body))
        except (NotEnoughData, struct.error, UaError, ValueError) as exc:
            raise UnreadableError(f"a structure that does not fit its definition: {exc}") from exc

    async def _load(self, types: Sequence[ua.NodeId]) -> set[ua.NodeId]:
        definitions = await read_attributes(
            self._client, self._limits.read, types, AttributeIds.DataTypeDefinition
        )
        more: set[ua.NodeId] = set()
        for type_, value in zip(types, definitions, strict=True):
            given = value.Value.Value if quality_is_good(value) and value.Value else None
            if isinstance(given, ua.EnumDefinition):
                self._names[type_] = {int(one.Value): str(one.Name) for one in given.Fields}
                self._builtin[type_] = ua.VariantType.Int32
            elif isinstance(given, ua.StructureDefinition):
                fields = tuple(
                    _Field(str(one.Name), one.DataType, one.ValueRank > 0, bool(one.IsOptional))
                    for one in given.Fields
                )
                definition = _Structure(given.StructureType, fields)
                self._structures[type_] = definition
                self._by_encoding[_plain(given.DefaultEncodingId)] = definition
                more |= {one.type for one in fields if _builtin(one.type) is None}
            else:
                await self._load_without_definition(type_)
        return more

    async def _load_without_definition(self, type_: ua.NodeId) -> None:
        """Take an enumeration's strings, or the type that this one is a kind of."""
        names = await self.enumeration_strings(type_)
        if names is not None:
            self._names[type_] = names
            self._builtin[type_] = ua.VariantType.Int32
            return
        seen = type_
        for _ in range(_DEEPEST):
            parent = await self._parent(seen)
            if parent is None:
                return
            seen = parent
            if (builtin := _builtin(seen)) is not None:
                self._builtin[type_] = builtin
                return
            if seen == ua.NodeId(ua.Int32(ObjectIds.Enumeration)):
                self._builtin[type_] = ua.VariantType.Int32
                return

    async def enumeration_strings(self, node: ua.NodeId) -> Names | None:
        """Return the names that a node's properties EnumStrings or EnumValues give to numbers."""
        for name in ("EnumStrings", "EnumValues"):
            value = await self._property(node, name)
            if isinstance(value, list) and value:
                names: Names = {}
                for number, one in enumerate(value):
                    if isinstance(one, ua.LocalizedText):
                        names[number] = str(one.Text)
                    elif isinstance(one, ua.EnumValueType):
                        names[int(one.Value)] = str(one.DisplayName.Text)
                return names or None
        return None

    async def _property(self, node: ua.NodeId, name: str) -> object:
        element = ua.RelativePathElement(
            ReferenceTypeId=ua.NodeId(ua.Int32(ObjectIds.HasProperty)),
            # The library takes a bool for its own type.
            IsInverse=False,  # type: ignore[arg-type]
            IncludeSubtypes=True,  # type: ignore[arg-type]
            TargetName=ua.QualifiedName(name),
        )
        path = ua.BrowsePath(StartingNode=node, RelativePath=ua.RelativePath([element]))
        (found,) = await self._client.uaclient.translate_browsepaths_to_nodeids([path])
        if found.StatusCode.value >> 30 or not found.Targets:
            return None
        target = _plain(found.Targets[0].TargetId)
        (value,) = await read_attributes(
            self._client, self._limits.read, [target], AttributeIds.Value
        )
        return value.Value.Value if value.Value is not None else None

    async def _parent(self, node: ua.NodeId) -> ua.NodeId | None:
        description = ua.BrowseDescription(
            NodeId=node,
            BrowseDirection=ua.BrowseDirection.Inverse,
            ReferenceTypeId=ua.NodeId(ua.Int32(ObjectIds.HasSubtype)),
            IncludeSubtypes=True,
            NodeClassMask=0,
            ResultMask=0,
        )
        parameters = ua.BrowseParameters(NodesToBrowse=[description])
        (found,) = await self._client.uaclient.browse(parameters)
        return _plain(found.References[0].NodeId) if found.References else None

    def _structure(self, definition: _Structure, data: Buffer) -> dict[str, object]:
        def read(field: _Field) -> object:
            return self._field(field, data)

        if definition.kind is ua.StructureType.Union:
            which = int(unpack_uatype(ua.VariantType.UInt32, data))
            return {one.name: read(one) for one in definition.fields[which - 1 : which] if which}
        mask, bit = -1, 0
        if definition.kind is ua.StructureType.StructureWithOptionalFields:
            mask = int(unpack_uatype(ua.VariantType.UInt32, data))
        found: dict[str, object] = {}
        for one in definition.fields:
            if one.is_optional:
                present, bit = mask >> bit & 1, bit + 1
                found[one.name] = read(one) if present else None
            else:
                found[one.name] = read(one)
        return found

    def _field(self, field: _Field, data: Buffer) -> object:
        builtin = self.builtin(field.type)
        if builtin is not None:
            if field.is_array:
                return unpack_uatype_array(builtin, data)
            return self.opened(unpack_uatype(builtin, data))
        definition = self._structures.get(field.type)
        if definition is None:
            raise UnreadableError(
                f"field {field.name} is of an unknown type {field.type.to_string()}"
            )
        if not field.is_array:
            return self._structure(definition, data)
        length = int(unpack_uatype(ua.VariantType.Int32, data))
        if length > _LONGEST:
            raise UnreadableError(f"field {field.name} says that it has {length} elements")
        return [self._structure(definition, data) for _ in range(max(length, 0))]


def _builtin(type_: ua.NodeId) -> ua.VariantType | None:
    """Return the built-in type that a data type is, by its id (OPC UA part 6, 5.1.2)."""
    number = type_.Identifier
    if type_.NamespaceIndex or not isinstance(number, int) or not 0 < number <= _LAST_BUILTIN:
        is_standard = not type_.NamespaceIndex and isinstance(number, int)
        return _ABSTRACT.get(int(number)) if is_standard else None
    return ua.VariantType(number)


_ABSTRACT = {
    290: ua.VariantType.Double,
    294: ua.VariantType.DateTime,
    295: ua.VariantType.String,
    12877: ua.VariantType.String,
    12881: ua.VariantType.String,
    288: ua.VariantType.UInt32,
    289: ua.VariantType.UInt32,
}
"""Kinds of built-in types that many structures use: Duration, UtcTime, LocaleId, and others."""


def _plain(node: ua.NodeId) -> ua.NodeId:
    """Return an expanded node id as a node id, which compares by what it names."""
    return ua.NodeId(node.Identifier, node.NamespaceIndex)
