"""What a machine does, and how that looks from outside."""

from dataclasses import dataclass
from enum import Enum, auto

from plant.state import StopKind

MODE_PRODUCTION = "PRODUCTION"
MODE_SETUP = "SETUP"


class Activity(Enum):
    """What a machine does."""

    OFF = auto()
    IDLE = auto()
    SETUP = auto()
    RUN = auto()
    STARVED = auto()
    BLOCKED = auto()
    MINOR_STOP = auto()
    BROKEN = auto()
    CLEARING = auto()
    RESETTING = auto()
    COMPLETE = auto()


@dataclass(frozen=True, slots=True)
class Shown:
    """How an activity looks from outside."""

    state: str
    """PackML name."""
    stop_kind: StopKind | None
    mode: str = MODE_PRODUCTION


SHOWN = {
    Activity.OFF: Shown("STOPPED", StopKind.STOPPED),
    Activity.IDLE: Shown("IDLE", StopKind.STOPPED),
    Activity.SETUP: Shown("IDLE", StopKind.STOPPED, MODE_SETUP),
    Activity.RUN: Shown("EXECUTE", None),
    Activity.STARVED: Shown("SUSPENDED", StopKind.SUSPENDED),
    Activity.BLOCKED: Shown("SUSPENDED", StopKind.SUSPENDED),
    Activity.MINOR_STOP: Shown("HELD", StopKind.HELD),
    Activity.BROKEN: Shown("ABORTED", StopKind.BREAKDOWN),
    Activity.CLEARING: Shown("CLEARING", StopKind.BREAKDOWN),
    Activity.RESETTING: Shown("RESETTING", StopKind.STOPPED),
    Activity.COMPLETE: Shown("COMPLETE", StopKind.STOPPED),
}
