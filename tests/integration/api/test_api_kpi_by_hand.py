"""Every figure that is served equals the one formed by hand from the stored base sums.

A plant of two areas with random histories, random parts per item, meters, policies and bottlenecks,
at every level, for the whole window and by groups of it.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from plant.settings import ClockSettings, DatabaseSettings
from tests.kpi_by_hand import Group, Plant, Policy, Row, Told, Works, figures
from tests.plants.figure_plant import GRINDER, LINE, SAW, SITE, FigurePlant, at

POOL, CELL = f"{SITE}/gia-cong/ep", f"{SITE}/lap-rap/don"
PRESSES = (f"{POOL}/ep-1", f"{POOL}/ep-2")
WASHER, ASSEMBLY = f"{LINE}/rua", f"{CELL}/lap"
MACHINES = (SAW, GRINDER, WASHER, *PRESSES, ASSEMBLY)
HOURS = 9
SEEDS = range(max(3, int(os.environ.get("NHIPMAY_EXAMPLES", "0")) // 100))
"""A history each: three, or more where properties are tried with more examples."""
STATES = ("EXECUTE", "EXECUTE", "EXECUTE", "HELD", "ABORTED", "ABORTED", "IDLE", "SUSPENDED", "??")
COUNTS = ("good_count", "scrap_count", "rework_count", "energy")


def _named(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name_vi": code} | more


def _areas(bottleneck: str | None) -> list[dict[str, Any]]:
    units = [_named("cua"), _named("mai"), _named("rua")]
    line = _named("day-chuyen", bottleneck=bottleneck, work_units=units)
    pool = _named("ep", kind="parallel", work_units=[_named("ep-1"), _named("ep-2")])
    cell = _named("don", work_units=[_named("lap")])
    return [
        _named("gia-cong", work_centers=[line, pool]),
        _named("lap-rap", work_centers=[cell]),
    ]


def _random_plant(
    database: DatabaseSettings, rng: np.random.Generator
) -> tuple[FigurePlant, Plant]:
    """Write a random history, compute its figures, and return it with what is stored of it."""
    # Now and then nobody named it.
    bottleneck = [None, *("cua", "mai", "rua") * 3][rng.integers(10)]
    policy = Policy(
        minor_s=float(rng.choice([60, 600])),
        minor_runs=bool(rng.integers(2)),
        at_least_s=float(rng.choice([0, 0, 240])),
        merge_s=float(rng.choice([0, 0, 900])),
        states=("breakdown", "held") if rng.integers(3) == 0 else ("breakdown",),
        plus_1=bool(rng.integers(2)),
    )
    plant = FigurePlant(
        database,
        areas=_areas(bottleneck),
        policy={
            "minor_stop_threshold_s": policy.minor_s,
            "minor_stops_in": "effectiveness" if policy.minor_runs else "availability",
            "setup_in": str(rng.choice(["availability", "planned_downtime"])),
            "failure_states": list(policy.states),
            "failure_at_least_s": policy.at_least_s,
            "failure_merge_s": policy.merge_s,
            "mtbf_per": "failure_plus_1" if policy.plus_1 else "failure",
        },
    )
    per_item = _master_data(plant, rng)
    stateless = frozenset({str(rng.choice(MACHINES))} if rng.integers(6) == 0 else ())
    _history(plant, rng, stateless)
    plant.report(HOURS)
    plant.settle(HOURS)
    lines = (
        Works("serial", None if bottleneck is None else f"{LINE}/{bottleneck}", MACHINES[:3]),
        Works("parallel", None, PRESSES),
        Works("serial", None, (ASSEMBLY,)),
    )
    return plant, Plant(
        {unit: _rows(plant, "base_sum", "slice_start", unit) for unit in MACHINES},
        {unit: _rows(plant, "state_interval", "start_time", unit) for unit in MACHINES},
        lines,
        policy,
        per_item,
        stateless,
    )


def _rows(plant: FigurePlant, table: str, order: str, unit: str) -> list[dict[str, Any]]:
    return plant.rows(
        f"select t.* from {table} t join place on place_id = work_unit_id"
        f" where path = %s order by {order}",
        (unit,),
    )


def _master_data(plant: FigurePlant, rng: np.random.Generator) -> dict[tuple[str, str], float]:
    """Give machines a second product, run times and parts per item; maintenance of a press."""
    connection = plant.connection
    connection.execute(
        "insert into product (enterprise_id, code, name_vi, name_en)"
        " select enterprise_id, 'banh', 'Bánh', 'Wheel' from product where code = 'truc'"
    )
    connection.execute("delete from planned_run_time")
    per_item: dict[tuple[str, str], float] = {}
    for unit in MACHINES:
        for product in ("truc", "banh"):
            if rng.integers(12):
                connection.execute(
                    "insert into planned_run_time (product_id, work_unit_id, valid_from, seconds)"
                    " select product_id, place_id, %s, %s from product, place"
                    " where code = %s and path = %s",
                    (at(-99), float(rng.integers(5, 50)), product, unit),
                )
            parts = float(rng.choice([1, 1, 2, 4]))
            per_item[unit, product] = parts
            connection.execute(
                "insert into routing_step"
                " (product_id, work_unit_id, position, parts_per_item, valid_from)"
                " select product_id, place_id, 1, %s, %s from product, place"
                " where code = %s and path = %s",
                (parts, at(-99), product, unit),
            )
    connection.execute(
        "insert into planned_maintenance (site_id, place_id, number, start_time, end_time)"
        " select site_id, place_id, 'BT-1', %s, %s from place, edge where path = %s",
        (at(2), at(4), PRESSES[0]),
    )
    return per_item


def _history(plant: FigurePlant, rng: np.random.Generator, stateless: frozenset[str]) -> None:
    roles = ("state", "mode", "order", "product", *COUNTS)
    plant.connection.execute("delete from tag")
    for unit in MACHINES:
        # One machine or another counts no scrap, or has no meter.
        own = [role for role in roles if role in roles[:5] or rng.integers(7)]
        for role in own if unit not in stateless else own[1:]:
            plant.connection.execute(
                "insert into tag (site_id, work_unit_id, edge_id, name, value_type, role,"
                " max_silence_s) select edge.site_id, place_id, edge_id, %s, %s, %s, 1500"
                " from edge, place where path = %s",
                (
                    f"{unit.rpartition('/')[2]}/{role}",
                    "number" if role in COUNTS else "text",
                    role,
                    unit,
                ),
            )
        # A machine may only be at work before its shift: it has no planned time then.
        last = float(rng.choice([HOURS, HOURS, 1.0]))
        first = float(rng.choice([-1.5, -0.5]))
        moments = np.sort(rng.uniform(first, last, 40))
        plant.write(unit, "state", [(moment, str(rng.choice(STATES))) for moment in moments])
        plant.write(unit, "state", [(moments[rng.integers(40)] + 0.1, None)], quality=2)
        _say(plant, rng, unit, "mode", ("PRODUCTION", "PRODUCTION", "SETUP"), (first, last))
        _say(plant, rng, unit, "order", ("LSX-1", "LSX-2", ""), (first, last))
        _say(plant, rng, unit, "product", ("truc", "truc", "banh"), (first, last))
        for role in COUNTS:
            steps = rng.integers(0, {"good_count": 60, "energy": 9}.get(role, 4), 30)
            made = np.cumsum(steps).astype(float)
            times = np.sort(rng.uniform(first, last, 30))
            plant.write(unit, role, list(zip(times.tolist(), made.tolist(), strict=True)))


def _say(
    plant: FigurePlant,
    rng: np.random.Generator,
    unit: str,
    role: str,
    words: Sequence[str],
    span: tuple[float, float],
) -> None:
    moments = np.sort(rng.uniform(*span, 30 if role == "mode" else 5))
    plant.write(unit, role, [(moment, str(rng.choice(words))) for moment in moments])


@contextmanager
def _client(database: DatabaseSettings) -> Iterator[TestClient]:
    clock = ClockSettings(wall_origin=at(HOURS), plant_origin=at(HOURS), until=at(HOURS))
    with TestClient(
        create_app(ApiSettings(database=database, clock=clock)), base_url="http://localhost"
    ) as client:
        yield client


def _places(plant: Plant) -> list[tuple[str, list[Works] | None, tuple[str, ...]]]:
    """Return every place with its lines (None: a machine) and machines."""
    works, pool, cell = plant.lines
    found: list[tuple[str, list[Works] | None, tuple[str, ...]]] = [
        (unit, None, (unit,)) for unit in MACHINES
    ]
    for path, lines in (
        (LINE, [works]),
        (POOL, [pool]),
        (CELL, [cell]),
        (f"{SITE}/gia-cong", [works, pool]),
        (f"{SITE}/lap-rap", [cell]),
        (SITE, [works, pool, cell]),
        ("dong-nai", [works, pool, cell]),
    ):
        found.append((path, lines, tuple(unit for line in lines for unit in line.units)))
    return found


def _expected(
    plant: Plant,
    rows: dict[str, list[Row]],
    path: str,
    lines: list[Works] | None,
    units: tuple[str, ...],
    *,
    timed: bool,
) -> tuple[dict[str, float | None], Told]:
    own = Group(plant, {unit: rows.get(unit, []) for unit in units}, timed=timed)
    serial = next((line for line in plant.lines if path in (LINE, CELL, *line.units)), None)
    if path in (LINE, CELL):
        serial = next(line for line in plant.lines if line.units == units)
    first = None
    if serial is not None and serial.kind == "serial" and (lines is None or len(lines) == 1):
        first = serial.units[0]
    told = own.unit(path) if lines is None else own.place(lines)
    if lines is not None and len(lines) == 1 and path in (LINE, POOL, CELL):
        told = own.line(lines[0])
    # The first step is another machine's where a machine is asked for.
    steps = Group(plant, rows, timed=timed)
    of_first = None if first is None or not rows.get(first) else steps.unit(first)
    return figures(own, told, units, of_first, at(HOURS)), told


def _key(by: str | None, row: Row) -> Any:
    names = {"hour": "hour", "product": "product_code"}
    return None if by is None else row[names[by]]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_figure_is_that_of_the_stored_sums(database: DatabaseSettings, seed: int) -> None:
    filled, plant = _random_plant(database, np.random.default_rng(seed))
    try:
        with _client(database) as client:
            compared = sum(
                _compare(client, plant, place, by, (start, end))
                for place in _places(plant)
                for by, start, end in (
                    (None, -2, HOURS),
                    (None, 1, 6),
                    ("hour", -2, HOURS),
                    ("product", -2, HOURS),
                )
            )
            _compare_results(filled, client)
    finally:
        filled.close()
    assert compared > 1000
    assert any(plant.failures.values())


def _compare(
    client: TestClient,
    plant: Plant,
    place: tuple[str, list[Works] | None, tuple[str, ...]],
    by: str | None,
    window: tuple[float, float],
) -> int:
    """Compare the groups of a place with those formed by hand; return how many figures were."""
    path, lines, units = place
    start, end = (at(hours) for hours in window)
    inside = {
        unit: [row for row in rows if start <= row["slice_start"] and row["slice_end"] <= end]
        for unit, rows in plant.slices.items()
    }
    keys = {_key(by, row) for unit in units for row in inside[unit]}
    params = {"place": path, "start": start.isoformat(), "end": end.isoformat()}
    answer = client.get("/api/v1/kpi", params=params | ({"by": by} if by else {})).json()
    assert answer["meta"]["rounded"] is False
    served = {_served_key(by, group): group for group in answer["data"]}
    assert set(served) == keys
    compared = 0
    for key, group in served.items():
        rows = {unit: [row for row in own if _key(by, row) == key] for unit, own in inside.items()}
        wanted, told = _expected(plant, rows, path, lines, units, timed=by != "product")
        shown = {name: figure["value"] for name, figure in group["figures"].items()}
        assert shown == {
            name: None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)
            for name, value in wanted.items()
        }, (path, by, key)
        sums = group["times_ms"] | group["quantities"]
        sums |= {"failure_events": group["failure_events"]}
        for name in sums.keys() & told.sums.keys():
            assert sums[name] == pytest.approx(told.sums[name]), (path, by, key, name)
        compared += len(shown)
    return compared


def _served_key(by: str | None, group: dict[str, Any]) -> Any:
    if by is None:
        return None
    if by == "product":
        return group["group"]["product"]
    return datetime.fromisoformat(group["group"]["start"])


def _compare_results(plant: FigurePlant, client: TestClient) -> None:
    """Compare the results of lines and the site that are stored with what is served of them."""
    names = ("availability", "effectiveness", "quality_ratio", "oee")
    sums = ("pbt_ms", "apt_ms", "aust_ms", "adet_ms", "adot_ms", "unknown_ms")
    counted = ("produced_quantity", "good_quantity", "scrap_quantity", "rework_quantity")
    for kind in ("hour", "shift"):
        stored = plant.rows(
            "select p.path, r.* from oee_result r join place p using (place_id)"
            " where kind = %s and level <> 'work_unit'",
            (kind,),
        )
        assert stored
        served = {}
        for path in sorted({row["path"] for row in stored}):
            params = {"place": path, "by": kind}
            params |= {"start": at(-2).isoformat(), "end": at(HOURS).isoformat()}
            for group in client.get("/api/v1/kpi", params=params).json()["data"]:
                served[path, datetime.fromisoformat(group["group"]["start"])] = group
        for row in stored:
            group = served[row["path"], row["window_start"]]
            told = {name: group["figures"][name]["value"] for name in names}
            told |= {name: group["times_ms"][name] for name in sums}
            told |= {name: group["quantities"][name] for name in (*counted, "energy_kwh")}
            told |= {"failure_events": group["failure_events"]}
            for name, value in told.items():
                assert row[name] == (None if value is None else pytest.approx(value)), (row, name)
