"""What figures are computed from: places and their master data, edges' progress, corrections."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from plant.calendar import NO_RULES, DayOff, DayRules, Rotation, ShiftPattern
from plant.kpi import OeePolicy
from plant.measurement import TEXT_ROLES, TagRole
from store.engine.connection import Connection
from store.engine.queries import queries
from store.figure.meter import MeterRow, MeterShare, meter_shares
from store.place.stored import oee_policy, rotation, shift_pattern

_Q = queries("figure/source")


@dataclass(frozen=True, slots=True)
class RoleTag:
    """A tag that means something to the figures of its work unit."""

    tag_id: int
    edge_id: int
    role: TagRole
    counter_modulus: float | None
    max_rate_per_s: float | None
    max_silence_s: float
    meter: MeterShare | None = None
    """What a meter's document says of the tag; None for a tag that says everything itself."""

    @property
    def is_text(self) -> bool:
        """Whether its readings are texts."""
        return self.role in TEXT_ROLES


@dataclass(frozen=True, slots=True)
class RunTimeEntry:
    """A planned run time per item of a product, valid in `[valid_from, valid_to)`."""

    product: str
    valid_from: datetime
    valid_to: datetime | None
    seconds: float


@dataclass(frozen=True, slots=True)
class OperationEntry:
    """A step of the routing of a product, valid in `[valid_from, valid_to)`."""

    product: str
    valid_from: datetime
    valid_to: datetime | None
    parts_per_item: float
    parts_per_cycle: float
    cycle_s: float | None


@dataclass(frozen=True, slots=True)
class UnitSource:
    """A work unit with what its figures depend on."""

    unit_id: int
    path: str
    line_id: int
    site_id: int
    tags: tuple[RoleTag, ...]
    state_map: dict[str, str]
    run_times: tuple[RunTimeEntry, ...]
    operations: tuple[OperationEntry, ...] = ()
    planned_run_time_s: float | None = None
    """Planned run time per item where the machine does not tell its product."""
    in_service_from: datetime | None = None
    in_service_until: datetime | None = None
    """From when until when it counts, however silent; None: since its line began, for good."""


@dataclass(frozen=True, slots=True)
class LineSource:
    """A work centre with its units in the order of the flow."""

    line_id: int
    path: str
    kind: str
    """`serial` or `parallel`."""
    bottleneck_id: int | None
    unit_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SiteSource:
    """A site with its calendar, policy and orders."""

    site_id: int
    path: str
    zone: ZoneInfo
    policy: OeePolicy
    patterns: tuple[ShiftPattern, ...]
    order_products: dict[str, str]
    lines: tuple[LineSource, ...]
    day_rules: DayRules = NO_RULES
    """Rotations and days off."""


@dataclass(frozen=True, slots=True)
class PlantSource:
    """Everything that is known before a machine speaks, by place."""

    sites: dict[int, SiteSource]
    units: dict[int, UnitSource]

    def shared_tags(self) -> list[tuple[int, int]]:
        """Return tags of meters, each with the work units that take part of what they show."""
        return [
            (tag.tag_id, unit.unit_id)
            for unit in self.units.values()
            for tag in unit.tags
            if tag.meter is not None
        ]


@dataclass(frozen=True, slots=True)
class EdgeProgress:
    """How far the data of an edge are complete."""

    reported_at: datetime
    online: bool
    sampled_time: datetime | None
    pending: int | None
    oldest_pending_time: datetime | None
    contiguous: bool
    """Whether nothing is missing among what arrived."""


def plant_source(connection: Connection) -> PlantSource:
    """Return all places that have figures, with their master data."""
    places = {row[0]: row for row in connection.execute(_Q["places"])}
    lines: dict[int, list[int]] = {}
    for place_id, parent_id, level, *_ in places.values():
        if level == "work_unit":
            lines.setdefault(parent_id, []).append(place_id)
    site_of = {line_id: _site_of(places, line_id) for line_id in lines}
    patterns = _patterns(connection)
    rules = _day_rules(connection)
    policies = {
        site_id: oee_policy(choices) for site_id, *choices in connection.execute(_Q["policies"])
    }
    orders: dict[int, dict[str, str]] = {}
    for site_id, number, product in connection.execute(_Q["order_products"]):
        orders.setdefault(site_id, {})[number] = product
    sites = {
        site_id: SiteSource(
            site_id=site_id,
            path=row[3],
            zone=ZoneInfo(row[4] or "UTC"),
            policy=policies.get(site_id, OeePolicy()),
            patterns=tuple(patterns.get(site_id, ())),
            order_products=orders.get(site_id, {}),
            lines=tuple(
                LineSource(
                    line_id,
                    places[line_id][3],
                    places[line_id][5] or "serial",
                    places[line_id][6],
                    tuple(units),
                )
                for line_id, units in lines.items()
                if site_of[line_id] == site_id
            ),
            day_rules=rules.get(site_id, NO_RULES),
        )
        for site_id, row in places.items()
        if row[2] == "site"
    }
    return PlantSource(sites, _units(connection, places, lines, site_of))


