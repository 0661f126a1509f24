"""What devices without outbox ids say, read as it is."""

from typing import Any

import msgspec
import pytest

from plant.clock import microseconds
from plant.errors import DataError
from plant.native.device_values import MAX_DEPTH, MAX_VALUES, decode_device_values
from tests.plants.deliveries import NOW, NOW_US


def read(content: object) -> dict[str, Any]:
    said = decode_device_values(msgspec.json.encode(content))
    return dict(zip(said.path, said.value, strict=True))


def reason(payload: bytes) -> str:
    with pytest.raises(DataError) as refused:
        decode_device_values(payload)
    return refused.value.reason


def test_fields_are_named_by_their_path() -> None:
    content = {
        "Time": "a field like another",
        "time": NOW_US,
        "ENERGY": {"Power": 71, "Phase": [1.5, None]},
        "on": True,
        "state": "RUN",
    }

    assert read(content) == {
        "Time": "a field like another",
        "ENERGY/Power": 71,
        "ENERGY/Phase/0": 1.5,
        "ENERGY/Phase/1": None,
        "on": True,
        "state": "RUN",
    }


@pytest.mark.parametrize("name", ["time", "timestamp", "ts"])
@pytest.mark.parametrize(
    "time",
    [
        NOW.isoformat(),
        "2026-03-02T15:30:00+07:00",
        "2026-03-02T08:30:00Z",
        NOW.timestamp(),
        microseconds(NOW) // 1_000_000,
        microseconds(NOW) // 1000,
        microseconds(NOW),
        microseconds(NOW) * 1000,
    ],
)
def test_the_time_is_understood_in_each_form(name: str, time: object) -> None:
    said = decode_device_values(msgspec.json.encode({name: time, "x": 1}))

    assert (said.path, said.time_us) == (["x"], [NOW_US])


def test_a_list_holds_moments_that_the_device_kept() -> None:
    kept = [{"ts": NOW_US + 1, "x": 1}, {"ts": NOW_US, "x": 2, "y": 3}]

    said = decode_device_values(msgspec.json.encode(kept))

    assert said.path == ["x", "x", "y"]
    assert said.time_us == [NOW_US + 1, NOW_US, NOW_US]
    assert said.value == [1, 2, 3]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"{", "malformed"),
        (b"71.3", "malformed"),
        (b"[[]]", "malformed"),
        (b'{"x":1}', "no_time"),
        (b'{"time":"2026-03-02T08:30:00","x":1}', "no_time"),
        (b'{"time":"noon","x":1}', "no_time"),
        (b'{"time":true,"x":1}', "no_time"),
        (b'{"time":null,"x":1}', "no_time"),
        (b'{"time":1e40,"x":1}', "no_time"),
        (b'{"time":1}', "inconsistent"),
        (b"[]", "inconsistent"),
        (b'{"ts":1,"x":' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}", "malformed"),
        (b'{"ts":1,"x":[' + b"0," * MAX_VALUES + b"0]}", "inconsistent"),
        (b'{"ts":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed"),
    ],
)
def test_a_message_is_refused_with_its_reason(payload: bytes, why: str) -> None:
    assert reason(payload) == why
