"""Planned run times over time."""

from analytics.oee.operation import PlannedRunTime, PlannedRunTimes


def test_run_time_is_the_one_valid_when_the_part_was_made() -> None:
    planned = PlannedRunTimes(
        {"a": [PlannedRunTime(200, 300, 7.0), PlannedRunTime(100, None, 5.0)]}
    )
    assert [planned.at("a", moment) for moment in (99, 100, 199, 200, 299, 300)] == [
        *(None, 5.0, 5.0),
        *(7.0, 7.0, None),
    ]
    assert planned.changes().tolist() == [100, 200, 300]


def test_run_time_is_missing_when_the_product_has_none() -> None:
    planned = PlannedRunTimes({})
    assert planned.at("b", 0) is None
    assert planned.at(None, 0) is None
