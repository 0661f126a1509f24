"""What a machine says of itself, under standard names."""

import pytest

from analytics.oee.machine import PACKML_STATES, HeldSignals, MachineSignals, held_signals
from analytics.oee.schedule import Schedule
from analytics.oee.state import STOP_KINDS, timeline
from analytics.readings.signal import TextReadings, text_readings
from plant.state import StopKind

END = 100_000


def told(*events: tuple[int, str]) -> TextReadings:
    """Return readings at seconds."""
    return text_readings([at * 1_000_000 for at, _ in events], [name for _, name in events])


def signals(
    states: TextReadings,
    modes: TextReadings | None = None,
    state_map: dict[str, str] | None = None,
) -> HeldSignals:
    return held_signals(
        MachineSignals(
            state=states,
            state_silence_ms=END,
            mode=modes,
            mode_silence_ms=END,
            state_map=state_map,
        )
    )


def kind_of(name: str, **state_map: str) -> StopKind | str | None:
    """Return the kind of stop of a state, `run`, or None when nothing is known."""
    found = signals(told((0, name)), state_map=state_map)
    line = timeline(0, 1000, found, Schedule(()))
    kind = int(line.stop_kind[0])
    if kind >= 0:
        return STOP_KINDS[kind]
    return None if found.unmapped else "run"


BY_NAME = {
    "run": ["EXECUTE"],
    StopKind.BREAKDOWN: ["ABORTING", "ABORTED", "CLEARING"],
    StopKind.HELD: ["HOLDING", "HELD", "UNHOLDING"],
    StopKind.SUSPENDED: ["SUSPENDING", "SUSPENDED", "UNSUSPENDING"],
    StopKind.STOPPED: [
        *("STOPPING", "STOPPED", "RESETTING", "IDLE", "STARTING", "COMPLETING", "COMPLETE"),
    ],
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in BY_NAME.items() for name in names]
)
def test_every_packml_state_maps_by_its_name_in_any_case(kind: StopKind | str, name: str) -> None:
    assert kind_of(name) == kind
    assert kind_of(f" {name.lower()} ") == kind


def test_no_packml_state_is_forgotten() -> None:
    assert {name for names in BY_NAME.values() for name in names} == PACKML_STATES
    assert len(PACKML_STATES) == 17


def test_vendor_names_map_by_the_machines_own_map() -> None:
    assert kind_of("Automatik", Automatik="Execute") == "run"
    assert kind_of("Störung", Störung="aborted") is StopKind.BREAKDOWN
    # The vendor's word outranks a standard one that means something else there.
    assert kind_of("IDLE", IDLE="SUSPENDED") is StopKind.SUSPENDED


def test_a_number_is_no_name_because_numbers_differ_between_standards() -> None:
    assert kind_of("6") is None
    assert signals(told((0, "6"))).unmapped[0][0] == "6"


def test_a_name_that_nobody_knows_is_named_with_its_moments() -> None:
    ((name, moments),) = signals(told((1, "?"), (5, "EXECUTE"), (7, "?"))).unmapped
    assert name == "?"
    assert moments.tolist() == [1000, 7000]


@pytest.mark.parametrize("mode", ["SETUP", "manual"])
def test_a_setup_mode_outranks_the_state(mode: str) -> None:
    found = signals(told((0, "HELD")), told((0, mode)))
    assert timeline(0, 1000, found, Schedule(())).stop_kind.tolist() == [-1]
