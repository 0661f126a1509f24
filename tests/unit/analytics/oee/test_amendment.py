"""Bookings join the counters they amend; nothing more is produced by them."""

import numpy as np
import pytest

from analytics.oee.amendment import Booking, amended
from analytics.oee.slice_count import quantities_of
from analytics.readings.counter import Counter
from analytics.readings.counting import Increments, increments
from analytics.readings.signal import number_readings
from plant.measurement import TagRole

GOOD, SCRAP, REWORK, TOTAL = (
    TagRole.GOOD_COUNT,
    TagRole.SCRAP_COUNT,
    TagRole.REWORK_COUNT,
    TagRole.TOTAL_COUNT,
)


def made(*values: float) -> Increments:
    times = [1_000_000 * n for n in range(len(values))]
    return increments(number_readings(times, list(values)), Counter())


@pytest.mark.parametrize(
    ("roles", "becomes", "expected"),
    [
        ({GOOD, SCRAP}, SCRAP, (11, 7)),
        ({GOOD, SCRAP}, REWORK, (11, 7)),
        ({GOOD, SCRAP, REWORK}, REWORK, (12, 7)),
        ({TOTAL, SCRAP}, SCRAP, (10, 6)),
        ({TOTAL, SCRAP}, REWORK, (10, 6)),
        ({TOTAL, GOOD}, SCRAP, (10, 7)),
        ({TOTAL}, SCRAP, (10, None)),
        ({GOOD}, SCRAP, (None, 7)),
    ],
)
def test_what_was_produced_stays_and_what_was_good_falls(
    roles: set[TagRole], becomes: TagRole, expected: tuple[float | None, float | None]
) -> None:
    bad = {role for role in roles if role in {SCRAP, REWORK}}
    counts = {role: made(0, 1) if role in bad else made(0, 4, 10) for role in roles}

    found = amended(counts, [Booking(1_500, becomes, 3.0)])

    assert set(found) == roles
    totals: dict[TagRole, float | None] = {role: one.total for role, one in found.items()}
    assert quantities_of(totals) == expected


def test_a_booking_counts_where_the_part_was_made() -> None:
    counts = {GOOD: made(0, 4, 10), SCRAP: made(0, 0, 0)}

    found = amended(counts, [Booking(1_500, SCRAP, 2.0), Booking(500, SCRAP, 1.0)])

    assert found[SCRAP].times.tolist() == [500, 1_000, 1_500, 2_000]
    assert found[SCRAP].amounts.tolist() == [1, 0, 2, 0]
    assert found[GOOD].amounts.tolist() == [-1, 4, -2, 6]
    assert np.all(np.diff(found[GOOD].times) >= 0)
    assert found[GOOD].first_reading == counts[GOOD].first_reading
