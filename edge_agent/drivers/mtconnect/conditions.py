"""Which conditions of a machine are active, from observations that tell only what changes.

A data item of the category CONDITION can have several faults and warnings at once. `Normal` with a
code ends the one with that code, `Normal` without one ends all (MTConnect Part 1, Condition).
"""

from collections.abc import Collection
from typing import NamedTuple

from edge_agent.drivers.mtconnect.document import UNAVAILABLE, Observation

_NORMAL = "NORMAL"
_FAULT = "FAULT"


class Standing(NamedTuple):
    """What a data item's conditions come to."""

    level: str
    """The worst of those that are active: `FAULT` or `WARNING`; else `NORMAL` or `UNAVAILABLE`."""
    code: str = ""
    """The machine's code of the newest active one."""
    text: str = ""
    """The text of the newest active one."""
    codes: tuple[str, ...] = ()
    """Codes of all active ones, the oldest first."""


class Conditions:
    """The active conditions of an agent's data items."""

    def __init__(self) -> None:
        self._active: dict[str, dict[str, Observation]] = {}

    def begin(self, data_items: Collection[str]) -> None:
        """Forget what was active of some data items: their present conditions follow."""
        for data_item in data_items:
            self._active.pop(data_item, None)

    def take(self, seen: Observation) -> Standing:
        """Take note of an observation; return what its data item's conditions come to now."""
        active = self._active.setdefault(seen.data_item, {})
        if seen.level == UNAVAILABLE:
            active.clear()
            return Standing(UNAVAILABLE)
        if seen.level == _NORMAL:
            if seen.condition:
                active.pop(seen.condition, None)
            else:
                active.clear()
        else:
            active.pop(seen.condition, None)
            active[seen.condition] = seen
        if not active:
            return Standing(_NORMAL)
        levels = {one.level for one in active.values()}
        newest = next(reversed(active.values()))
        return Standing(
            _FAULT if _FAULT in levels else newest.level,
            newest.code,
            newest.text,
            tuple(one.code or one.condition for one in active.values()),
        )
