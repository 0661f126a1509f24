"""Loads a plant description: the administrator's file becomes rows, again and again the same."""

from collections import Counter
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from plant.calendar import utc_instant
from plant.description import PlantDescription, Site
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store.engine.connection import Connection, connect, store_errors
from store.engine.queries import queries

_Q = queries("place/plant")

PlaceIds = dict[str, int]
"""Place ids by path."""


def load_plant(target: DatabaseSettings | Connection, description: PlantDescription) -> None:
    """Make the database agree with the description, in one transaction; repeating it is harmless.

    What the description no longer names stays, because data may refer to it; so does what an MES
    said of the same thing (see `store.mes`). When anything that figures of a site depend on has
    changed, that is recorded, and all hours of that site with figures become dirty.
    A connection given is used within its transaction, which the caller commits.

    Raises:
        ConfigurationError: a policy differs from the one stored under the same version.
        StoreUnavailableError: the database cannot be reached.
    """
    if isinstance(target, DatabaseSettings):
        with store_errors(target), connect(target) as connection:
            _load(connection, description)
    else:
        _load(target, description)


def _load(connection: Connection, description: PlantDescription) -> None:
    connection.execute(_Q["lock"])
    sites = [description.path(site.code) for site in description.sites]
    known = {row[0] for row in connection.execute(_Q["known_sites"], {"sites": sites})}
    before = {site: _foundations(connection, site) for site in sites}
    ids = _load_places(connection, description)
    for site in description.sites:
        _load_site(connection, site, description.path(site.code), ids)
    _load_products(connection, description, ids)
    _load_stop_reasons(connection, description, ids)
    changed = {
        path: after for path in sites if (after := _foundations(connection, path)) != before[path]
    }
    if changed:
        connection.execute(_Q["lock_recomputation"])
    for path, after in changed.items():
        connection.execute(_Q["mark_site_dirty"], {"site": path})
        connection.execute(
            _Q["record_change"],
            {"site": path, "known": path in known, "old": before[path], "new": after},
        )


def _foundations(connection: Connection, site: str) -> str:
    row = connection.execute(_Q["foundations"], {"site": site}).fetchone()
    return str(row[0]) if row else ""


def _load_places(connection: Connection, description: PlantDescription) -> PlaceIds:
    zones = {description.path(site.code): site.time_zone for site in description.sites}
    lines = {
        f"{description.path(site.code)}/{area.code}/{center.code}": center
        for site in description.sites
        for area in site.areas
        for center in area.work_centers
    }
    machines = {
        f"{path}/{unit.code}": unit for path, center in lines.items() for unit in center.work_units
    }
    ids: PlaceIds = {}
    siblings: Counter[str | None] = Counter()
    for place in description.places():
        line, machine = lines.get(place.path), machines.get(place.path)
        zone = zones.get("/".join(place.path.split("/")[:2]))
        row = connection.execute(
            _Q["upsert_place"],
            {
                "parent": place.parent_path,
                "level": place.level.value,
                "path": place.path,
                "name_vi": place.name_vi,
                "name_en": place.name_en,
                "position": siblings[place.parent_path],
                "time_zone": zones.get(place.path),
                "line_kind": line.kind if line else None,
                "planned_run_time_s": machine.planned_run_time_s if machine else None,
                "in_service_from": machine and _midnight(machine.in_service_from, zone),
                "in_service_until": machine and _midnight(machine.in_service_until, zone),
            },
        ).fetchone()
        assert row is not None, "an upsert returns its row"
        ids[place.path] = row[0]
        if machine is not None and machine.in_service_until is not None:
            connection.execute(_Q["forget_after_end"], {"path": place.path})
        siblings[place.parent_path] += 1
    for path, center in lines.items():
        bottleneck = ids[f"{path}/{center.bottleneck}"] if center.bottleneck else None
        connection.execute(_Q["set_bottleneck"], {"line": ids[path], "bottleneck": bottleneck})
    return ids


def _midnight(day: date | None, zone: str | None) -> datetime | None:
    return None if day is None else utc_instant(day, time(), ZoneInfo(zone or "UTC"))


