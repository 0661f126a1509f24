"""Rows in alarm become events."""

import numpy as np
import pytest

from analytics.anomaly.detector import RowStatus, Scores
from analytics.anomaly.event import Event, EventMaker


def scores(pattern: str) -> Scores:
    """Return two sensors' scores: `!` alarm, `.` normal, `-` no verdict, `r` relearned."""
    status = {"!": RowStatus.ALARM, ".": RowStatus.NORMAL, "-": RowStatus.NO_DATA}
    count = len(pattern)
    kinds = [status.get(letter, RowStatus.RELEARNED) for letter in pattern]
    share = np.tile([0.2, 0.8], (count, 1))
    return Scores(
        score=np.array([4.0 if letter == "!" else 0.5 for letter in pattern]),
        status=np.array(kinds, dtype=np.int8),
        contribution=share,
        deviation=np.tile([1.0, -3.0], (count, 1)),
        expected=np.tile([10.0, 20.0], (count, 1)),
    )


def events(pattern: str, maker: EventMaker | None = None) -> list[Event]:
    rows = np.tile([11.0, 14.0], (len(pattern), 1))
    times = np.arange(len(pattern), dtype=np.int64) * 1000
    return (maker or EventMaker(2)).take(times, rows, scores(pattern))


def test_two_rows_are_no_event_and_three_are_one() -> None:
    assert events(".!!." + 40 * ".") == []
    (event,) = events(".!!!" + 40 * ".")
    assert (event.start_ms, event.end_ms, event.rows, event.closed) == (1000, 3000, 3, True)
    assert event.severity == pytest.approx(4.0 * 2)


def test_a_short_calm_does_not_end_an_event() -> None:
    (event,) = events("!!!" + 29 * "." + "!" + 30 * ".")

    assert event.end_ms == 32_000
    assert event.rows == 4


def test_two_events_when_the_calm_between_them_is_long() -> None:
    first, second = events("!!!" + 30 * "." + "!!!")

    assert first.closed
    assert not second.closed
    assert second.start_ms == 33_000


def test_rows_without_a_verdict_neither_open_nor_close() -> None:
    (event,) = events("!!-!" + 100 * "-")

    assert event.rows == 3
    assert not event.closed


def test_names_sensors_with_direction_and_both_values() -> None:
    (event,) = events("!!!!!")

    first, second = event.causes
    assert (first.sensor, second.sensor) == (1, 0)
    assert first.share == pytest.approx(0.8)
    assert (first.deviation, first.actual, first.expected) == pytest.approx((-3.0, 14.0, 20.0))


def test_says_when_its_level_was_taken_for_the_new_one() -> None:
    (event,) = events("!!!!r" + 30 * ".")

    assert event.relearned
    assert event.closed
