import msgspec
import pytest

from plant.errors import DataError
from plant.native.message import (
    SCHEMA,
    Ack,
    DataBatch,
    EdgeAddress,
    Leaf,
    decode_ack,
    decode_data,
    encode,
    parse_topic,
)

BATCH = DataBatch(
    schema=SCHEMA,
    epoch="e1",
    first_id=7,
    last_id=9,
    sent_us=1_700_000_000_000_000,
    tags=["cnc-1/state", "cnc-1/good_count"],
    tag=[0, 1, 1],
    time_us=[1, 2, 3],
    value=["EXECUTE", 12, None],
    quality=[0, 0, 2],
)


def test_a_batch_is_the_same_when_decoded_again() -> None:
    assert decode_data(encode(BATCH)) == BATCH


def test_an_unknown_field_is_ignored_when_decoded() -> None:
    content = msgspec.json.decode(encode(BATCH)) | {"colour": "blue"}
    assert decode_data(msgspec.json.encode(content)) == BATCH


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": 2}, "unknown_schema"),
        ({"last_id": 10}, "inconsistent"),
        ({"last_id": 6}, "inconsistent"),
        ({"tag": [0, 1, 2]}, "inconsistent"),
        ({"tag": [0, -1, 1]}, "inconsistent"),
        ({"quality": [0]}, "inconsistent"),
        ({"value": [1, 2]}, "inconsistent"),
        ({"first_id": 0}, "malformed"),
        ({"time_us": ["now", 2, 3]}, "malformed"),
        ({"epoch": ""}, "malformed"),
    ],
)
def test_a_batch_is_refused_with_its_reason_when_it_is_wrong(
    change: dict[str, object], reason: str
) -> None:
    content = msgspec.json.decode(encode(BATCH)) | change
    with pytest.raises(DataError) as caught:
        decode_data(msgspec.json.encode(content))
    assert caught.value.reason == reason


def test_a_batch_is_refused_when_bytes_outside_of_what_is_read_are_no_text() -> None:
    payload = encode(BATCH)
    assert b'"quality"' in payload
    with pytest.raises(DataError) as caught:
        decode_data(payload.replace(b'"quality"', b'"qualit\xff"'))
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_payload_is_malformed_when_it_is_no_message(payload: bytes) -> None:
    with pytest.raises(DataError) as caught:
        decode_data(payload)
    assert caught.value.reason == "malformed"


def test_an_ack_is_the_same_when_decoded_again() -> None:
    ack = Ack(SCHEMA, "e1", 41, 5)
    assert decode_ack(encode(ack)) == ack


def test_topic_and_address_agree_when_parsed_back() -> None:
    address = EdgeAddress("co-khi-mau", "bien-hoa", "edge-1")
    assert parse_topic(address.topic(Leaf.DATA)) == (address, "data")


@pytest.mark.parametrize(
    "topic", ["", "nm/v1/a/b/c", "nm/v2/a/b/c/data", "nm/v1/A/b/c/data", "nm/v1/a/b/c/d/e", "x"]
)
def test_a_topic_is_refused_when_it_is_not_ours(topic: str) -> None:
    with pytest.raises(DataError, match="bad_topic"):
        parse_topic(topic)
