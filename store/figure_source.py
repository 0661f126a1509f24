"""What figures are computed from: places and their master data, edges' progress, readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from plant.calendar import NO_RULES, DayOff, DayRules, Rotation, ShiftPattern
from plant.clock import microseconds
from plant.kpi import OeePolicy
from plant.measurement import TEXT_ROLES, Quality, TagRole
from store.connection import Connection
from store.figure_meter import MeterRow, MeterShare, meter_shares
from store.mes_calendar import rotation, shift_pattern
from store.queries import queries

_Q = queries("figure_source")


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


@dataclass(frozen=True, slots=True)
class NumberColumns:
    """Readings of a number tag in columns of shape (n,), in no particular order."""

    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextColumns:
    """Readings of a text tag in columns of n rows, in no particular order."""

    time_us: NDArray[np.int64]
    values: list[str | None]
    quality: NDArray[np.int64]


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


def oee_policy(choices: Sequence[Any]) -> OeePolicy:
    """Return the policy of a row of `oee_policy` without its site."""
    version, threshold, minor_in, breaks_in, setup_in, kinds, least, merge, *others = choices
    return OeePolicy(
        version, threshold, minor_in, breaks_in, setup_in, tuple(kinds), least, merge, *others
    )


def edge_progress(connection: Connection) -> dict[int, EdgeProgress]:
    """Return the progress of every edge that has reported, by its id."""
    return {row[0]: EdgeProgress(*row[1:]) for row in connection.execute(_Q["edge_progress"])}


def extents(
    connection: Connection, tags: Sequence[RoleTag]
) -> dict[int, tuple[datetime, datetime]]:
    """Return first and last source time by tag id; tags without readings are left out."""
    found = {}
    for query, wanted in _by_table("extent", tags):
        for tag_id, first, last in connection.execute(_Q[query], {"tags": wanted}):
            if first is not None:
                found[tag_id] = (first, last)
    return found


def next_readings(
    connection: Connection, asked: Sequence[tuple[RoleTag, datetime]]
) -> dict[tuple[int, datetime], datetime]:
    """Return the first usable reading at or after each moment, by tag id and moment."""
    found: dict[tuple[int, datetime], datetime] = {}
    for query, is_text in (("next_numbers", False), ("next_texts", True)):
        chosen = [(tag.tag_id, moment) for tag, moment in asked if tag.is_text == is_text]
        for reach in (_NEAR, None):
            chosen = [each for each in chosen if each not in found]
            if not chosen:
                break
            moments = [moment for _, moment in chosen]
            parameters = {
                "tags": [tag_id for tag_id, _ in chosen],
                "moments": moments,
                "earliest": min(moments),
                "latest": "infinity" if reach is None else max(moments) + reach,
            }
            for tag_id, moment, after in connection.execute(_Q[query], parameters):
                if after is not None:
                    found[tag_id, moment] = after
    return found


def numbers(
    connection: Connection,
    tag_ids: Sequence[int],
    start: datetime,
    end: datetime,
    lookback: timedelta,
) -> dict[int, NumberColumns]:
    """Return usable readings in `[start, end)` and what precedes them, by tag id.

    Before the window come the last reading and all within `lookback` before that one.
    """
    before: dict[int, datetime] = {}
    for earliest in (start - _NEAR, "-infinity"):
        wanted = [tag_id for tag_id in tag_ids if tag_id not in before]
        asked = {"tags": wanted, "start": start, "earliest": earliest}
        rows_before = connection.execute(_Q["last_numbers"], asked) if wanted else ()
        before |= {tag_id: last for tag_id, last in rows_before if last is not None}
    froms = [before.get(tag_id, start) - lookback for tag_id in tag_ids]
    parameters = {
        "tags": list(tag_ids),
        "froms": froms,
        "earliest": min(froms, default=start),
        "end": end,
    }
    with connection.cursor() as cursor, cursor.copy(_Q["copy_numbers"], parameters) as copy:
        rows = np.frombuffer(b"".join(copy)[_HEADER:_TRAILER], dtype=_ROW)
    tags = rows["tag"].astype(np.int64)
    time_us = rows["time"].astype(np.int64) + _POSTGRES_EPOCH_US
    value = rows["value"].astype(np.float64)
    quality = rows["quality"].astype(np.int64)
    found = {}
    for tag_id in tag_ids:
        own = tags == tag_id
        found[tag_id] = NumberColumns(time_us[own], value[own], quality[own])
    return found


def texts(
    connection: Connection, tag_ids: Sequence[int], start: datetime, end: datetime
) -> dict[int, TextColumns]:
    """Return readings in `[start, end)`, the last and the last usable one before, by tag id."""
    parameters = {"start": start, "end": end}
    rows: list[tuple[int, int, str | None, int]] = []
    wanted = list(tag_ids)
    start_us = microseconds(start)
    with connection.cursor(binary=True) as cursor:
        for earliest in (start - _NEAR, "-infinity"):
            asked = parameters | {"tags": wanted, "earliest": earliest}
            found = cursor.execute(_Q["texts"], asked).fetchall() if wanted else []
            preceded = {
                tag_id
                for tag_id, time_us, _, quality in found
                if time_us < start_us and quality < Quality.BAD
            }
            last_try = earliest == "-infinity"
            rows += [row for row in found if last_try or row[0] in preceded]
            wanted = [tag_id for tag_id in wanted if tag_id not in preceded]
    by_tag: dict[int, tuple[list[int], list[str | None], list[int]]] = {
        tag_id: ([], [], []) for tag_id in tag_ids
    }
    for tag_id, time_us, value, quality in rows:
        columns = by_tag[tag_id]
        columns[0].append(time_us)
        columns[1].append(value)
        columns[2].append(quality)
    return {
        tag_id: TextColumns(
            np.array(time_us, dtype=np.int64), values, np.array(quality, dtype=np.int64)
        )
        for tag_id, (time_us, values, quality) in by_tag.items()
    }


# How far around a window neighbouring readings are sought first.
_NEAR = timedelta(days=1)

# Binary COPY: a signature with flags, then per row a column count and a length before each value.
_HEADER = 19
_TRAILER = -2
_ROW = np.dtype(
    [
        ("columns", ">i2"),
        ("tag_length", ">i4"),
        ("tag", ">i4"),
        ("time_length", ">i4"),
        ("time", ">i8"),
        ("value_length", ">i4"),
        ("value", ">f8"),
        ("quality_length", ">i4"),
        ("quality", ">i2"),
    ]
)
# PostgreSQL counts microseconds from 2000-01-01T00:00Z.
_POSTGRES_EPOCH_US = 946_684_800_000_000


def _by_table(suffix: str, tags: Sequence[RoleTag]) -> list[tuple[str, list[int]]]:
    split = (
        (f"number_{suffix}", [tag.tag_id for tag in tags if not tag.is_text]),
        (f"text_{suffix}", [tag.tag_id for tag in tags if tag.is_text]),
    )
    return [(query, wanted) for query, wanted in split if wanted]


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
    places: dict[int, tuple[object, ...]],
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