def _load_site(connection: Connection, site: Site, path: str, ids: PlaceIds) -> None:
    site_id = ids[path]
    for code in site.edges:
        connection.execute(_Q["enrol_edge"], {"site": site_id, "code": code})
    _load_policy(connection, site, site_id)
    _load_state_maps(connection, site, path, ids)
    connection.execute(_Q["clear_shifts"], {"site": site_id})
    for shift in site.shifts:
        pattern = shift.pattern()
        row = connection.execute(
            _Q["insert_shift"],
            {
                "site": site_id,
                "name": pattern.name,
                "start": pattern.start,
                "end": pattern.end,
                "weekdays": sorted(pattern.weekdays),
                "valid_from": pattern.valid_from,
                "valid_to": pattern.valid_to,
            },
        ).fetchone()
        if row is None:
            # An MES has corrected this very version of the shift: what it says stands.
            continue
        for pause in pattern.breaks:
            connection.execute(
                _Q["insert_break"],
                {"shift": row[0], "name": pause.name, "start": pause.start, "end": pause.end},
            )


def _load_policy(connection: Connection, site: Site, site_id: int) -> None:
    wanted = site.policy
    choices = tuple(wanted.model_dump(mode="json", exclude={"version"}).values())
    stored = connection.execute(
        _Q["policy"], {"site": site_id, "version": wanted.version}
    ).fetchone()
    if stored is None:
        own = Jsonb(wanted.minor_stop_thresholds_s)
        connection.execute(
            _Q["insert_policy"],
            wanted.model_dump(mode="json") | {"site": site_id, "minor_stop_thresholds_s": own},
        )
    elif stored != choices:
        raise ConfigurationError(
            f"site {site.code}: policy version {wanted.version} is stored as {stored}, but the "
            f"description says {choices}: figures name their policy by its version, so give the "
            f"changed policy a new one, such as `version: {wanted.version + 1}`"
        )


def _load_state_maps(connection: Connection, site: Site, path: str, ids: PlaceIds) -> None:
    units = [
        (ids[f"{path}/{area.code}/{center.code}/{unit.code}"], unit)
        for area in site.areas
        for center in area.work_centers
        for unit in center.work_units
    ]
    connection.execute(_Q["clear_state_map"], {"work_units": [unit_id for unit_id, _ in units]})
    for unit_id, unit in units:
        for vendor_state, packml_state in unit.state_map.items():
            connection.execute(
                _Q["insert_state_map"],
                {
                    "work_unit": unit_id,
                    "vendor_state": vendor_state,
                    "packml_state": packml_state,
                },
            )


def _load_products(connection: Connection, description: PlantDescription, ids: PlaceIds) -> None:
    enterprise = ids[description.enterprise.code]
    products: dict[str, int] = {}
    for product in description.products:
        row = connection.execute(
            _Q["upsert_product"],
            {
                "enterprise": enterprise,
                "code": product.code,
                "name_vi": product.name_vi,
                "name_en": product.english,
            },
        ).fetchone()
        assert row is not None, "an upsert returns its row"
        products[product.code] = row[0]
        connection.execute(_Q["clear_planned_run_times"], {"product": row[0]})
        for planned in product.planned_run_times:
            connection.execute(
                _Q["insert_planned_run_time"],
                planned.model_dump()
                | {"product": row[0], "work_unit": ids[description.path(planned.work_unit)]},
            )
    for order in description.orders:
        center = description.path(order.work_center)
        connection.execute(
            _Q["upsert_order"],
            order.model_dump()
            | {
                "site": ids["/".join(center.split("/")[:2])],
                "work_center": ids[center],
                "product": products[order.product],
            },
        )


def _load_stop_reasons(
    connection: Connection, description: PlantDescription, ids: PlaceIds
) -> None:
    for reason in description.stop_reasons:
        connection.execute(
            _Q["upsert_stop_reason"],
            {
                "enterprise": ids[description.enterprise.code],
                "code": reason.code,
                "parent": reason.parent,
                "name_vi": reason.name_vi,
                "name_en": reason.english,
            },
        )
