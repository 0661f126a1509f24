"""What a metric's value means by its data type, and back.

A value on the wire is one of a few protobuf fields; the data type, which DATA messages may leave
to the birth, says what it is. To us it is a number, a text, or nothing: tables, templates, bytes
and arrays become text.
"""

import base64
import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from plant.errors import DataError
from plant.measurement import Quality, Value, ValueType
from plant.sparkplug.datatype import KNOWN, NUMBERS, SIGNED_BITS, UNSIGNED_BITS, DataType
from plant.sparkplug.message import (
    DataSet,
    Metric,
    MetricValue,
    PropertySet,
    PropertyValue,
    Template,
)

QUALITY_KEY = "Quality"
"""The one property that the specification names."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARRAYS = {
    DataType.INT8_ARRAY: "b",
    DataType.INT16_ARRAY: "h",
    DataType.INT32_ARRAY: "i",
    DataType.INT64_ARRAY: "q",
    DataType.UINT8_ARRAY: "B",
    DataType.UINT16_ARRAY: "H",
    DataType.UINT32_ARRAY: "I",
    DataType.UINT64_ARRAY: "Q",
    DataType.FLOAT_ARRAY: "f",
    DataType.DOUBLE_ARRAY: "d",
}
_CODE_OF_QUALITY = {Quality.GOOD: 192, Quality.UNCERTAIN: 500, Quality.BAD: 0}


def value_type(datatype: int | None, value: MetricValue = None) -> ValueType:
    """Return which kind of tag a metric of a data type is.

    Without a type that is known, the value tells.
    """
    is_number = datatype in NUMBERS if datatype in KNOWN else isinstance(value, int | float)
    return ValueType.NUMBER if is_number else ValueType.TEXT


def meaning(value: MetricValue, datatype: int | None) -> Value:
    """Return what a value on the wire means: a number, a text, or None for nothing.

    NaN and the infinities are nothing, because no figure can be made of them. A value that came
    in another field than its type's is taken for what it is. Raises DataError `malformed` when
    bytes are no array of their type, or a whole number is none of its type.
    """
    if value is None:
        return None
    if isinstance(value, bytes):
        return _array(value, datatype) if datatype in _READERS else base64.b64encode(value).decode()
    if isinstance(value, DataSet | Template):
        return msgspec.json.encode(_plain(value)).decode()
    if isinstance(value, str):
        return value
    if datatype == DataType.BOOLEAN:
        return bool(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    number = signed(value, datatype)
    return _moment(number) if datatype == DataType.DATE_TIME else number


def signed(value: int, datatype: int | None) -> int:
    """Return a whole number from its two's complement; 8-bit numbers may come in 32 or 64 bits.

    Raises DataError `malformed` when it is beyond its type.
    """
    bits = SIGNED_BITS.get(datatype)  # type: ignore[call-overload]  # None is in no table
    if bits is None:
        limit = UNSIGNED_BITS.get(datatype)  # type: ignore[call-overload]  # the same
        if limit is not None and value >> limit:
            raise DataError("malformed", f"{value} is no whole number of {limit} bits")
        return value
    for carried in (bits, 32, 64):
        if carried >= bits and not value >> carried:
            # All the bits before the number's own repeat its sign.
            number = value - (1 << carried) if value >> (carried - 1) else value
            if -(1 << (bits - 1)) <= number < 1 << (bits - 1):
                return number
    raise DataError("malformed", f"{value} is no signed whole number of {bits} bits")


def unsigned(value: int, datatype: int) -> int:
    """Return a whole number as the wire carries it; the opposite of `signed`."""
    return value & (2**64 - 1 if datatype == DataType.INT64 else 2**32 - 1)


def quality(metric: Metric) -> Quality:
    """Return how far a metric may be trusted, by its property `Quality`.

    The specification knows 0 (bad), 192 (good) and 500 (stale: to us uncertain). Others up to 255
    are read as OPC quality codes, whose two high bits say the same; beyond, as those of Ignition
    and OPC UA, see `_of_vendor`. What is no code counts as uncertain.
    """
    if metric.properties is None or QUALITY_KEY not in metric.properties.keys:
        return Quality.GOOD
    code = metric.property_value(QUALITY_KEY)
    if not isinstance(code, int):
        return Quality.UNCERTAIN
    if code > 255:
        return _of_vendor(code)
    return (Quality.BAD, Quality.UNCERTAIN, Quality.UNCERTAIN, Quality.GOOD)[code >> 6]


def _of_vendor(code: int) -> Quality:
    """Return what codes above 255 say.

    Ignition 8 and OPC UA put the severity into the two highest of 32 bits: 0 good, 1 uncertain,
    2 bad; Ignition also knows 3, an error. Ignition's subcodes come without it too: 256 to 299
    uncertain, 512 and 768 onwards bad; those of Ignition 7 from 300 are errors, but for 500
    (stale).
    """
    code &= 2**32 - 1
    severity, between, subcode = code >> 30, code >> 16 & 0x3FFF, code & 0xFFFF
    if severity == 3:
        return Quality.UNCERTAIN if between else Quality.BAD
    if severity or between:
        return (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD)[severity]
    if subcode < 300 or subcode == 500 or subcode > 1023:
        return Quality.UNCERTAIN
    return Quality.BAD


def quality_property(of: Quality) -> PropertySet | None:
    """Return the properties that say a quality; a good value needs none."""
    if of is Quality.GOOD:
        return None
    code = PropertyValue(type=DataType.INT32, value=_CODE_OF_QUALITY[of])
    return PropertySet(keys=[QUALITY_KEY], values=[code])


def _moment(ms: int) -> str:
    try:
        return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
    except OverflowError:
        return str(ms)


def _array(data: bytes, datatype: int | None) -> str:
    assert datatype is not None
    try:
        values = _READERS[datatype](data)
    except (struct.error, UnicodeDecodeError, IndexError) as exc:
        raise DataError("malformed", f"{len(data)} bytes are no array of its type") from exc
    return msgspec.json.encode(values).decode()


def _numbers(form: str) -> Callable[[bytes], list[int | float | None]]:
    size = struct.calcsize(f"<{form}")

    def read(data: bytes) -> list[int | float | None]:
        values = struct.unpack(f"<{len(data) // size}{form}", data)
        return [value if math.isfinite(value) else None for value in values]

    return read


def _milliseconds(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 8}q", data)


def _booleans(data: bytes) -> list[bool]:
    """Return bits: a count of four bytes, then the bits, the first one the highest of its byte."""
    (count,) = struct.unpack_from("<I", data)
    if count > 8 * (len(data) - 4):
        raise IndexError(count)
    return [bool(data[4 + k // 8] >> (7 - k % 8) & 1) for k in range(count)]


def _strings(data: bytes) -> list[str]:
    """Return texts, each of which ends with a zero byte."""
    return [text.decode() for text in data.removesuffix(b"\0").split(b"\0")] if data else []


_READERS: dict[int, Callable[[bytes], object]] = {
    **{datatype: _numbers(form) for datatype, form in _ARRAYS.items()},
    DataType.DATE_TIME_ARRAY: lambda data: [_moment(ms) for ms in _milliseconds(data)],
    DataType.BOOLEAN_ARRAY: _booleans,
    DataType.STRING_ARRAY: _strings,
}


def _plain(value: DataSet | Template) -> object:
    """Return a table or a template as what JSON can say."""
    if isinstance(value, DataSet):
        types = dict(enumerate(value.types))
        return {
            "columns": value.columns,
            "types": value.types,
            "rows": [
                [meaning(cell.value, types.get(column)) for column, cell in enumerate(row.elements)]
                for row in value.rows
            ],
        }
    return {
        "template_ref": value.template_ref,
        "version": value.version,
        "is_definition": bool(value.is_definition),
        "parameters": {
            parameter.name or "": meaning(parameter.value, parameter.type)
            for parameter in value.parameters
        },
        "metrics": {metric.name or str(metric.alias): _nested(metric) for metric in value.metrics},
    }


def _nested(metric: Metric) -> object:
    if metric.is_null:
        return None
    if isinstance(metric.value, DataSet | Template):
        return _plain(metric.value)
    return meaning(metric.value, metric.datatype)
