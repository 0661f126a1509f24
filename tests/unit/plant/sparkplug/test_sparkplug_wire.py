"""The Sparkplug codec: against its `.proto` file, against Google's library, and at its limits."""

import struct

import pytest
from google.protobuf import descriptor_pb2

from plant.errors import DataError
from plant.sparkplug import (
    DataSet,
    DataType,
    Metric,
    Payload,
    PropertySet,
    PropertyValue,
    Template,
    decode,
    encode,
)
from plant.sparkplug.message import (
    TABLES,
    DataSetValue,
    Kind,
    MetaData,
    Parameter,
    PropertySetList,
    Row,
)
from plant.sparkplug.wire import MAX_DEPTH, MAX_PARTS
from tests.peers.protobuf_peer import descriptors, payload_class

Theirs = payload_class()
_Field = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    _Field.TYPE_UINT32: Kind.UINT32,
    _Field.TYPE_UINT64: Kind.UINT64,
    _Field.TYPE_BOOL: Kind.BOOL,
    _Field.TYPE_FLOAT: Kind.FLOAT,
    _Field.TYPE_DOUBLE: Kind.DOUBLE,
    _Field.TYPE_STRING: Kind.STRING,
    _Field.TYPE_BYTES: Kind.BYTES,
    _Field.TYPE_MESSAGE: Kind.MESSAGE,
}

WHOLE = Payload(
    timestamp=1_772_440_200_300,
    seq=7,
    uuid="a-b",
    body=b"\0\xff",
    metrics=[
        Metric(name="int", alias=1, datatype=DataType.INT32, value=4_294_967_295),
        Metric(alias=2**64 - 1, timestamp=2**64 - 1, datatype=DataType.UINT64, value=2**64 - 1),
        Metric(name="f", datatype=DataType.FLOAT, value=0.5),
        Metric(name="d", datatype=DataType.DOUBLE, value=-1.25e300, is_historical=True),
        Metric(name="b", datatype=DataType.BOOLEAN, value=False, is_transient=False),
        Metric(name="s", datatype=DataType.STRING, value="Nhịp máy"),
        Metric(name="x", datatype=DataType.BYTES, value=b"\x00\x01", metadata=MetaData(size=2)),
        Metric(name="null", datatype=DataType.INT8, is_null=True),
        Metric(
            name="table",
            datatype=DataType.DATA_SET,
            value=DataSet(
                2,
                ["a", "b"],
                [DataType.INT64, DataType.STRING],
                [Row([DataSetValue(2**40), DataSetValue("x")]), Row([DataSetValue(True)])],
            ),
        ),
        Metric(
            name="structure",
            datatype=DataType.TEMPLATE,
            value=Template(
                version="1",
                metrics=[Metric(name="inner", datatype=DataType.INT16, value=3)],
                parameters=[Parameter("p", DataType.DOUBLE, 0.5)],
                template_ref="Motor",
                is_definition=False,
            ),
            properties=PropertySet(
                ["Quality", "more", "list"],
                [
                    PropertyValue(DataType.INT32, value=192),
                    PropertyValue(
                        DataType.PROPERTY_SET,
                        value=PropertySet(["k"], [PropertyValue(DataType.STRING, value="v")]),
                    ),
                    PropertyValue(
                        DataType.PROPERTY_SET_LIST,
                        value=PropertySetList([PropertySet(["n"], [PropertyValue(is_null=True)])]),
                    ),
                ],
            ),
        ),
    ],
)


def test_tables_and_proto_file_agree() -> None:
    said = {
        message.name: {
            (
                field.number,
                field.name,
                _KINDS[field.type],
                field.label == _Field.LABEL_REPEATED,
                field.type_name.rpartition(".")[2],
            )
            for field in message.field
        }
        for message in descriptors().message_type
    }
    coded = {
        name: {(f.number, f.name, f.kind, f.repeated, f.message) for f in fields}
        for name, fields in TABLES.items()
    }
    assert coded == said


def test_a_payload_is_the_same_when_it_was_encoded_and_decoded() -> None:
    assert decode(encode(WHOLE)) == WHOLE


def test_googles_library_writes_the_same_bytes() -> None:
    ours = encode(WHOLE)

    theirs = Theirs.FromString(ours)

    assert theirs.SerializeToString(deterministic=True) == ours
    assert theirs.metrics[9].template_value.metrics[0].int_value == 3


def test_packed_numbers_are_read_like_single_ones() -> None:
    # Field 17 of a metric in field 2 of the payload: a data set with `types` packed.
    types = bytes([0x1A, 4, 1, 2, 0x96, 0x01])
    metric = bytes([0x8A, 0x01, len(types), *types])
    decoded = decode(bytes([0x12, len(metric), *metric]))
    value = decoded.metrics[0].value
    assert isinstance(value, DataSet)
    assert value.types == [1, 2, 150]


def test_unknown_fields_are_passed_over() -> None:
    unknown = b"\xb8\x3e\x05" + b"\xba\x3e\x03abc" + b"\xbd\x3e1234" + b"\xb9\x3e12345678"
    assert decode(encode(WHOLE) + unknown) == WHOLE


def test_the_last_value_stands_when_a_field_comes_twice() -> None:
    assert decode(b"\x18\x01\x18\x02").seq == 2


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\x12", id="ends after a key"),
        pytest.param(b"\x12\x05abc", id="ends within a message"),
        pytest.param(b"\x22\x02\xff\xfe", id="text is not UTF-8"),
        pytest.param(b"\x18" + b"\xff" * 10 + b"\x01", id="number of eleven bytes"),
        pytest.param(b"\x18\xff", id="number without end"),
        pytest.param(b"\x13", id="group"),
        pytest.param(b"\x17", id="wire type 7"),
        pytest.param(b"\x00\x00", id="field 0"),
        pytest.param(b"\x12\x03\x69\x01\x02", id="double cut short"),
        pytest.param(b"\x12\x02\x12\x7f", id="inner length beyond the outer"),
        pytest.param(b'{"schema": 1}', id="JSON"),
    ],
)
def test_bytes_are_refused_with_a_reason_when_they_are_no_payload(payload: bytes) -> None:
    with pytest.raises(DataError) as refusal:
        decode(payload)
    assert refusal.value.reason == "malformed"
    assert refusal.value.detail


def test_a_payload_is_refused_when_it_would_make_too_many_parts() -> None:
    with pytest.raises(DataError, match="too_large"):
        decode(b"\x12\x00" * (MAX_PARTS + 1))


def test_a_payload_is_refused_when_it_is_nested_too_deep() -> None:
    inner = Metric(name="x", value=Template())
    for _ in range(MAX_DEPTH):
        inner = Metric(name="x", value=Template(metrics=[inner]))
    with pytest.raises(DataError, match="nested"):
        decode(encode(Payload(metrics=[inner])))


def test_a_number_is_refused_when_its_field_cannot_hold_it() -> None:
    with pytest.raises(OverflowError):
        encode(Payload(seq=-1))


def test_special_floats_keep_their_bits() -> None:
    values = [float("nan"), float("inf"), float("-inf"), -0.0]
    sent = Payload(metrics=[Metric(datatype=DataType.DOUBLE, value=v) for v in values])
    received = [metric.value for metric in decode(encode(sent)).metrics]
    assert [struct.pack("<d", v) for v in received] == [struct.pack("<d", v) for v in values]
