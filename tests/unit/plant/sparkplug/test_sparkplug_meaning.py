"""What values of every Sparkplug data type mean to us."""

import json
import struct

import pytest

from plant.errors import DataError
from plant.measurement import Quality, Value, ValueType
from plant.sparkplug import (
    DataSet,
    DataType,
    Metric,
    PropertySet,
    PropertyValue,
    Template,
    meaning,
    quality,
    quality_property,
    unsigned,
    value_type,
)
from plant.sparkplug.message import DataSetValue, MetricValue, Parameter, Row


@pytest.mark.parametrize(
    ("datatype", "wire", "meant"),
    [
        (DataType.INT8, 0xFF, -1),
        (DataType.INT8, 0xFFFFFF80, -128),
        (DataType.INT8, 127, 127),
        (DataType.INT16, 0x8000, -32768),
        (DataType.INT32, 0xFFFFFFFE, -2),
        (DataType.INT32, 2**64 - 2, -2),
        (DataType.INT64, 2**64 - 1, -1),
        (DataType.INT64, 2**63 - 1, 2**63 - 1),
        (DataType.UINT8, 255, 255),
        (DataType.UINT16, 65535, 65535),
        (DataType.UINT32, 2**32 - 1, 2**32 - 1),
        (DataType.UINT64, 2**64 - 1, 2**64 - 1),
        (DataType.FLOAT, 0.5, 0.5),
        (DataType.DOUBLE, -1e300, -1e300),
        (DataType.DOUBLE, float("nan"), None),
        (DataType.DOUBLE, float("inf"), None),
        (DataType.BOOLEAN, True, True),
        (DataType.BOOLEAN, 0, False),
        (DataType.STRING, "a", "a"),
        (DataType.TEXT, "b", "b"),
        (DataType.UUID, "c", "c"),
        (DataType.DATE_TIME, 1_772_440_200_300, "2026-03-02T08:30:00.300+00:00"),
        (DataType.DATE_TIME, 2**64 - 1, "1969-12-31T23:59:59.999+00:00"),
        (DataType.DATE_TIME, 2**64 - 951_793_516, "1969-12-20T23:36:46.484+00:00"),
        (DataType.DATE_TIME, 2**63 - 1, str(2**63 - 1)),
        (DataType.DATE_TIME, 2**63, str(-(2**63))),
        (DataType.INT8, 2**64 - 128, -128),
        (DataType.INT16, 2**32 - 1, -1),
        (DataType.BYTES, b"\x00\xff", "AP8="),
        (DataType.FILE, b"hi", "aGk="),
        (DataType.INT8_ARRAY, b"\xef\x7b", "[-17,123]"),
        (DataType.INT16_ARRAY, b"\x88\x84\xdc\x79", "[-31608,31196]"),
        (DataType.UINT32_ARRAY, struct.pack("<2I", 52, 2**32 - 1), "[52,4294967295]"),
        (DataType.INT64_ARRAY, struct.pack("<q", -(2**63)), "[-9223372036854775808]"),
        (DataType.UINT64_ARRAY, struct.pack("<Q", 2**64 - 1), "[18446744073709551615]"),
        (DataType.FLOAT_ARRAY, struct.pack("<2f", 1.25, float("nan")), "[1.25,null]"),
        (DataType.DOUBLE_ARRAY, struct.pack("<d", 12.3456789), "[12.3456789]"),
        (
            DataType.BOOLEAN_ARRAY,
            struct.pack("<I", 12) + b"\x34\xd0",
            "[false,false,true,true,false,true,false,false,true,true,false,true]",
        ),
        (DataType.STRING_ARRAY, b"ABC\0hello\0", '["ABC","hello"]'),
        (DataType.STRING_ARRAY, b"", "[]"),
        (
            DataType.DATE_TIME_ARRAY,
            struct.pack("<2q", 1_772_440_200_300, -1),
            '["2026-03-02T08:30:00.300+00:00","1969-12-31T23:59:59.999+00:00"]',
        ),
        (None, 5, 5),
        (DataType.INT32, None, None),
        (99, "new type", "new type"),
    ],
)
def test_every_data_type_has_a_meaning(
    datatype: int | None, wire: MetricValue, meant: Value
) -> None:
    """tck-id-payloads-metric-datatype-value"""
    assert meaning(wire, datatype) == meant
    assert type(meaning(wire, datatype)) is type(meant)


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        (DataType.INT32_ARRAY, b"\0\0\0"),
        (DataType.BOOLEAN_ARRAY, b"\xff\xff\xff\xff\x00"),
        (DataType.BOOLEAN_ARRAY, b"\0"),
        (DataType.STRING_ARRAY, b"\xff\0"),
    ],
)
def test_bytes_are_refused_when_they_are_no_array_of_their_type(
    datatype: DataType, data: bytes
) -> None:
    with pytest.raises(DataError, match="malformed"):
        meaning(data, datatype)


