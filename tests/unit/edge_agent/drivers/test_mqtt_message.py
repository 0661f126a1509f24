"""MQTT messages without a broker: where value and time lie, and what cannot be read."""

from typing import Any

import pytest
from paho.mqtt.client import topic_matches_sub

from edge_agent.drivers.mqtt.message import Message, MessageReader
from edge_agent.drivers.mqtt.path import AbsentError, found, parse_path
from edge_agent.drivers.mqtt.redelivery import REMEMBERED, Redelivery
from edge_agent.drivers.mqtt.settings import MqttSettings, MqttTagSettings
from plant.measurement import Quality

UNIT = "gia-cong/day-chuyen-1/cnc-1"
NOW = 1_772_431_200_000_000


def reader_of(*tags: dict[str, Any], latest: int | None = None, **more: Any) -> MessageReader:
    settings = MqttSettings.model_validate(
        {
            "driver": "mqtt",
            "client_id": "x",
            "tags": [
                {"name": f"cnc-1/{number}", "work_unit": UNIT, **tag}
                for number, tag in enumerate(tags)
            ],
            **more,
        }
    )
    return MessageReader(settings, topic_matches_sub, lambda _tag: latest)


def message(payload: str | bytes, topic: str = "t", *, retained: bool = False) -> Message:
    raw = payload.encode() if isinstance(payload, str) else payload
    return Message(topic, raw, NOW, retained)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b.1", 2),
        ("/a/b/0", 1),
        ("/a~1b", 3),
        ("/m~0n", 4),
        ("/", 5),
        ("", {"a": {"b": [1, 2]}, "a/b": 3, "m~n": 4, "": 5}),
    ],
)
def test_a_value_is_found_by_path_and_by_pointer(path: str, value: object) -> None:
    content = {"a": {"b": [1, 2]}, "a/b": 3, "m~n": 4, "": 5}
    assert found(content, parse_path(path)) == value


@pytest.mark.parametrize("path", ["x", "a.b.2", "a.b.-1", "a.b.01", "a.b.c", "a.b.0.0"])
def test_nothing_is_found_when_the_message_has_no_such_place(path: str) -> None:
    with pytest.raises(AbsentError):
        found({"a": {"b": [1, 2]}}, parse_path(path))


@pytest.mark.parametrize("path", ["a..b", ".a", "/a~2", "/~"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"is no path|is written"):
        parse_path(path)


@pytest.mark.parametrize("topic", ["a/#/b", "a+/b", "#a", "$share/g/a", "a\0"])
def test_a_topic_that_is_no_filter_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="is no topic filter"):
        MqttTagSettings.model_validate({"name": "x", "work_unit": UNIT, "topic": topic})


@pytest.mark.parametrize(
    ("payload", "value"),
    [("5", 5), (" 5.5\n", 5.5), ("true", True), ('"7"', 7), ("on", 1), ("1,5", 1.5)],
)
def test_a_plain_message_is_the_value(payload: str, value: object) -> None:
    (reading,) = reader_of({"topic": "t"}).read(message(payload))
    assert (reading.value, reading.time_us, reading.quality) == (value, NOW, Quality.GOOD)


@pytest.mark.parametrize(
    ("payload", "value"), [("RUN", "RUN"), ('"RUN"', "RUN"), ('"RUN', '"RUN'), ("6", "6")]
)
def test_a_plain_message_stays_text_when_the_tag_is_text(payload: str, value: str) -> None:
    (reading,) = reader_of({"topic": "t", "value_type": "text"}).read(message(payload))
    assert reading.value == value


@pytest.mark.parametrize("payload", ["null", "[1]", "{}", ""])
def test_a_message_without_a_value_is_bad(payload: str) -> None:
    (reading,) = reader_of({"topic": "t"}).read(message(payload))
    assert (reading.value, reading.quality) == (None, Quality.BAD)


