"""Hard cases from readings to wherever a figure shows: stored, on request, file, page, Grafana."""

import io
import uuid
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from api import ApiSettings
from api.words.catalogue import CATALOGUES
from plant.settings import ClockSettings, DatabaseSettings
from store.engine.connection import conninfo
from tests.api_asking import data, may_write
from tests.integration.dashboards.grafana_plant import rows as grafana
from tests.peers.postgres import PostgresServer
from tests.plants.hard_cases import (
    AREA,
    CASES,
    OTHER_SITE,
    SHIFT,
    SITE,
    at,
    compute,
    path_of,
    write,
)

WINDOW = {"start": at(0).isoformat(), "end": at(SHIFT).isoformat()}
Place = tuple[DatabaseSettings, TestClient]


@pytest.fixture(scope="module")
def shop(plain_postgres_server: PostgresServer, plain_template: str) -> Iterator[Place]:
    name = plain_postgres_server.create_database(template=plain_template)
    database = plain_postgres_server.settings(name)
    write(database)
    now = at(SHIFT + 2)
    clock = ClockSettings(wall_origin=now, plant_origin=now, until=now)
    with may_write(ApiSettings(database=database, clock=clock)) as client:
        yield database, client
    plain_postgres_server.drop_database(name)


def stored(client: TestClient, place: str) -> dict[str, Any]:
    (row,) = data(client, "oee", place=place, kind="shift", **WINDOW)
    return row


def asked(client: TestClient, place: str, **more: Any) -> dict[str, Any]:
    (row,) = data(client, "kpi", place=place, **{**WINDOW, **more})
    return row


def as_file(client: TestClient, path: str, **params: Any) -> str:
    """Return every word of a workbook."""
    answer = client.get(f"/api/v1/{path}", params={**params, "format": "xlsx"})
    assert answer.status_code == 200, answer.text
    sheets = load_workbook(io.BytesIO(answer.content)).worksheets
    rows = [row for sheet in sheets for row in sheet.iter_rows(values_only=True)]
    return " ".join(str(value) for row in rows for value in row)


def of_kpi(row: dict[str, Any], name: str) -> Any:
    if name in row["figures"]:
        return row["figures"][name]["value"]
    if name in row["quantities"]:
        return row["quantities"][name]
    return row["times_ms"].get(name, row.get(name))


@pytest.mark.parametrize("code", CASES)
def test_a_case_is_right_wherever_it_shows(shop: Place, code: str) -> None:
    database, client = shop
    case, place = CASES[code], path_of(code)
    row, kpi = stored(client, place), asked(client, place)
    for name, value in case.right.items():
        expected = None if value is None else pytest.approx(value, rel=1e-9)
        assert row[name] == expected, f"{name} as stored"
        assert of_kpi(kpi, name) == expected, f"{name} on request"
    for name, reason in case.missing.items():
        assert row["missing"][name] == kpi["figures"][name]["missing"] == reason
    assert set(row["faults"]) == set(kpi["faults"]) == case.faults

    # Files, the page, Grafana: the same figure and what is said of it.
    for path, params in (("oee", {"kind": "shift"}), ("kpi", {})):
        told = as_file(client, path, place=place, **params, **WINDOW)
        assert [fault for fault in case.faults if fault not in told] == [], path
    page = client.get(f"/place/{place}", params={"lang": "en"}).text
    words = CATALOGUES["en"].words()
    for fault in case.faults:
        begins = words[f"fault.{fault.partition(':')[0]}"].partition("{")[0]
        assert escape(begins) in page, fault
    with psycopg.connect(conninfo(database)) as connection:
        chosen = {"place": place, "kind": "shift"}
        window = {"start": at(0), "end": at(SHIFT)}
        (panel,) = grafana(connection, "places_below", chosen, **window)
        over = grafana(connection, "figure_marks", chosen, **window)
    assert panel["oee"] == (None if row["oee"] is None else pytest.approx(row["oee"]))
    assert set((panel["faults"] or "").split(", ")) - {""} == case.faults
    if case.faults:
        assert over, "nothing is said over the charts"
    listed = {one["fault"] for one in data(client, "faults", place=place, **WINDOW)}
    assert {fault.partition(":")[0] for fault in case.faults} <= listed


@pytest.mark.parametrize("code", [code for code, case in CASES.items() if case.stops is not None])
def test_a_stop_is_one_and_adds_up_to_the_waterfall(shop: Place, code: str) -> None:
    _, client = shop
    place = path_of(code)
    listed = data(client, "stops", place=place, **WINDOW)
    assert [(one["start"], one["end"]) for one in reversed(listed)] == [
        tuple(f"{at(minute):%Y-%m-%dT%H:%M:%SZ}" for minute in span)
        for span in CASES[code].stops or ()
    ]
    bars = data(client, "stops/pareto", place=place, **WINDOW)
    lost = asked(client, place)["times_ms"]["adet_ms"]
    assert sum(bar["duration_s"] for bar in bars) * 1000 == lost
    assert sum(one["duration_s"] for one in listed) * 1000 == lost