def edge_progress(connection: Connection) -> dict[int, EdgeProgress]:
    """Return the progress of every edge that has reported, by its id."""
    return {row[0]: EdgeProgress(*row[1:]) for row in connection.execute(_Q["edge_progress"])}


def _site_of(places: dict[int, tuple[object, ...]], place_id: int) -> int:
    current = place_id
    while places[current][2] != "site":
        parent = places[current][1]
        assert isinstance(parent, int)
        current = parent
    return current


def _patterns(connection: Connection) -> dict[int, list[ShiftPattern]]:
    found: dict[int, list[ShiftPattern]] = {}
    for row in connection.execute(_Q["shift_patterns"]):
        site_id, *columns = row
        found.setdefault(site_id, []).append(shift_pattern(*columns))
    return found


def _day_rules(connection: Connection) -> dict[int, DayRules]:
    rotations: dict[int, list[Rotation]] = {}
    for site_id, *columns in connection.execute(_Q["shift_rotations"]):
        rotations.setdefault(site_id, []).append(rotation(*columns))
    days_off: dict[int, dict[date, DayOff]] = {}
    for site_id, day, works_as, keeps in connection.execute(_Q["holidays"]):
        days_off.setdefault(site_id, {})[day] = DayOff(day, works_as, frozenset(keeps))
    return {
        site_id: DayRules(tuple(rotations.get(site_id, ())), days_off.get(site_id, {}))
        for site_id in rotations.keys() | days_off.keys()
    }


def _units(
    connection: Connection,
    places: dict[int, tuple[Any, ...]],
    lines: dict[int, list[int]],
    site_of: dict[int, int],
) -> dict[int, UnitSource]:
    tags: dict[int, list[RoleTag]] = {}
    for tag_id, unit_id, edge_id, role, *limits in connection.execute(_Q["role_tags"]):
        tags.setdefault(unit_id, []).append(RoleTag(tag_id, edge_id, TagRole(role), *limits))
    _add_meters(connection, places, tags)
    maps: dict[int, dict[str, str]] = {}
    for unit_id, vendor, packml in connection.execute(_Q["state_maps"]):
        maps.setdefault(unit_id, {})[vendor] = packml
    run_times: dict[int, list[RunTimeEntry]] = {}
    for unit_id, *entry in connection.execute(_Q["planned_run_times"]):
        run_times.setdefault(unit_id, []).append(RunTimeEntry(*entry))
    operations: dict[int, list[OperationEntry]] = {}
    for unit_id, *entry in connection.execute(_Q["operations"]):
        operations.setdefault(unit_id, []).append(OperationEntry(*entry))
    return {
        unit_id: UnitSource(
            unit_id=unit_id,
            path=str(places[unit_id][3]),
            line_id=line_id,
            site_id=site_of[line_id],
            tags=tuple(tags.get(unit_id, ())),
            state_map=maps.get(unit_id, {}),
            run_times=tuple(run_times.get(unit_id, ())),
            operations=tuple(operations.get(unit_id, ())),
            planned_run_time_s=places[unit_id][7],
            in_service_from=places[unit_id][8],
            in_service_until=places[unit_id][9],
        )
        for line_id, unit_ids in lines.items()
        for unit_id in unit_ids
    }


def _add_meters(
    connection: Connection,
    places: dict[int, tuple[object, ...]],
    tags: dict[int, list[RoleTag]],
) -> None:
    """Give machines the tags of meters that measure them; what a document says of a tag holds."""
    meters = [MeterRow(*row) for row in connection.execute(_Q["energy_meters"])]
    if not meters:
        return
    documented = {meter.tag_id for meter in meters}
    own: set[int] = set()
    for unit_id, of_unit in tags.items():
        of_unit[:] = [tag for tag in of_unit if tag.tag_id not in documented]
        if any(tag.role is TagRole.ENERGY for tag in of_unit):
            own.add(unit_id)
    # A machine of which nothing else is known has no figures that energy could be part of.
    paths = {str(places[unit_id][3]): unit_id for unit_id in tags}
    metered = {str(places[unit_id][3]) for unit_id in own}
    by_id = {meter.tag_id: meter for meter in meters}
    for (path, tag_id), share in meter_shares(meters, list(paths), metered).items():
        meter = by_id[tag_id]
        tags[paths[path]].append(
            RoleTag(
                tag_id,
                meter.edge_id,
                TagRole.ENERGY,
                meter.counter_modulus,
                meter.max_rate_per_s,
                meter.max_silence_s,
                share,
            )
        )
