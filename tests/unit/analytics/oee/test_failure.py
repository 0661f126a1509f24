"""From what a machine says to its failures."""

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from analytics.oee.machine import MachineSignals, held_signals
from analytics.oee.schedule import site_schedule
from analytics.oee.state import timeline
from analytics.oee.unit_figure import tiles
from analytics.readings.signal import TextReadings, text_readings
from plant.calendar import ShiftPattern
from plant.kpi import OeePolicy
from plant.kpi.reliability import failures

SECOND = 1_000_000
ALWAYS = ShiftPattern("always", time(), time(), frozenset(range(7)))


def told(*events: tuple[int, str], bad: tuple[int, ...] = ()) -> TextReadings:
    """Return readings at seconds."""
    return text_readings(
        [at * SECOND for at, _ in events],
        [name for _, name in events],
        [2 if at in bad else 0 for at, _ in events],
    )


def began(
    states: TextReadings, modes: TextReadings | None = None, silence_s: int = 99
) -> list[int]:
    """Return the seconds at which failures begin, of a machine that is planned to work always."""
    signals = held_signals(
        MachineSignals(
            state=states, state_silence_ms=silence_s * 1000, mode=modes, mode_silence_ms=99_000
        )
    )
    schedule = site_schedule([ALWAYS], ZoneInfo("UTC"), 0, 100_000)
    line = timeline(0, 100_000, signals, schedule)
    found = failures(tiles(line), OeePolicy(), 100_000)
    return [one.start // 1000 for one in found]


def test_a_breakdown_is_one_failure_through_its_states() -> None:
    states = told((0, "EXECUTE"), (5, "ABORTING"), (6, "ABORTED"), (9, "CLEARING"))
    assert began(states) == [5]


def test_a_breakdown_after_another_state_is_another_failure() -> None:
    assert began(told((0, "ABORTED"), (5, "HELD"), (6, "ABORTED"))) == [0, 6]


@pytest.mark.parametrize("silence_s", [3, 99])
def test_a_breakdown_is_one_when_silence_or_a_bad_reading_lies_within_it(silence_s: int) -> None:
    states = told((0, "ABORTED"), (5, "ABORTED"), (20, "ABORTED"), bad=(5,))
    assert began(states, silence_s=silence_s) == [0]


def test_a_breakdown_is_one_when_a_name_that_nobody_knows_lies_within_it() -> None:
    assert began(told((0, "ABORTED"), (5, "?"), (20, "ABORTED"))) == [0]


def test_what_breaks_during_setup_fails_then() -> None:
    modes = told((0, "SETUP"), (10, "PRODUCTION"))
    assert began(told((2, "ABORTED")), modes) == [2]


@pytest.mark.parametrize("mode", ["SETUP", "MANUAL", "MAINTENANCE"])
def test_a_breakdown_is_one_whatever_mode_and_state_it_is_put_in(mode: str) -> None:
    modes = told((0, "PRODUCTION"), (5, mode), (10, "PRODUCTION"))
    states = told((2, "ABORTED"), (4, "CLEARING"), (6, "STOPPED"), (8, "IDLE"), (12, "STARTING"))
    assert began(states, modes) == [2]
    assert began(told((2, "ABORTED"), (7, "EXECUTE"), (9, "ABORTED")), modes) == [2, 9]