@pytest.mark.parametrize(
    ("layout", "time", "expected"),
    [
        ("iso8601", '"2026-03-02T06:00:01Z"', NOW + 1_000_000),
        ("iso8601", '"2026-03-02T13:00:01"', NOW + 1_000_000),
        ("s", "1772431201", NOW + 1_000_000),
        ("s", "1772431201.5", NOW + 1_500_000),
        ("ms", "1772431201500", NOW + 1_500_000),
        ("ms", '"1772431201500"', NOW + 1_500_000),
        ("us", "1772431201500001", NOW + 1_500_001),
        ("ns", "1772431201500001000", NOW + 1_500_001),
    ],
)
def test_a_time_is_read_in_its_format(layout: str, time: str, expected: int) -> None:
    reader = reader_of(
        {"topic": "t", "path": "v"},
        time={"path": "t", "format": layout, "time_zone": "Asia/Ho_Chi_Minh"},
    )
    (reading,) = reader.read(message(f'{{"v": 1, "t": {time}}}'))
    assert (reading.time_us, reading.quality) == (expected, Quality.GOOD)
    assert reader.problems == []


@pytest.mark.parametrize("time", ["null", "true", '"soon"', "1e300", "{}", '"inf"', '"nan"'])
def test_a_value_is_uncertain_when_its_time_cannot_be_read(time: str) -> None:
    reader = reader_of({"topic": "t", "path": "v"}, time={"path": "t", "format": "ms"})
    (reading,) = reader.read(message(f'{{"v": 1, "t": {time}}}'))
    assert (reading.time_us, reading.quality) == (NOW, Quality.UNCERTAIN)
    assert reader.unreadable == 1
    assert reader.problems == ["cnc-1/0 (t v): no readable time at t"]


def test_what_was_never_there_is_named_until_it_comes() -> None:
    reader = reader_of({"topic": "t", "path": "a"}, {"topic": "t", "path": "b"})
    assert [one.value for one in reader.read(message('{"a": 1}'))] == [1]
    assert reader.problems == ["cnc-1/1 (t b): its messages have no such field"]
    reader.read(message('{"b": 2}'))
    assert reader.problems == []
    assert reader.read(message("{}")) == []
    assert reader.problems == []


def test_a_message_that_is_no_json_is_counted_and_named() -> None:
    reader = reader_of({"topic": "t", "path": "a"})
    for payload in (b"\xff", b"{", b"[" * 100_000):
        assert reader.read(message(payload)) == []
    assert reader.unreadable == 3
    assert reader.problems == ["cnc-1/0 (t a): its messages are not JSON in UTF-8"]


def test_a_message_is_left_out_when_it_is_too_large_or_for_nobody() -> None:
    reader = reader_of({"topic": "t"}, max_message_bytes=100)
    assert reader.read(message("1" * 101)) == []
    assert reader.unreadable == 1
    assert reader.read(message("1", topic="other")) == []
    assert reader.unreadable == 1


@pytest.mark.parametrize(("latest", "taken"), [(None, 1), (NOW - 1, 1), (NOW, 0), (NOW + 1, 0)])
def test_a_retained_message_is_taken_only_when_it_is_newer(latest: int | None, taken: int) -> None:
    timed = {"topic": "t", "path": "v", "time": {"path": "t", "format": "us"}}
    reader = reader_of(timed, latest=latest)
    assert len(reader.read(message(f'{{"v": 1, "t": {NOW}}}', retained=True))) == taken
    assert reader_of({"topic": "t"}).read(message("1", retained=True)) == []


def test_a_repeated_message_is_known_until_many_others_have_come() -> None:
    before = Redelivery(None)
    before.take(7, "t", b"1")
    after = Redelivery(str(before))
    assert after.known(7, "t", b"1")
    assert not after.known(8, "t", b"1")
    assert not after.known(7, "t", b"2")
    for number in range(REMEMBERED):
        after.take(number, "other", b"")
    assert not after.known(7, "t", b"1")


KEP = (
    '{"timestamp": 1772431200000, "values": ['
    '{"id": "Line1.Speed", "v": 41.5, "q": true, "t": 1772431200000},'
    '{"id": "Line1.Count", "v": 7, "q": false, "t": 1772431201000}]}'
)


