"""Devices without outbox ids, through the committer and a database in memory."""

import msgspec
import pytest

from ingest.decoding.message import Message
from plant.clock import from_microseconds
from plant.delivery.lag import RELATIVE_ERROR, Counts, lag_quantile_s
from plant.errors import StoreUnavailableError
from plant.measurement import ValueType
from plant.native.message import EdgeAddress, Leaf
from tests.plants.deliveries import EDGE, NOW, NOW_US, STRANGER, TEMPERATURE, birth, message
from tests.unit.ingest.bench import Bench

HEAT = msgspec.structs.replace(TEMPERATURE, name="edge-1/nhiet-do")
MODE = msgspec.structs.replace(
    HEAT, name="edge-1/che-do/ten", value_type=ValueType.TEXT, low=None, high=None
)


def values(content: object, edge: EdgeAddress = EDGE, *, retained: bool = False) -> Message:
    return message(Leaf.VALUES, msgspec.json.encode(content), edge, retained=retained)


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.take(birth([HEAT, MODE]))
    return bench


def numbers(bench: Bench) -> list[float | None]:
    return [value for _, _, value, _ in bench.store.tables.numbers]


def reasons(bench: Bench) -> list[str]:
    return [rejection.reason for rejection in bench.store.tables.rejections]


def lags(bench: Bench) -> Counts:
    return {bucket: number for (_, bucket), number in bench.store.tables.lags.items()}


def assert_conserved(bench: Bench) -> None:
    counted = bench.selfstat.snapshot()
    assert counted.messages.queued == 0
    assert counted.measurements.queued == 0
    assert counted.measurements.written == len(bench.store.tables.numbers) + len(
        bench.store.tables.texts
    )


def test_fields_become_tags_of_the_device(bench: Bench) -> None:
    published = bench.take(values({"ts": NOW_US, "nhiet-do": 71.5, "che-do": {"ten": "AUTO"}}))

    assert numbers(bench) == [71.5]
    assert [row[1:] for row in bench.store.tables.texts] == [(NOW_US, "AUTO", 0)]
    assert published == []
    assert_conserved(bench)


def test_repetitions_are_left_out_within_a_group_and_after_it(bench: Bench) -> None:
    first = values({"ts": NOW_US, "nhiet-do": 20})
    bench.take(first, first, values({"ts": NOW_US + 1, "nhiet-do": 20}))
    bench.take(values([{"ts": NOW_US, "nhiet-do": 20}, {"ts": NOW_US + 2, "nhiet-do": 20}]), first)

    assert numbers(bench) == [20, 20, 20]
    counted = bench.selfstat.snapshot()
    assert (counted.messages.written, counted.messages.duplicate) == (1 + 3, 2)
    assert counted.measurements.duplicate == 3
    assert_conserved(bench)


def test_the_age_of_what_is_written_is_counted(bench: Bench) -> None:
    minute_old = {"ts": NOW_US - 60_000_000, "nhiet-do": 20, "che-do": {"ten": "AUTO"}, "rssi": 1}
    bench.take(values(minute_old), values(minute_old), values({"ts": NOW_US, "nhiet-do": 999}))

    # Neither the repetition, nor what is no tag, nor what is out of range.
    assert lag_quantile_s(lags(bench), 1) == pytest.approx(60, rel=RELATIVE_ERROR)
    assert sum(lags(bench).values()) == 2


def test_two_values_of_one_moment_are_both_kept(bench: Bench) -> None:
    bench.take(values({"ts": NOW_US, "nhiet-do": 20}), values({"ts": NOW_US, "nhiet-do": 21}))

    assert numbers(bench) == [20, 21]


def test_nothing_is_twice_when_the_answer_to_the_commit_is_lost(bench: Bench) -> None:
    bench.store.after_commit.append(StoreUnavailableError())

    bench.take(values({"ts": NOW_US, "nhiet-do": 20}))

    assert numbers(bench) == [20]
    assert bench.selfstat.snapshot().measurements.duplicate == 1


def test_null_is_stored_as_a_bad_value(bench: Bench) -> None:
    bench.take(values({"ts": NOW_US, "nhiet-do": None}))

    assert bench.store.tables.numbers[0][2:] == (None, 2)


def test_what_cannot_be_stored_is_kept_raw_while_the_rest_is_written(bench: Bench) -> None:
    bench.take(values({"ts": NOW_US, "nhiet-do": 999, "che-do": {"ten": 5}, "rssi": -60}))
    bench.take(values({"ts": NOW_US + 1, "nhiet-do": 30, "rssi": -61}))

    # A field without a tag is one row, however often it comes.
    assert sorted(reasons(bench)) == ["out_of_range", "unknown_tag", "wrong_type"]
    raw = msgspec.json.decode(bench.store.tables.rejections[0].raw)
    assert (raw["tag"], raw["value"], raw["time_us"]) == ("edge-1/nhiet-do", 999, NOW_US)
    assert numbers(bench) == [30]
    assert bench.selfstat.snapshot().measurements.rejected == 4
    assert_conserved(bench)


def test_every_message_is_kept_when_nobody_announced_the_device_or_enrolled_it() -> None:
    bench = Bench()
    said = [values({"ts": NOW_US + k, "nhiet-do": k}) for k in range(2)]

    bench.take(*said, values({"ts": NOW_US, "x": 1}, STRANGER))

    # Nobody sends these again, so each is kept.
    assert sorted(reasons(bench)) == ["no_birth", "no_birth", "unknown_edge"]
    assert [row.raw for row in bench.store.tables.rejections[:2]] == [one.payload for one in said]
    assert_conserved(bench)


def test_a_message_without_a_time_is_refused_as_a_whole(bench: Bench) -> None:
    bench.take(values({"nhiet-do": 20}))

    assert reasons(bench) == ["no_time"]
    assert numbers(bench) == []


def test_a_live_message_is_a_sign_of_life_and_a_retained_one_is_not(bench: Bench) -> None:
    old = values({"ts": NOW_US - 9_000_000, "nhiet-do": 1}, retained=True)
    bench.take(old)
    assert bench.store.tables.statuses == {}

    ahead = values({"ts": NOW_US + 60_000_000, "nhiet-do": 2})
    bench.take(values({"ts": NOW_US - 5_000_000, "nhiet-do": 2}))
    assert bench.store.tables.statuses[1].sampled_time == from_microseconds(NOW_US - 5_000_000)
    bench.take(ahead)

    status = bench.store.tables.statuses[1]
    assert (status.online, status.pending, status.reported_at) == (True, 0, NOW)
    assert status.sampled_time == NOW
    never_set = values({"ts": -(2**61), "nhiet-do": 2})
    bench.take(never_set._replace(payload=b'{"ts":-1e19,"nhiet-do":2}'))
    assert reasons(bench) == ["past_source_time"]


@pytest.mark.parametrize(("fields", "rows"), [(100, 100), (101, 1)])
def test_a_message_with_very_many_fields_that_are_no_tags_is_one_rejection(
    fields: int, rows: int
) -> None:
    bench = Bench()
    bench.take(birth())
    said = values({"ts": NOW_US, **{f"f{k}": k for k in range(fields)}})

    bench.take(said, said)

    rejections = bench.store.tables.rejections
    assert len(rejections) == rows
    if rows == 1:
        assert (rejections[0].reason, rejections[0].raw) == ("many_refused", said.payload)
    assert bench.selfstat.snapshot().measurements.rejected == 2 * fields