@pytest.mark.parametrize(
    ("datatype", "wire"),
    [
        (DataType.INT8, 300),
        (DataType.INT8, 2**32 - 129),
        (DataType.INT16, 2**16),
        (DataType.INT32, 2**32),
        (DataType.UINT8, 256),
        (DataType.UINT16, 2**32 - 1),
        (DataType.UINT32, 2**32),
    ],
)
def test_a_whole_number_beyond_its_type_is_refused(datatype: DataType, wire: int) -> None:
    with pytest.raises(DataError, match="malformed"):
        meaning(wire, datatype)


@pytest.mark.parametrize("datatype", [None, DataType.UNKNOWN, 99])
def test_the_value_tells_its_kind_where_the_type_does_not(datatype: int | None) -> None:
    assert value_type(datatype, 5) is ValueType.NUMBER
    assert value_type(datatype, 0.5) is ValueType.NUMBER
    assert value_type(datatype, True) is ValueType.NUMBER
    assert value_type(datatype, "5") is ValueType.TEXT
    assert value_type(datatype, b"5") is ValueType.TEXT


def test_tables_and_templates_become_text() -> None:
    table = DataSet(
        2,
        ["n", "s"],
        [DataType.INT8, DataType.STRING],
        [Row([DataSetValue(255), DataSetValue("x")])],
    )
    template = Template(
        template_ref="Motor",
        metrics=[
            Metric(name="rpm", datatype=DataType.INT32, value=2**32 - 5),
            Metric(name="off", datatype=DataType.INT32, is_null=True),
            Metric(name="rows", datatype=DataType.DATA_SET, value=table),
        ],
        parameters=[Parameter("kW", DataType.DOUBLE, 5.5)],
    )
    rows = {"columns": ["n", "s"], "types": [1, 12], "rows": [[-1, "x"]]}
    assert json.loads(str(meaning(table, DataType.DATA_SET))) == rows
    assert json.loads(str(meaning(template, DataType.TEMPLATE))) == {
        "template_ref": "Motor",
        "version": None,
        "is_definition": False,
        "parameters": {"kW": 5.5},
        "metrics": {"rpm": -5, "off": None, "rows": rows},
    }


@pytest.mark.parametrize("number", [-128, -1, 0, 127])
def test_signed_numbers_come_back_when_they_travelled_unsigned(number: int) -> None:
    for datatype in (DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64):
        assert meaning(unsigned(number, datatype), datatype) == number


@pytest.mark.parametrize("datatype", list(DataType))
def test_numbers_are_numbers_and_all_else_is_text(datatype: DataType) -> None:
    is_number = DataType.INT8 <= datatype <= DataType.BOOLEAN
    assert value_type(datatype) is (ValueType.NUMBER if is_number else ValueType.TEXT)


@pytest.mark.parametrize(
    ("code", "trust"),
    [
        (192, Quality.GOOD),
        (0, Quality.BAD),
        (500, Quality.UNCERTAIN),
        (64, Quality.UNCERTAIN),
        (24, Quality.BAD),
        (216, Quality.GOOD),
        (2**32 - 1, Quality.UNCERTAIN),
        ("Good", Quality.UNCERTAIN),
        # Ignition 8: Uncertain_LastKnownValue, Bad, Bad_Stale, Error_Configuration
        (1073742081, Quality.UNCERTAIN),
        (2**32 - 2147483136, Quality.BAD),
        (2**64 - 2147483132, Quality.BAD),
        (2**32 - 1073741055, Quality.BAD),
        # the same without their severity, and of Ignition 7
        (257, Quality.UNCERTAIN),
        (516, Quality.BAD),
        (769, Quality.BAD),
        (404, Quality.BAD),
        # OPC UA: GoodLocalOverride, UncertainLastUsableValue, BadNotConnected
        (0x00960000, Quality.GOOD),
        (0x40900000, Quality.UNCERTAIN),
        (0x808A0000, Quality.BAD),
        (5_000, Quality.UNCERTAIN),
    ],
)
def test_the_quality_property_says_how_far_a_value_may_be_trusted(
    code: int | str, trust: Quality
) -> None:
    """tck-id-payloads-propertyset-quality-value-value"""
    said = PropertySet(["Quality"], [PropertyValue(DataType.INT32, value=code)])
    assert quality(Metric(properties=said)) is trust


def test_quality_is_good_when_nothing_is_said() -> None:
    assert quality(Metric()) is Quality.GOOD
    assert quality(Metric(properties=PropertySet(["x"], []))) is Quality.GOOD


@pytest.mark.parametrize("trust", list(Quality))
def test_a_quality_comes_back_when_it_travelled(trust: Quality) -> None:
    """tck-id-payloads-propertyset-quality-value-type"""
    said = quality_property(trust)
    assert quality(Metric(properties=said)) is trust
    assert said is None or said.values[0].type == DataType.INT32
