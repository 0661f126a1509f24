"""How states look: category, icon, texture. Colours are CSS variables, `--state-<category>`."""

from enum import StrEnum

from plant.state import StopKind, TimeElement


class Category(StrEnum):
    """What a person tells apart in a machine's time: time elements, and the kinds of stops."""

    PRODUCTION = "production"
    """Producing in planned busy time."""
    UNSCHEDULED_PRODUCTION = "unscheduled_production"
    """Producing outside it."""
    SETUP = "setup"
    """Being set up for an order."""
    BREAKDOWN = "breakdown"
    """Stopped by a failure."""
    HELD = "held"
    """Stopped by a cause inside the machine."""
    SUSPENDED = "suspended"
    """Starved or blocked."""
    STOPPED = "stopped"
    """Stopped while executing an order, for another cause."""
    DOWN = "down"
    """Available, but without an order."""
    UNKNOWN = "unknown"
    """Nothing trustworthy is known."""
    PLANNED_BREAK = "planned_break"
    """A planned break."""
    PLANNED_MAINTENANCE = "planned_maintenance"
    """Planned maintenance."""
    NOT_SCHEDULED = "not_scheduled"
    """Outside every shift."""

    @property
    def icon(self) -> str:
        """The id of its symbol in `static/icons.svg`."""
        return _ICONS[self]

    @property
    def texture(self) -> str | None:
        """What lies over its colour: `hatch` (planned not to produce), `cross`, `lines`, `dots`.

        Those that decide most are told apart without colour, too.
        """
        return _TEXTURES.get(self)

    @property
    def color(self) -> str:
        """Its colour, as a CSS variable that the browser resolves."""
        return f"var(--state-{self.value.replace('_', '-')})"


_TEXTURES = {
    Category.PLANNED_BREAK: "hatch",
    Category.PLANNED_MAINTENANCE: "hatch",
    Category.NOT_SCHEDULED: "hatch",
    Category.BREAKDOWN: "cross",
    Category.DOWN: "lines",
    Category.UNKNOWN: "dots",
}

_ICONS = {
    Category.PRODUCTION: "run",
    Category.UNSCHEDULED_PRODUCTION: "run-extra",
    Category.SETUP: "setup",
    Category.BREAKDOWN: "breakdown",
    Category.HELD: "held",
    Category.SUSPENDED: "suspended",
    Category.STOPPED: "stopped",
    Category.DOWN: "down",
    Category.UNKNOWN: "unknown",
    Category.PLANNED_BREAK: "break",
    Category.PLANNED_MAINTENANCE: "maintenance",
    Category.NOT_SCHEDULED: "off",
}

_STOPS = {
    StopKind.BREAKDOWN: Category.BREAKDOWN,
    StopKind.HELD: Category.HELD,
    StopKind.SUSPENDED: Category.SUSPENDED,
    StopKind.STOPPED: Category.STOPPED,
}


def category(element: str, stop_kind: str | None) -> Category:
    """Return the category of a state interval's time element and kind of stop."""
    if element == TimeElement.DELAY:
        return _STOPS[StopKind(stop_kind)] if stop_kind else Category.STOPPED
    return Category(element)
