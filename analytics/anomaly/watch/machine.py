"""What a model must know of its machine: signals, products and states, calendar, edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from plant.calendar import expand_shifts
from plant.clock import microseconds
from plant.measurement import TagRole
from plant.state import PRODUCING_STATES
from store import Connection
from store.anomaly import reading as reading_store
from store.anomaly.reading import TagFact, TextChange
from store.figure.source import PlantSource, SiteSource

ANY = "-"
"""Regime of a machine that produces and does not say what."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A work unit as the detection sees it."""

    unit_id: int
    path: str
    site: SiteSource
    roles: Mapping[int, TagRole]
    """Text tags that say state, product and order, by id."""
    state_map: Mapping[str, str]
    silence_s: Mapping[int, float]
    ranges: Mapping[int, tuple[float, float]]
    edges: Mapping[int, int]
    """By tag."""

    @property
    def text_tags(self) -> list[int]:
        """Return the tags whose readings say what the machine does."""
        return sorted(self.roles)

    def regimes(self, changes: Sequence[TextChange]) -> list[tuple[int, str]]:
        """Return from which moment (ms) on which product was made; empty while it was not.

        A machine that tells no state always works; one that tells no product always makes the same.
        """
        state = None if TagRole.STATE in self.roles.values() else "EXECUTE"
        product = ""
        found = [] if state is None else [(-(2**62), ANY)]
        for one in changes:
            # A text that says where cycles begin need have no role.
            role = self.roles.get(one.tag_id)
            if role is TagRole.STATE:
                state = self.state_map.get(one.value, one.value).strip().upper()
            elif role is TagRole.PRODUCT:
                product = one.value
            regime = (product or ANY) if state in PRODUCING_STATES else ""
            if not found or found[-1][1] != regime:
                found.append((-(-microseconds(one.moment) // 1000), regime))
        return found

    def context(self, said: Sequence[TextChange], moment: datetime) -> dict[str, Any]:
        """Return what the machine was at, from the last words before a moment."""
        words = {self.roles[one.tag_id].value: one.value for one in said}
        return {
            "product": words.get(TagRole.PRODUCT) or None,
            "order": words.get(TagRole.ORDER) or None,
            "state": words.get(TagRole.STATE) or None,
            "shift": self.shift(moment),
        }

    def shift(self, moment: datetime) -> str | None:
        """Return the shift that a moment belongs to."""
        site = self.site
        shifts = expand_shifts(
            site.patterns, site.zone, moment, moment + timedelta(microseconds=1), site.day_rules
        )
        return shifts[0].name if shifts else None

    @property
    def works_always(self) -> bool:
        """Whether there is no calendar that would say when it does."""
        return not self.site.patterns


def load_machines(
    connection: Connection, plant: PlantSource, units: Sequence[int]
) -> dict[int, Machine]:
    """Return work units by id; those that are gone are left out."""
    by_unit: dict[int, list[TagFact]] = {}
    for fact in reading_store.tag_facts(connection, units):
        by_unit.setdefault(fact.work_unit_id, []).append(fact)
    return {
        unit_id: _machine(plant, unit_id, by_unit.get(unit_id, []))
        for unit_id in units
        if unit_id in plant.units
    }


def _machine(plant: PlantSource, unit_id: int, facts: Sequence[TagFact]) -> Machine:
    unit = plant.units[unit_id]
    telling = {TagRole.STATE, TagRole.PRODUCT, TagRole.ORDER}
    return Machine(
        unit_id=unit_id,
        path=unit.path,
        site=plant.sites[unit.site_id],
        roles={
            fact.tag_id: TagRole(fact.role)
            for fact in facts
            if fact.value_type == "text" and TagRole(fact.role) in telling
        },
        state_map=unit.state_map,
        silence_s={fact.tag_id: fact.max_silence_s for fact in facts},
        ranges={
            fact.tag_id: (
                float("-inf") if fact.low is None else fact.low,
                float("inf") if fact.high is None else fact.high,
            )
            for fact in facts
        },
        edges={fact.tag_id: fact.edge_id for fact in facts},
    )