def test_an_entry_is_found_by_its_key_when_others_are_missing() -> None:
    reader = reader_of(
        {"topic": "t", "path": "values[id=Line1.Speed].v"},
        {"topic": "t", "path": 'values[id="Line1.Count"].v'},
        time={"path": "@.t", "format": "ms"},
        quality={"path": "@.q"},
    )
    speed, count = reader.read(message(KEP))
    assert (speed.tag, speed.value, speed.quality) == ("cnc-1/0", 41.5, Quality.GOOD)
    assert (count.tag, count.value, count.quality) == ("cnc-1/1", 7, Quality.BAD)
    assert (speed.time_us, count.time_us) == (NOW, NOW + 1_000_000)
    only = '{"values": [{"id": "Line1.Count", "v": 8, "q": true, "t": 1772431202000}]}'
    assert [(one.tag, one.value) for one in reader.read(message(only))] == [("cnc-1/1", 8)]
    assert reader.problems == []


def test_all_samples_of_a_message_are_taken() -> None:
    payload = '{"s": [{"v": 1, "t": 1772431200}, {"v": 2, "t": 1772431200}, {"v": 3}]}'
    timed = reader_of({"topic": "t", "path": "s[*].v"}, time={"path": "@.t"})
    assert [(one.value, one.time_us) for one in timed.read(message(payload))] == [
        (1, NOW), (2, NOW), (3, NOW),
    ]  # fmt: skip
    assert timed.unreadable == 1
    plain = reader_of({"topic": "t", "path": "[*]"})
    assert [(one.value, one.time_us) for one in plain.read(message("[5, 6]"))] == [
        (5, NOW), (6, NOW + 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ('{"v": NaN}', None),
        ('{"v": -Infinity, "w": 2}', None),
        ('\ufeff{"v": 23.5}', 23.5),
        ('{"v": 23.5}\0\0', 23.5),
        ('{"v": "1_000"}', "1_000"),
        ('{"v": "23,5"}', 23.5),
        ('{"v": "23.5 °C"}', 23.5),
        ('{"v": "ON"}', 1),
        ('{"v": "true"}', 1),
        ('{"v": true}', True),
        ('{"v": "RUN"}', 7),
    ],
)
def test_a_device_may_write_as_it_likes(payload: str, value: object) -> None:
    reader = reader_of({"topic": "t", "path": "v", "words": {"run": 7}})
    (reading,) = reader.read(message(payload))
    assert reading.value == value
    assert reading.quality is (Quality.BAD if value is None else Quality.GOOD)


def test_a_number_with_a_unit_in_another_character_set_is_read() -> None:
    (reading,) = reader_of({"topic": "t"}).read(message(b"23.5 \xb0C"))
    assert reading.value == 23.5


@pytest.mark.parametrize(
    ("numbers", "said", "quality"),
    [
        ("opc_da", "192", Quality.GOOD),
        ("opc_da", "216", Quality.GOOD),
        ("opc_da", "64", Quality.UNCERTAIN),
        ("opc_da", "0", Quality.BAD),
        ("opc_ua", "0", Quality.GOOD),
        ("opc_ua", "1073741824", Quality.UNCERTAIN),
        ("opc_ua", "2147483648", Quality.BAD),
        ("opc_da", '"Good"', Quality.GOOD),
        ("opc_da", '"Uncertain, sensor calibration"', Quality.UNCERTAIN),
        ("opc_da", '"Bad, comm failure"', Quality.BAD),
        ("opc_da", "null", Quality.BAD),
    ],
)
def test_a_quality_is_what_the_message_says(numbers: str, said: str, quality: Quality) -> None:
    reader = reader_of({"topic": "t", "path": "v"}, quality={"path": "q", "numbers": numbers})
    (reading,) = reader.read(message(f'{{"v": 1, "q": {said}}}'))
    assert reading.quality is quality
    (unsaid,) = reader.read(message('{"v": 1}'))
    assert unsaid.quality is Quality.UNCERTAIN
