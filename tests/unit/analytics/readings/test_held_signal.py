"""Readings become step signals."""

import numpy as np

from analytics.readings.signal import (
    NOTHING,
    Steps,
    held,
    number_readings,
    ordered_numbers,
    text_readings,
)


def at(steps: Steps, *seconds: float) -> list[str | None]:
    codes = steps.at(np.array([round(second * 1000) for second in seconds], dtype=np.int64))
    return [steps.name(int(code)) for code in codes]


def seconds(*moments: float) -> list[int]:
    return [round(moment * 1_000_000) for moment in moments]


def test_last_value_is_held_until_the_silence_limit_when_nothing_follows() -> None:
    steps = held(text_readings(seconds(10, 20), ["A", "B"]), 30_000)
    assert at(steps, 9.999, 10, 19.999, 20, 49.999, 50) == [None, "A", "A", "B", "B", None]


def test_value_is_held_for_ever_when_there_is_no_limit() -> None:
    assert at(held(text_readings(seconds(10), ["A"])), 1_000_000) == ["A"]


def test_value_is_unknown_from_a_bad_reading_until_the_next_good_one() -> None:
    steps = held(text_readings(seconds(10, 20, 30), ["A", "A", "A"], [0, 2, 0]), 60_000)
    assert at(steps, 15, 20, 29, 30) == ["A", None, None, "A"]


def test_bad_readings_do_not_count_when_the_signal_holds_through_them() -> None:
    readings = text_readings(seconds(10, 20), ["A", "B"], [0, 2])
    assert at(held(readings, 15_000, through_bad=True), 24, 25) == ["A", None]


def test_best_then_greatest_reading_holds_when_several_share_a_moment() -> None:
    first = text_readings(seconds(10, 10, 10), ["B", "C", "A"], [0, 2, 0])
    assert at(held(first), 10) == ["B"]
    numbers = ordered_numbers(number_readings(seconds(5, 5, 5), [1.0, 3.0, 2.0], [0, 1, 0]))
    assert numbers.value.tolist() == [2.0]


def test_later_microsecond_holds_when_two_share_a_millisecond() -> None:
    steps = held(text_readings([1_000_100, 1_000_900], ["A", "B"]))
    assert at(steps, 1.0) == ["B"]


def test_numbers_without_a_usable_value_are_no_readings() -> None:
    rows = ordered_numbers(number_readings(seconds(1, 2, 3), [1.0, float("nan"), 3.0], [0, 0, 2]))
    assert rows.value.tolist() == [1.0]


def test_nothing_holds_when_there_are_no_readings() -> None:
    assert held(text_readings([], []), 1000).at(np.array([5])).tolist() == [NOTHING]
