"""The data types of Sparkplug B, and which protobuf field carries a value of each."""

from enum import IntEnum


class DataType(IntEnum):
    """The numbers that the specification gives its data types."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATE_TIME = 13
    TEXT = 14
    UUID = 15
    DATA_SET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTY_SET = 20
    PROPERTY_SET_LIST = 21
    INT8_ARRAY = 22
    INT16_ARRAY = 23
    INT32_ARRAY = 24
    INT64_ARRAY = 25
    UINT8_ARRAY = 26
    UINT16_ARRAY = 27
    UINT32_ARRAY = 28
    UINT64_ARRAY = 29
    FLOAT_ARRAY = 30
    DOUBLE_ARRAY = 31
    BOOLEAN_ARRAY = 32
    STRING_ARRAY = 33
    DATE_TIME_ARRAY = 34


SIGNED_BITS = {
    DataType.INT8: 8,
    DataType.INT16: 16,
    DataType.INT32: 32,
    DataType.INT64: 64,
    DataType.DATE_TIME: 64,
}
"""Signed whole numbers travel as their two's complement in an unsigned field."""

UNSIGNED_BITS = {
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
}

KNOWN = frozenset(set(DataType) - {DataType.UNKNOWN})
"""Of a metric of any other type only its value tells what it is."""

NUMBERS = frozenset(
    {
        *(DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64),
        *(DataType.UINT8, DataType.UINT16, DataType.UINT32, DataType.UINT64),
        *(DataType.FLOAT, DataType.DOUBLE, DataType.BOOLEAN),
    }
)
"""Types whose values are numbers to us; all others are text."""


class ValueField:
    """Names of the alternatives of a value, as in `sparkplug_b.proto`."""

    INT = "int_value"
    LONG = "long_value"
    FLOAT = "float_value"
    DOUBLE = "double_value"
    BOOLEAN = "boolean_value"
    STRING = "string_value"
    BYTES = "bytes_value"
    DATA_SET = "dataset_value"
    TEMPLATE = "template_value"


_FIELDS = {
    DataType.INT64: ValueField.LONG,
    DataType.UINT64: ValueField.LONG,
    DataType.DATE_TIME: ValueField.LONG,
    DataType.FLOAT: ValueField.FLOAT,
    DataType.DOUBLE: ValueField.DOUBLE,
    DataType.BOOLEAN: ValueField.BOOLEAN,
    DataType.STRING: ValueField.STRING,
    DataType.TEXT: ValueField.STRING,
    DataType.UUID: ValueField.STRING,
    DataType.DATA_SET: ValueField.DATA_SET,
    DataType.TEMPLATE: ValueField.TEMPLATE,
    DataType.PROPERTY_SET: "propertyset_value",
    DataType.PROPERTY_SET_LIST: "propertysets_value",
}


_BY_NUMBER: dict[int, str] = {
    datatype: _FIELDS.get(datatype, ValueField.INT if datatype in NUMBERS else ValueField.BYTES)
    for datatype in DataType
    if datatype is not DataType.UNKNOWN
}


def value_field(datatype: int) -> str:
    """Return the name of the field that carries a value of a type.

    Small whole numbers go into `int_value`, files and arrays into `bytes_value`. A type that
    nobody knows is taken for text.
    """
    return _BY_NUMBER.get(datatype, ValueField.STRING)
