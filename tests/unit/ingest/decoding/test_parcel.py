import msgspec
import numpy as np
import pytest

from ingest.decoding.column import Kind
from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel
from ingest.decoding.parcel import BirthParcel, DataParcel, Ids, RefusedParcel, StatusParcel
from ingest.settings import LimitSettings
from plant.measurement import Value
from tests.plants.deliveries import EDGE, NOW, birth, data, message, status

LIMITS = LimitSettings(max_text_length=10)


def opened(letter: Message) -> DataParcel:
    parcel = open_parcel(letter, LIMITS)
    assert isinstance(parcel, DataParcel)
    return parcel


def refusal(letter: Message) -> RefusedParcel:
    parcel = open_parcel(letter, LIMITS)
    assert isinstance(parcel, RefusedParcel)
    return parcel


def test_numbers_become_a_column_when_all_values_are_numbers() -> None:
    parcel = opened(data(7, [1, 2.5, -3]))

    assert parcel.ids == Ids("e1", 7, 10)
    assert parcel.rows == 3
    assert parcel.number.tolist() == [1.0, 2.5, -3.0]
    assert set(parcel.kind.tolist()) == {Kind.NUMBER}
    assert parcel.quality.tolist() == [0, 0, 0]


def test_each_value_is_told_apart_when_they_are_of_different_kinds() -> None:
    values: list[Value] = [1, True, "chạy", None, "x" * 11, "a\0b", 10**400]
    parcel = opened(data(1, values))

    assert parcel.kind.tolist() == [
        Kind.NUMBER,
        Kind.NUMBER,
        Kind.TEXT,
        Kind.NOTHING,
        Kind.TEXT_TOO_LONG,
        Kind.TEXT_WITH_NUL,
        Kind.NUMBER_TOO_LARGE,
    ]
    assert parcel.number[:2].tolist() == [1.0, 1.0]
    assert np.isnan(parcel.number[2:]).all()


def test_a_text_of_digits_is_no_number() -> None:
    assert opened(data(1, ["1.5", 2.5])).kind.tolist() == [Kind.TEXT, Kind.NUMBER]


def test_a_time_beyond_64_bits_is_kept_out_of_reach_of_wrapping() -> None:
    parcel = opened(data(1, [1.0, 2.0], time_us=[2**70, -(2**70)]))

    assert parcel.time_us[0] > 2**60
    assert parcel.time_us[1] < -(2**60)


@pytest.mark.parametrize(
    "topic",
    [
        "nm/v1/co-khi-thu/bien-hoa/data",
        "nm/v2/co-khi-thu/bien-hoa/edge-1/data",
        "nm/v1/Co-Khi/bien-hoa/edge-1/data",
        "nm/v1/co-khi-thu/bien-hoa/edge-1/nonsense",
    ],
)
def test_a_message_is_refused_when_its_topic_is_not_ours(topic: str) -> None:
    assert refusal(Message(topic, data(1, [1]).payload, NOW)).reason == "bad_topic"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"schema": 1}', "malformed"),
    ],
)
def test_a_message_is_refused_without_ids_when_nothing_can_be_read(
    payload: bytes, reason: str
) -> None:
    refused = refusal(message("data", payload))

    assert refused.reason == reason
    assert refused.ids is None
    assert refused.address == EDGE


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"schema": 2}, "unknown_schema"),
        ({"value": [1]}, "inconsistent"),
        ({"tag": [0, 5]}, "inconsistent"),
        ({"quality": [0]}, "inconsistent"),
        ({"time_us": "soon"}, "malformed"),
    ],
)
def test_a_refused_message_keeps_its_ids_when_its_head_can_be_read(
    changed: dict[str, object], reason: str
) -> None:
    content = msgspec.json.decode(data(4, [1, 2]).payload) | changed

    refused = refusal(message("data", msgspec.json.encode(content)))

    assert refused.reason == reason
    assert refused.ids == Ids("e1", 4, 6)


@pytest.mark.parametrize(
    "changed",
    [
        {"last_id": 10**9},
        {"first_id": 0, "last_id": 1},
        {"first_id": 5, "last_id": 4},
        {"epoch": ""},
        {"epoch": "a\0"},
        {"epoch": "x" * 65},
    ],
)
def test_ids_are_not_believed_when_they_are_implausible(changed: dict[str, object]) -> None:
    content = msgspec.json.decode(data(4, [1, 2]).payload) | changed

    assert refusal(message("data", msgspec.json.encode(content))).ids is None


def test_a_message_is_refused_when_it_is_too_large() -> None:
    small = LimitSettings(max_payload_bytes=1_000)

    parcel = open_parcel(data(1, [1.5] * 500), small)

    assert isinstance(parcel, RefusedParcel)
    assert parcel.reason == "too_large"
    assert parcel.ids == Ids("e1", 1, 501)


def test_births_and_heartbeats_are_recognised_by_their_topic() -> None:
    assert isinstance(open_parcel(birth(), LIMITS), BirthParcel)
    assert isinstance(open_parcel(status(issued_id=3), LIMITS), StatusParcel)
    assert refusal(message("status", b"{}")).reason == "malformed"


def test_a_heartbeat_is_refused_when_its_epoch_cannot_be_printed() -> None:
    assert refusal(status(epoch="a\0b")).reason == "malformed"
