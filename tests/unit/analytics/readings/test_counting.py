"""Counters in the situations that machines produce."""

import numpy as np
import pytest

from analytics.readings.counter import JITTER_US, Counter, CounterEvent, Verdict
from analytics.readings.counting import Increments, added, increments
from analytics.readings.signal import number_readings


def counted(
    values: list[float], counter: Counter, step_s: float = 10, quality: list[int] | None = None
) -> tuple[list[float], list[CounterEvent]]:
    times = [round(number * step_s * 1_000_000) for number in range(len(values))]
    made = increments(number_readings(times, values, quality), counter)
    return made.amounts.tolist(), [CounterEvent(event) for event in made.events]


@pytest.mark.parametrize(
    ("old", "new", "counter", "amount", "event"),
    [
        (5, 5, Counter(), 0, CounterEvent.COUNTED),
        (5, 9, Counter(), 4, CounterEvent.COUNTED),
        (65530, 4, Counter(65536), 10, CounterEvent.WRAPPED),
        (65530, 4, Counter(65536, 1), 10, CounterEvent.WRAPPED),
        (65530, 400, Counter(65536, 0.1), 0, CounterEvent.RESTORED),
        (60000, 0, Counter(65536, 0.1), 0, CounterEvent.RESET),
        (60000, 50, Counter(65536, 0.1), 50, CounterEvent.RESET),
        (0, 65535, Counter(65536), 0, CounterEvent.JITTER),
        (3, 65533, Counter(65536, 1), 0, CounterEvent.JITTER),
        (3, 65533, Counter(65536, 10000), 65530, CounterEvent.COUNTED),
        (3, 65533, Counter(), 65530, CounterEvent.UNDECIDED),
        (200, 4, Counter(256), 4, CounterEvent.RESET),
        (1000, 997, Counter(), 0, CounterEvent.JITTER),
        (3, 1, Counter(), 1, CounterEvent.RESET),
        (1, 0, Counter(), 0, CounterEvent.RESET),
        (1000, 600, Counter(None, 1), 0, CounterEvent.RESTORED),
        (1000, 600, Counter(), 0, CounterEvent.UNDECIDED),
        (1000, 450, Counter(), 450, CounterEvent.RESET),
        (1000, 9000, Counter(None, 1), 0, CounterEvent.IMPLAUSIBLE),
        (1000, 9000, Counter(), 8000, CounterEvent.UNDECIDED),
        (32767, -32768, Counter(65536, 1), 1, CounterEvent.WRAPPED),
        (-1, 2, Counter(65536, 1), 3, CounterEvent.COUNTED),
        (5000, -3, Counter(None, 1), 0, CounterEvent.IMPLAUSIBLE),
    ],
)
def test_a_step_is_told_by_size_modulus_and_rate(
    old: float, new: float, counter: Counter, amount: float, event: CounterEvent
) -> None:
    assert counted([old, new], counter) == ([amount], [event])


def test_a_dip_counts_once_when_the_counter_goes_on() -> None:
    amounts, events = counted([100, 99, 99, 102], Counter())
    assert sum(amounts) == 2
    assert events[0] is CounterEvent.JITTER


def test_a_dip_is_forgotten_when_it_lasts_longer_than_the_hold() -> None:
    step_s = JITTER_US / 1_000_000 + 1
    assert counted([100, 99, 102], Counter(), step_s) == (
        [0, 3],
        [CounterEvent.UNDECIDED, CounterEvent.COUNTED],
    )


def test_a_dip_does_not_reach_over_a_reset() -> None:
    assert counted([100, 99, 0, 2], Counter())[0] == [0, 0, 2]


def test_a_dip_back_over_the_top_counts_once_when_the_counter_goes_on() -> None:
    amounts, events = counted([65534, 0, 65535, 65534, 1, 2], Counter(65536))
    # That it showed 0 for one reading and then its top again is a misreading of that one.
    assert amounts == [0, 1, 0, 2, 1]
    assert events == [
        CounterEvent.IMPLAUSIBLE,
        CounterEvent.COUNTED,
        CounterEvent.JITTER,
        CounterEvent.WRAPPED,
        CounterEvent.COUNTED,
    ]


