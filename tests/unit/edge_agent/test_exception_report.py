from edge_agent.drivers import TagSettings
from edge_agent.exception_report import ExceptionReport, Reported
from plant.measurement import Quality, Value
from tests.unit.edge_agent.outbox.outboxes import SECOND

GOOD, BAD = Quality.GOOD, Quality.BAD


def tag(deadband: float | None, max_interval_s: float | None = None) -> TagSettings:
    return TagSettings(
        name="cnc-1/x",
        work_unit="gia-cong/day-chuyen-1/cnc-1",
        deadband=deadband,
        max_interval_s=max_interval_s,
        max_silence_s=60,
    )


def admitted(report: ExceptionReport, *readings: tuple[int, Value, Quality]) -> list[bool]:
    return [report.admits(second * SECOND, value, how) for second, value, how in readings]


def test_every_reading_is_reported_when_there_is_no_deadband() -> None:
    report = ExceptionReport(tag(None))
    assert admitted(report, (0, 1.0, GOOD), (1, 1.0, GOOD), (0, 1.0, GOOD)) == [True] * 3


def test_only_larger_changes_are_reported_when_there_is_a_deadband() -> None:
    report = ExceptionReport(tag(0.5))
    readings = [(0, 10.0, GOOD), (1, 10.5, GOOD), (2, 10.6, GOOD), (3, 10.2, GOOD), (4, 10, GOOD)]
    assert admitted(report, *readings) == [True, False, True, False, True]


def test_small_steps_add_up_when_they_are_compared_with_the_last_reported() -> None:
    report = ExceptionReport(tag(0.5))
    readings: list[tuple[int, Value, Quality]] = [(n, 10 + n * 0.2, GOOD) for n in range(7)]
    assert admitted(report, *readings) == [True, False, False, True, False, False, True]


def test_a_change_of_quality_is_reported_when_the_value_stands_still() -> None:
    report = ExceptionReport(tag(0.5))
    readings: list[tuple[int, Value, Quality]] = [
        (0, 1.0, GOOD),
        (1, 1.0, BAD),
        (2, None, BAD),
        (3, None, BAD),
        (4, 1.0, GOOD),
    ]
    assert admitted(report, *readings) == [True, True, True, False, True]


def test_a_reading_is_reported_when_half_of_the_silence_has_passed() -> None:
    report = ExceptionReport(tag(0.5))
    assert admitted(report, (0, 1.0, GOOD), (29, 1.0, GOOD), (30, 1.0, GOOD), (31, 1.0, GOOD)) == [
        True,
        False,
        True,
        False,
    ]


def test_the_interval_is_that_of_the_settings_when_it_is_given() -> None:
    report = ExceptionReport(tag(0.5, max_interval_s=10))
    assert admitted(report, (0, 1.0, GOOD), (9, 1.0, GOOD), (10, 1.0, GOOD)) == [True, False, True]


def test_a_late_reading_is_reported_and_changes_nothing_when_it_is_older() -> None:
    report = ExceptionReport(tag(0.5))
    readings = [(10, 1.0, GOOD), (5, 1.0, GOOD), (11, 1.2, GOOD)]
    assert admitted(report, *readings) == [True, True, False]


def test_what_an_earlier_agent_reported_counts_when_it_is_given() -> None:
    report = ExceptionReport(tag(0.5), Reported(0, 1.0, GOOD))
    assert admitted(report, (1, 1.1, GOOD), (2, 1.6, GOOD)) == [False, True]
