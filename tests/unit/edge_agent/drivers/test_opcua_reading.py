import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from edge_agent.drivers.opcua.address import steps_of
from edge_agent.drivers.opcua.reading import (
    Form,
    UnreadableError,
    is_waiting,
    overflowed,
    quality_of,
    reading_of,
)
from plant.clock import microseconds
from plant.measurement import Quality

NUMBER, TEXT = Form(is_text=False), Form(is_text=True)
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
    assert reading_of("t", data, NUMBER) == ("t", 1.5, microseconds(NOON), Quality.GOOD)
    # The same.
    naive = ua.DataValue(ua.Variant(1), SourceTimestamp=NOON.replace(tzinfo=None))  # type: ignore[arg-type]
    assert reading_of("t", naive, NUMBER).time_us == microseconds(NOON)


def test_there_is_no_time_when_the_source_gives_none() -> None:
    assert reading_of("t", ua.DataValue(ua.Variant(1.5)), NUMBER).time_us is None


def test_a_lost_queue_is_seen_when_the_overflow_bit_is_set() -> None:
    assert overflowed(ua.DataValue(ua.Variant(1), ua.StatusCode(ua.UInt32(0x00000480))))
    assert not overflowed(ua.DataValue(ua.Variant(1), ua.StatusCode(ua.UInt32(0))))


def test_a_variable_is_no_reading_when_it_still_waits_for_its_first_value() -> None:
    waiting = ua.StatusCode(ua.UInt32(StatusCodes.BadWaitingForInitialData))
    assert is_waiting(ua.DataValue(ua.Variant(), waiting))
    bad = ua.StatusCode(ua.UInt32(StatusCodes.BadSensorFailure))
    assert not is_waiting(ua.DataValue(ua.Variant(), bad))


@pytest.mark.parametrize("year", [1601, 1970])
def test_a_clock_that_was_never_set_gives_no_time(year: int) -> None:
    moment = datetime(year, 1, 1, tzinfo=UTC)
    # Asyncua gives its fields other types than it takes.
    data = ua.DataValue(ua.Variant(1.5), SourceTimestamp=moment)  # type: ignore[arg-type]
    assert reading_of("t", data, NUMBER).time_us is None


RULES: list[tuple[object, object, object]] = [
    (True, True, True),
    (-3, -3, -3),
    (2.5, 2.5, 2.5),
    ("chạy", "chạy", "chạy"),
    (None, None, None),
    (ua.LocalizedText("Đang chạy", "vi"), "Đang chạy", "Đang chạy"),
    (ua.QualifiedName("state", 3), "state", "state"),
    (NOON, NOON.timestamp(), "2026-03-02T12:00:00.123456+00:00"),
    (ua.StatusCode(ua.UInt32(StatusCodes.BadTimeout)), 0x800A0000, "BadTimeout"),
    (ua.NodeId(ua.Int32(7), ua.Int16(2)), UnreadableError, "ns=2;i=7"),
    (UUID(int=5), UnreadableError, "00000000-0000-0000-0000-000000000005"),
    (b"\x01\xff", UnreadableError, "01ff"),
    ([1, 2], UnreadableError, "[1, 2]"),
    ([[1.5, 2.5], [3.5, 4.5]], UnreadableError, "[[1.5, 2.5], [3.5, 4.5]]"),
    (ua.Range(1.0, 2.0), UnreadableError, '{"Low": 1.0, "High": 2.0}'),
    (ua.Variant(4), 4, 4),
    (ua.ServerState.Running, 0, "Running"),
    (
        ua.ExtensionObject(ua.NodeId(ua.Int32(9), ua.Int16(9)), Body=ua.ByteString(b"??")),
        UnreadableError,
        UnreadableError,
    ),
]


@pytest.mark.parametrize(("raw", "number", "text"), RULES, ids=lambda value: type(value).__name__)
def test_every_type_is_read_by_its_rule(raw: object, number: object, text: object) -> None:
    data = ua.DataValue(Value=_variant(raw))
    for form, expected in ((NUMBER, number), (TEXT, text)):
        if expected is UnreadableError:
            with pytest.raises(UnreadableError):
                reading_of("t", data, form)
        else:
            assert reading_of("t", data, form).value == expected


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("[1]", [5, 6, 7], 6),
        ("[1][0]", [[1, 2], [3, 4]], 3),
        ("[1,0]", [[1, 2], [3, 4]], 3),
        ("High", ua.Range(1.0, 2.0), 2.0),
        ("[1].Low", [ua.Range(1.0, 2.0), ua.Range(3.0, 4.0)], 3.0),
        ("[3]", [5, 6, 7], "its array has 3 elements, so there is no [3]"),
        ("[0]", 5, "its value is no array, so there is no [0]"),
        ("Top", ua.Range(1.0, 2.0), "its value has no field Top; it has Low, High"),
    ],
)
def test_a_part_of_a_value_is_taken_by_its_path(path: str, value: object, expected: object) -> None:
    form = Form(is_text=False, steps=steps_of(path))
    data = ua.DataValue(Value=_variant(value))
    if isinstance(expected, str):
        with pytest.raises(UnreadableError, match=re.escape(expected)):
            reading_of("t", data, form)
    else:
        assert reading_of("t", data, form).value == expected


def test_an_enumeration_is_text_by_name_and_a_number_without_one() -> None:
    form = Form(is_text=True, names={0: "STOP", 1: "RUN"})
    values = [reading_of("t", ua.DataValue(ua.Variant(k)), form).value for k in (0, 1, 2)]
    assert values == ["STOP", "RUN", 2]


def _variant(raw: object) -> ua.Variant:
    """A variant as it comes off the wire, whatever its type: making one would check it."""
    variant = ua.Variant(0)
    object.__setattr__(variant, "Value", raw)
    return variant
