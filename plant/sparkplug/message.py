"""The messages of `sparkplug_b.proto` as values, and the tables by which `wire` codes them.

Each class lists its fields in the order of the table of its message: a table's entry is the
field's number, its kind, and the attribute it fills. The alternatives of a `oneof` fill the same
attribute. A value of a message is what the wire carries: what it means follows from the data type
(`plant.sparkplug.meaning`).
"""

from enum import IntEnum
from typing import Literal, NamedTuple

import msgspec


class Kind(IntEnum):
    """How the wire carries a field."""

    UINT32 = 0
    UINT64 = 1
    BOOL = 2
    FLOAT = 3
    DOUBLE = 4
    STRING = 5
    BYTES = 6
    MESSAGE = 7


class Field(NamedTuple):
    """One field of a message."""

    number: int
    kind: Kind
    attribute: str
    name: str
    """Its name in the `.proto` file: the attribute's, unless it is an alternative of a value."""
    repeated: bool = False
    message: str = ""
    """Which message it holds."""


Scalar = int | float | bool | str | None


class MetaData(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is said of a binary value."""

    is_multi_part: bool | None = None
    content_type: str | None = None
    size: int | None = None
    seq: int | None = None
    file_name: str | None = None
    file_type: str | None = None
    md5: str | None = None
    description: str | None = None


class PropertyValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """One property of a metric."""

    type: int | None = None
    is_null: bool | None = None
    value: "Scalar | PropertySet | PropertySetList" = None


class PropertySet(msgspec.Struct, frozen=True, omit_defaults=True):
    """Named properties; key k belongs to value k."""

    keys: list[str] = []
    values: list[PropertyValue] = []


class PropertySetList(msgspec.Struct, frozen=True, omit_defaults=True):
    """Several sets of properties."""

    propertyset: list[PropertySet] = []


class DataSetValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """One cell of a data set."""

    value: Scalar = None


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of a data set."""

    elements: list[DataSetValue] = []


class DataSet(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table."""

    num_of_columns: int | None = None
    columns: list[str] = []
    types: list[int] = []
    rows: list[Row] = []


class Parameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One parameter of a template."""

    name: str | None = None
    type: int | None = None
    value: Scalar = None


class Template(msgspec.Struct, frozen=True, omit_defaults=True):
    """A structure of metrics, as a definition or as an instance of one."""

    version: str | None = None
    metrics: "list[Metric]" = []
    parameters: list[Parameter] = []
    template_ref: str | None = None
    is_definition: bool | None = None


MetricValue = int | float | bool | str | bytes | DataSet | Template | None


class Metric(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value with its name or alias."""

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: int | None = None
    is_historical: bool | None = None
    is_transient: bool | None = None
    is_null: bool | None = None
    metadata: MetaData | None = None
    properties: PropertySet | None = None
    value: MetricValue = None

    def property_value(self, key: str) -> "Scalar | PropertySet | PropertySetList":
        """Return the value of a property, None when there is no such property."""
        if self.properties is None:
            return None
        for known, held in zip(self.properties.keys, self.properties.values, strict=False):
            if known == key:
                return None if held.is_null else held.value
        return None


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole message."""

    timestamp: int | None = None
    metrics: list[Metric] = []
    seq: int | None = None
    uuid: str | None = None
    body: bytes | None = None


Message = (
    Payload
    | Metric
    | MetaData
    | PropertySet
    | PropertyValue
    | PropertySetList
    | DataSet
    | Row
    | DataSetValue
    | Template
    | Parameter
)

CLASSES: dict[str, type[Message]] = {
    "Payload": Payload,
    "Metric": Metric,
    "MetaData": MetaData,
    "PropertySet": PropertySet,
    "PropertyValue": PropertyValue,
    "PropertySetList": PropertySetList,
    "DataSet": DataSet,
    "Row": Row,
    "DataSetValue": DataSetValue,
    "Template": Template,
    "Parameter": Parameter,
}

_SCALARS = (
    ("int_value", Kind.UINT32),
    ("long_value", Kind.UINT64),
    ("float_value", Kind.FLOAT),
    ("double_value", Kind.DOUBLE),
    ("boolean_value", Kind.BOOL),
    ("string_value", Kind.STRING),
)


def _field(number: int, kind: Kind, name: str) -> Field:
    return Field(number, kind, name, name)


def _list(number: int, name: str, of: str | Literal[Kind.STRING, Kind.UINT32]) -> Field:
    if isinstance(of, str):
        return Field(number, Kind.MESSAGE, name, name, repeated=True, message=of)
    return Field(number, of, name, name, repeated=True)


def _message(number: int, name: str, of: str, attribute: str = "") -> Field:
    return Field(number, Kind.MESSAGE, attribute or name, name, message=of)


def _value(first: int) -> tuple[Field, ...]:
    return tuple(
        Field(number, kind, "value", name) for number, (name, kind) in enumerate(_SCALARS, first)
    )


TABLES: dict[str, tuple[Field, ...]] = {
    "Payload": (
        _field(1, Kind.UINT64, "timestamp"),
        _list(2, "metrics", "Metric"),
        _field(3, Kind.UINT64, "seq"),
        _field(4, Kind.STRING, "uuid"),
        _field(5, Kind.BYTES, "body"),
    ),
    "Metric": (
        _field(1, Kind.STRING, "name"),
        _field(2, Kind.UINT64, "alias"),
        _field(3, Kind.UINT64, "timestamp"),
        _field(4, Kind.UINT32, "datatype"),
        _field(5, Kind.BOOL, "is_historical"),
        _field(6, Kind.BOOL, "is_transient"),
        _field(7, Kind.BOOL, "is_null"),
        _message(8, "metadata", "MetaData"),
        _message(9, "properties", "PropertySet"),
        *_value(10),
        Field(16, Kind.BYTES, "value", "bytes_value"),
        _message(17, "dataset_value", "DataSet", "value"),
        _message(18, "template_value", "Template", "value"),
    ),
    "MetaData": (
        _field(1, Kind.BOOL, "is_multi_part"),
        _field(2, Kind.STRING, "content_type"),
        _field(3, Kind.UINT64, "size"),
        _field(4, Kind.UINT64, "seq"),
        _field(5, Kind.STRING, "file_name"),
        _field(6, Kind.STRING, "file_type"),
        _field(7, Kind.STRING, "md5"),
        _field(8, Kind.STRING, "description"),
    ),
    "PropertySet": (_list(1, "keys", Kind.STRING), _list(2, "values", "PropertyValue")),
    "PropertyValue": (
        _field(1, Kind.UINT32, "type"),
        _field(2, Kind.BOOL, "is_null"),
        *_value(3),
        _message(9, "propertyset_value", "PropertySet", "value"),
        _message(10, "propertysets_value", "PropertySetList", "value"),
    ),
    "PropertySetList": (_list(1, "propertyset", "PropertySet"),),
    "DataSet": (
        _field(1, Kind.UINT64, "num_of_columns"),
        _list(2, "columns", Kind.STRING),
        _list(3, "types", Kind.UINT32),
        _list(4, "rows", "Row"),
    ),
    "Row": (_list(1, "elements", "DataSetValue"),),
    "DataSetValue": _value(1),
    "Template": (
        _field(1, Kind.STRING, "version"),
        _list(2, "metrics", "Metric"),
        _list(3, "parameters", "Parameter"),
        _field(4, Kind.STRING, "template_ref"),
        _field(5, Kind.BOOL, "is_definition"),
    ),
    "Parameter": (
        _field(1, Kind.STRING, "name"),
        _field(2, Kind.UINT32, "type"),
        *_value(3),
    ),
}
