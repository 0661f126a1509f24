"""Machine states by PackML name, and the time element of ISO 22400 each belongs to."""

from enum import StrEnum


class TimeElement(StrEnum):
    """Where one instant of a work unit's calendar time goes; the elements never overlap."""

    NOT_SCHEDULED = "not_scheduled"
    """Outside every shift and not producing."""
    UNSCHEDULED_PRODUCTION = "unscheduled_production"
    """Producing outside planned busy time (overtime, or through a break)."""
    PLANNED_BREAK = "planned_break"
    """A break within a shift that the policy takes out of planned busy time."""
    PLANNED_MAINTENANCE = "planned_maintenance"
    """Maintenance agreed beforehand."""
    PRODUCTION = "production"
    """Actual production time (APT): value-adding."""
    SETUP = "setup"
    """Actual unit setup time (AUST)."""
    DELAY = "delay"
    """Actual unit delay time (ADET): stopped while executing an order."""
    DOWN = "down"
    """Actual unit down time (ADOT): available but not executing an order. Not breakdown."""
    UNKNOWN = "unknown"
    """No trustworthy signal: neither running nor stopped may be claimed."""


class StopKind(StrEnum):
    """Why a machine executing an order does not produce, as far as its state tells."""

    BREAKDOWN = "breakdown"
    """Aborted or Clearing: a failure event (FE)."""
    HELD = "held"
    """Held family: a cause inside the machine."""
    SUSPENDED = "suspended"
    """Suspended family: starved or blocked, not the machine's fault."""
    STOPPED = "stopped"
    """Stopped, Idle or Complete."""


# PackML (ISA-TR88.00.02) state names; the numbers differ between standards, so names only.
PRODUCING_STATES = frozenset({"EXECUTE"})
BREAKDOWN_STATES = frozenset({"ABORTING", "ABORTED", "CLEARING"})
HELD_STATES = frozenset({"HOLDING", "HELD", "UNHOLDING"})
SUSPENDED_STATES = frozenset({"SUSPENDING", "SUSPENDED", "UNSUSPENDING"})
IDLE_STATES = frozenset(
    {"STOPPING", "STOPPED", "RESETTING", "IDLE", "STARTING", "COMPLETING", "COMPLETE"}
)
SETUP_MODES = frozenset({"SETUP", "MANUAL"})
# What a machine's own state may be mapped to beside PackML: cleaning, maintenance, a changeover.
PLANNED_STATES = frozenset({"PLANNED_DOWNTIME"})
SETUP_STATES = frozenset({"SETUP"})
DELAY_STATES = frozenset({"DELAY"})
OTHER_STATES = PLANNED_STATES | SETUP_STATES | DELAY_STATES
# A breakdown lasts until the machine has run again: these it is in only when it has.
RUN_AGAIN_STATES = (
    PRODUCING_STATES | HELD_STATES | SUSPENDED_STATES | frozenset({"COMPLETING", "COMPLETE"})
)
TELLING_STATES = BREAKDOWN_STATES | RUN_AGAIN_STATES
"""After one of these it is known whether a breakdown is open."""
