"""Which planned OEE holds for a place at a moment."""

from datetime import UTC, datetime

import pytest

from plant.kpi.target import Target, planned_oee


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


TARGETS = [
    Target(day(1), None, 0.6, nearness=10),
    Target(day(5), day(10), 0.75, nearness=20),
    Target(day(7), day(8), 0.8, nearness=20),
]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 2, 28, tzinfo=UTC), None),
        (day(1), 0.6),
        (day(5), 0.75),
        (day(7), 0.8),
        # The target of the nearer place is over; its older one does not come back.
        (day(8), 0.6),
        (day(11), 0.6),
    ],
)
def test_the_nearest_place_that_has_a_target_says_it(
    moment: datetime, expected: float | None
) -> None:
    assert planned_oee(TARGETS, moment) == expected
    assert planned_oee(reversed(TARGETS), moment) == expected