def test_a_silent_machine_of_a_pool_counts_and_is_named(shop: Place) -> None:
    _, client = shop
    for row in (stored(client, f"{AREA}/be"), asked(client, f"{AREA}/be")):
        assert row["coverage"] == pytest.approx(0.5, abs=0.001)
        assert f"machine_silent:{AREA}/be/be-2" in row["faults"]
    assert stored(client, f"{AREA}/be")["oee"] == pytest.approx(479 / (2 * SHIFT))


def test_a_line_that_draws_its_buffers_down_is_no_wrong_counter(shop: Place) -> None:
    _, client = shop
    short = {"start": at(0).isoformat(), "end": at(26).isoformat()}
    row = asked(client, f"{AREA}/chuyen", **short)
    assert row["figures"]["quality_ratio"]["value"] == pytest.approx(35 / 37)
    assert row["figures"]["effectiveness"]["value"] == pytest.approx(37 / 26)
    assert row["figures"]["oee"]["value"] == pytest.approx(35 / 26)
    assert row["faults"] == ["buffer_drawn_down:12"]


def test_minutes_add_up_to_what_they_made(shop: Place) -> None:
    _, client = shop
    place = path_of("f1")
    moments = [at(190 + minute) for minute in range(14)]
    parts = [
        asked(client, place, start=start.isoformat(), end=end.isoformat())
        for start, end in pairwise(moments)
    ]
    whole = asked(client, place, start=moments[0].isoformat(), end=moments[-1].isoformat())
    made = [part["quantities"]["good_quantity"] for part in parts]
    # The minute of the misreading made none that is known; the one after tells both.
    assert made == [1.0] * 10 + [0.0, 2.0, 1.0]
    assert sum(made) == whole["quantities"]["good_quantity"] == 13


def test_a_part_without_a_run_time_takes_no_figure_from_line_and_site(shop: Place) -> None:
    _, client = shop
    for place, parts in ((f"{OTHER_SITE}/xuong/day-thu", 400), (OTHER_SITE, 400 + 479)):
        row, kpi = stored(client, place), asked(client, place)
        machines = 1 if parts == 400 else 2
        assert row["oee"] == kpi["figures"]["oee"]["value"]
        assert row["oee"] == pytest.approx(parts / (machines * SHIFT))
        assert row["run_time_coverage"] == pytest.approx(parts / (parts + 1))
        for one in (row, kpi):
            assert "no_planned_run_time:TEST" in one["faults"]


def test_sites_that_choose_differently_say_so_above_them(shop: Place) -> None:
    _, client = shop
    above = asked(client, "co-khi")
    assert "policies_differ" in above["faults"]
    assert above["figures"]["mtbf"] == {"value": None, "unit": "h", "missing": "policies_differ"}
    named = above["figures"]["mtbf_per_failure"]["value"]
    assert named is not None
    assert above["figures"]["mtbf_per_failure_plus_1"]["value"] < named
    for site, chosen in ((SITE, "failure"), (OTHER_SITE, "failure_plus_1")):
        own = asked(client, site)
        assert "policies_differ" not in own["faults"]
        assert own["figures"]["mtbf"] == own["figures"][f"mtbf_per_{chosen}"]
    for place, said in (("co-khi", True), (SITE, False)):
        board = client.get(f"/board/waterfall/{place}", params={"lang": "en"})
        assert board.status_code == 200
        assert ("by different choices" in board.text) is said


def test_scrap_booked_beyond_what_was_made_is_said_everywhere(shop: Place) -> None:
    database, client = shop
    place = path_of("f10")
    hour = {"start": at(0).isoformat(), "end": at(60).isoformat()}
    booking = {
        "site": SITE,
        "number": "P-1",
        "work_unit": place,
        "product": "a",
        "quantity": 100,
        "produced_at": at(30).isoformat(),
        "booked_at": at(70).isoformat(),
    }
    only_a_date = booking | {"number": "P-2", "produced_at": "2026-03-03"}
    said = {"who": "tổ trưởng", "reason": str(uuid.uuid4())}
    refused = client.post("/api/v1/mes/scrap-bookings", json={"documents": [only_a_date], **said})
    assert refused.status_code == 422
    assert "produced_at" in refused.text
    sent = client.post("/api/v1/mes/scrap-bookings", json={"documents": [booking], **said})
    assert sent.status_code in (200, 201), sent.text
    with psycopg.connect(conninfo(database), autocommit=True) as connection:
        compute(database, connection)
    (result,) = data(client, "oee", place=place, kind="hour", **hour)
    assert result["quality_ratio"] < 0
    assert "negative_good" in result["faults"]
    assert "negative_good" in asked(client, place, **hour)["faults"]
    assert "negative_good" in {one["fault"] for one in data(client, "faults", place=place, **hour)}


def test_a_day_later_nothing_has_changed(shop: Place) -> None:
    database, client = shop
    before = {code: stored(client, path_of(code)) for code in CASES}
    with psycopg.connect(conninfo(database), autocommit=True) as connection:
        connection.execute(
            "insert into dirty_window (work_unit_id, hour, marked_at)"
            " select distinct work_unit_id, hour, now() from base_sum on conflict do nothing"
        )
        compute(database, connection)
    for code, row in before.items():
        again = stored(client, path_of(code))
        assert {**again, "as_of": None} == {**row, "as_of": None}
