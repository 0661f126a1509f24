from datetime import UTC, datetime

import pytest
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from edge_agent.drivers.opcua.reading import is_waiting, overflowed, quality_of, reading_of
from plant.clock import microseconds
from plant.measurement import Quality

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "quality"),
    [
        (StatusCodes.Good, Quality.GOOD),
        (StatusCodes.GoodClamped, Quality.GOOD),
        (StatusCodes.Uncertain, Quality.UNCERTAIN),
        (StatusCodes.UncertainLastUsableValue, Quality.UNCERTAIN),
        (StatusCodes.Bad, Quality.BAD),
        (StatusCodes.BadSensorFailure, Quality.BAD),
        (0xC0000000, Quality.BAD),
    ],
)
def test_quality_is_the_severity_when_a_status_code_comes(code: int, quality: Quality) -> None:
    assert quality_of(ua.StatusCode(ua.UInt32(code))) is quality


def test_a_value_is_good_when_it_has_no_status() -> None:
    assert quality_of(None) is Quality.GOOD


def test_the_source_time_is_exact_when_it_is_given() -> None:
    # Asyncua gives its fields other types than it takes.
    data = ua.DataValue(ua.Variant(1.5), SourceTimestamp=NOON)  # type: ignore[arg-type]
    assert reading_of("t", data) == ("t", 1.5, microseconds(NOON), Quality.GOOD)
    # The same.
    naive = ua.DataValue(ua.Variant(1), SourceTimestamp=NOON.replace(tzinfo=None))  # type: ignore[arg-type]
    assert reading_of("t", naive).time_us == microseconds(NOON)


def test_there_is_no_time_when_the_source_gives_none() -> None:
    assert reading_of("t", ua.DataValue(ua.Variant(1.5))).time_us is None


def test_a_lost_queue_is_seen_when_the_overflow_bit_is_set() -> None:
    assert overflowed(ua.DataValue(ua.Variant(1), ua.StatusCode(ua.UInt32(0x00000480))))
    assert not overflowed(ua.DataValue(ua.Variant(1), ua.StatusCode(ua.UInt32(0))))


def test_a_variable_is_no_reading_when_it_still_waits_for_its_first_value() -> None:
    waiting = ua.StatusCode(ua.UInt32(StatusCodes.BadWaitingForInitialData))
    assert is_waiting(ua.DataValue(ua.Variant(), waiting))
    bad = ua.StatusCode(ua.UInt32(StatusCodes.BadSensorFailure))
    assert not is_waiting(ua.DataValue(ua.Variant(), bad))