@pytest.mark.parametrize(
    ("verdict", "amounts"),
    [
        (Verdict.IGNORE, [0, 5]),
        (Verdict.COUNT, [400, 0]),
        (Verdict.RESET, [500, 0]),
        (Verdict.NOTHING, [0, 0]),
    ],
)
def test_what_a_person_says_of_a_reading_outranks_every_rule(
    verdict: Verdict, amounts: list[float]
) -> None:
    readings = number_readings([0, 10_000_000, 20_000_000], [100, 500, 105])
    made = increments(readings, Counter(None, 1), {10_000_000: verdict})
    assert made.amounts.tolist() == amounts
    assert made.events[0] == CounterEvent.CORRECTED


def test_a_counter_pays_back_what_was_counted_while_it_showed_something_else() -> None:
    # Set to 0 as it seems, 9 counted; then it shows what it had, and 5 more.
    amounts, events = counted([900, 0, 9, 905, 906, 920], Counter(None, 1))
    assert events[2] is CounterEvent.RETURNED
    assert sum(amounts) == 20
    assert min(amounts) >= 0


def test_a_batch_of_parts_is_no_misreading_when_the_counter_stood_still() -> None:
    amounts, events = counted([0, 0, 0, 0, 12, 12], Counter(None, 0.2), step_s=10)
    assert sum(amounts) == 12
    assert set(events) == {CounterEvent.COUNTED}


def test_what_cannot_be_seen_is_said_when_a_gap_is_long_enough_for_it() -> None:
    made = increments(number_readings([0, 7_200_000_000], [100, 900]), Counter(1000, 1))
    assert made.total == 800
    (judged,) = made.judgements
    assert (judged.event, judged.doubt) == (CounterEvent.UNDECIDED, 1000)


def test_bad_readings_are_no_readings() -> None:
    assert counted([100, 0, 103], Counter(), quality=[0, 2, 0])[0] == [3]


def test_nothing_is_counted_when_there_is_one_reading_or_none() -> None:
    one = increments(number_readings([1_000_000], [7.0]), Counter())
    none = increments(number_readings([], []), Counter())
    assert (one.total, one.first_reading) == (0, 1000)
    assert (none.total, none.first_reading) == (0, None)


def test_energy_counts_in_fractions() -> None:
    assert counted([10.25, 10.5, 11.0], Counter())[0] == [0.25, 0.5]


def test_messages_add_at_their_own_moments_in_any_order() -> None:
    made = added(number_readings([3_000_000, 1_000_000, 2_000_000], [7.0, 5.0, 5.0]))
    assert made.times.tolist() == [1000, 2000, 3000]
    assert made.amounts.tolist() == [5, 5, 7]
    assert made.first_reading == 1000


def test_a_message_adds_once_when_it_comes_twice() -> None:
    made = added(number_readings([1_000_000, 1_000_000, 2_000_000], [5.0, 5.0, 5.0]))
    assert made.total == 10


def test_a_bad_message_adds_nothing_and_one_below_zero_is_marked() -> None:
    made = added(number_readings([1_000_000, 2_000_000, 3_000_000], [5.0, -2.0, 3.0], [2, 0, 0]))
    assert made.amounts.tolist() == [0, 3]
    assert [CounterEvent(event) for event in made.events] == [
        CounterEvent.JITTER,
        CounterEvent.COUNTED,
    ]


def test_nothing_was_counted_when_no_message_came() -> None:
    none = added(number_readings([], []))
    assert (none.total, none.first_reading) == (0, None)


def test_signed_counter_below_zero_was_not_reset_while_away_when_too_little_was_possible() -> None:
    found = away(-19147.0, -18394.0, minutes=580)
    assert found.total == 753
    assert found.judgements == ()


def test_doubt_of_a_signed_counter_is_what_a_reset_would_make_of_it() -> None:
    (judged,) = away(-300.0, 400.0, minutes=580).judgements
    assert (judged.event, judged.counted, judged.doubt) == (CounterEvent.UNDECIDED, 700, 300)


def away(before: float, after: float, minutes: int) -> Increments:
    """Return what a signed counter of 16 bits counts over a gap, at 0.1 a second at most."""
    times = np.array([0, minutes * 60_000_000])
    return increments(number_readings(times, [before, after]), Counter(65536.0, 0.1))
