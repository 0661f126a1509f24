"""Energy from meters: counters and power, parts of either, and nothing twice."""

from datetime import UTC, datetime, timedelta

import pytest

from analytics.oee.metering import integral, metered
from analytics.readings.counter import Counter
from analytics.readings.signal import number_readings
from store.figure.meter import MeterRow, MeterShare, MeterSpan, meter_shares

START = datetime(2026, 3, 3, tzinfo=UTC)
LINE = "e/s/a/l"
ONE, TWO, THREE = (f"{LINE}/{unit}" for unit in ("one", "two", "three"))


def meter(place: str, **changes: object) -> MeterRow:
    fields: dict[str, object] = {
        "tag_id": 7,
        "edge_id": 1,
        "counter_modulus": None,
        "max_rate_per_s": None,
        "max_silence_s": 60.0,
        "place": place,
        "reading": "cumulative",
        "kwh_per_unit": 1.0,
        "shares": {},
        "valid_from": START,
        "valid_to": None,
    }
    return MeterRow(**(fields | changes))  # type: ignore[arg-type]  # fields by name


def kwh_per_unit(found: dict[tuple[str, int], MeterShare], tag_id: int = 7) -> dict[str, float]:
    return {
        unit: share.spans[0].kwh_per_unit for (unit, tag), share in found.items() if tag == tag_id
    }


def test_a_meter_of_a_line_is_divided_equally_when_nobody_weighs() -> None:
    found = meter_shares([meter(LINE, kwh_per_unit=0.3)], [ONE, TWO, THREE], [])

    assert kwh_per_unit(found) == pytest.approx({ONE: 0.1, TWO: 0.1, THREE: 0.1})
    assert all(share.shared for share in found.values())


def test_weights_divide_a_meter_and_leave_out_who_has_none() -> None:
    found = meter_shares([meter(LINE, shares={ONE: 3, TWO: 1})], [ONE, TWO, THREE], [])

    assert kwh_per_unit(found) == {ONE: 0.75, TWO: 0.25}


def test_a_machine_with_a_meter_of_its_own_takes_nothing_of_the_lines() -> None:
    found = meter_shares([meter(LINE), meter(ONE, tag_id=8)], [ONE, TWO, THREE], [TWO])

    assert kwh_per_unit(found) == pytest.approx({THREE: 1 / 3})
    assert kwh_per_unit(found, 8) == {ONE: 1.0}
    assert not found[ONE, 8].shared


def test_the_lines_meter_counts_until_the_machine_gets_its_own() -> None:
    later = START + timedelta(hours=2)
    found = meter_shares([meter(LINE), meter(ONE, tag_id=8, valid_from=later)], [ONE, TWO], [])

    assert found[ONE, 7].spans == (MeterSpan(START, later, 0.5, power=False),)


def test_a_meter_that_moved_counts_at_each_place_in_its_time() -> None:
    later = START + timedelta(hours=2)
    found = meter_shares([meter(ONE, valid_to=later), meter(TWO, valid_from=later)], [ONE, TWO], [])

    assert found[ONE, 7].spans == (MeterSpan(START, later, 1.0, power=False),)
    assert found[TWO, 7].spans == (MeterSpan(later, None, 1.0, power=False),)


def test_power_stands_until_the_next_reading_but_not_through_silence() -> None:
    seconds = [0, 60, 120, 1_000]
    readings = number_readings([s * 1_000_000 for s in seconds], [60.0, 30.0, 60.0, 60.0])

    made = integral(readings, 120_000)

    assert made.times.tolist() == [60_000, 120_000, 1_000_000]
    assert made.amounts.tolist() == pytest.approx([1.0, 0.5, 2.0])


def test_a_part_counts_its_share_and_only_in_its_time() -> None:
    base = int(START.timestamp())
    readings = number_readings([(base + s) * 1_000_000 for s in (0, 10, 20, 30)], [0, 4, 8, 16])
    span = MeterSpan(
        START + timedelta(seconds=15), START + timedelta(seconds=25), 0.25, power=False
    )

    made = metered(readings, Counter(), 60_000, MeterShare((span,), shared=True))

    assert made.amounts.tolist() == [0, 1, 0]
    assert (made.first_reading, made.known_until) == ((base + 15) * 1000, (base + 25) * 1000)
