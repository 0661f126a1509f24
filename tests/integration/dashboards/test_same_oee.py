"""One OEE by SQL, by the API, on a page, in files and in what Grafana is given, to a billionth."""

import csv
import io
import json
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import psycopg
import pytest
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from plant.settings import ClockSettings, DatabaseSettings
from store.access.tenant import login_of, make_tenants
from store.engine.connection import conninfo
from tests.conftest import migrate
from tests.integration.dashboards.grafana_plant import BOARDS, SECRET, rows
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.month_plant import DAYS, END, ENTERPRISE, LINES, START, store_month

pytestmark = pytest.mark.slow

SAME = 1e-9
WINDOWS = 500
UNITS = [f"{line}/may-{number}" for line in LINES for number in range(1, 11)]
# Written anew, not that of the service: parts by their planned run time, per planned busy time.
BY_PRODUCT = """
select product_code, sum(pri_gq_ms)::float8 / nullif(sum(pbt_ms), 0)::float8
from base_sum join place on place_id = work_unit_id
where path = %s and slice_start >= %s and slice_end <= %s and product_code is not null
group by product_code
"""
BY_HOUR = """
select hour, sum(pri_gq_ms)::float8 / nullif(sum(pbt_ms), 0)::float8
from base_sum join place on place_id = work_unit_id
where path = %s group by hour order by hour
"""
Oee = dict[str, float | None]


@pytest.fixture(scope="module")
def owner(timescale_server: PostgresServer) -> Iterator[DatabaseSettings]:
    with compose_database(timescale_server) as settings:
        migrate(settings)
        store_month(settings)
        make_tenants(settings, SECRET)
        yield settings


@pytest.fixture(scope="module")
def client(owner: DatabaseSettings) -> Iterator[TestClient]:
    clock = ClockSettings(wall_origin=END, plant_origin=END, until=END)
    settings = ApiSettings(database=as_role(owner, "nhipmay_reader"), clock=clock)
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        yield client


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def by_page(client: TestClient, path: str, window: dict[str, str]) -> tuple[Oee, dict[str, str]]:
    """Return what a page draws, and what it writes."""
    html = client.get(f"/board/comparison/{path}", params={**window, "lang": "en"}).text
    found = re.search(
        r'<script type="application/json" id="charts">(.*?)</script>', html, re.DOTALL
    )
    assert found is not None
    trace = json.loads(found[1])["products"]["data"][0]
    assert trace["name"] == "OEE"
    labels = [one.partition("<br>")[0] for one in trace["x"]]
    return (
        dict(zip(labels, trace["y"], strict=True)),
        dict(zip(labels, trace["text"], strict=True)),
    )


def by_grafana(client: TestClient, path: str, window: dict[str, str]) -> Oee:
    """Return the columns that a panel of Grafana takes from our API's answer."""
    (target,) = (
        target
        for panel in BOARDS["nm-quality"]["panels"]
        for target in panel["targets"]
        if target.get("url") == "/api/v1/boards/comparison/products"
    )
    label, figure = (
        next(one["selector"] for one in target["columns"] if one["text"] == name)
        for name in ("product", "oee")
    )
    answer = client.get(target["url"], params={"place": path, **window}).json()
    return {row[label]: row[figure] for row in answer[target["root_selector"]]}


def test_five_ways_to_an_oee_of_any_window_agree(
    owner: DatabaseSettings, client: TestClient, request: pytest.FixtureRequest
) -> None:
    dice = random.Random(request.node.name)
    compared = 0
    with psycopg.connect(conninfo(owner)) as connection:
        for number in range(WINDOWS):
            unit = dice.choice(UNITS)
            first = START + timedelta(hours=dice.randrange(24 * DAYS - 100))
            last = first + timedelta(hours=dice.randint(1, 100))
            window = {"start": stamp(first), "end": stamp(last)}
            asked = {"place": unit, "by": "product", **window}

            wanted: Oee = dict(connection.execute(BY_PRODUCT, (unit, first, last)).fetchall())
            answer = client.get("/api/v1/kpi", params=asked).json()["data"]
            told = {
                row["group"]["product"]: row["figures"]["oee"]["value"]
                for row in answer
                if row["group"]["product"]
            }
            text = client.get("/api/v1/kpi", params={**asked, "format": "csv"}).content
            lines = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
            filed = {
                row["group.product"]: float(row["oee"]) for row in lines if row["group.product"]
            }
            drawn, written = by_page(client, unit, window)
            framed = by_grafana(client, unit, window)

            for way in (told, filed, drawn, framed):
                assert way.keys() >= wanted.keys()
                for product, value in wanted.items():
                    assert way[product] == pytest.approx(value, abs=SAME, rel=0), (unit, window)
            for product, value in wanted.items():
                assert value is not None
                shown = float(written[product].removesuffix("%"))
                assert shown == pytest.approx(100 * value, abs=0.05 + SAME, rel=0)
            compared += len(wanted)
            if number % 25 == 0:
                sheet = client.get("/api/v1/kpi", params={**asked, "format": "xlsx"}).content
                assert in_workbook(sheet, list(lines[0])) == pytest.approx(filed, abs=SAME, rel=0)
    assert compared >= WINDOWS


def in_workbook(content: bytes, names: list[str]) -> Oee:
    """Return what a workbook says, whose columns are those of the text file in other words."""
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[-1]
    product, figure = names.index("group.product"), names.index("oee")
    table = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return {
        str(row[product]): float(value)
        for row in table
        if isinstance(value := row[figure], int | float) and row[product]
    }


@pytest.mark.parametrize("unit", [UNITS[0], UNITS[17]])
def test_stored_windows_are_told_as_they_are_stored(
    unit: str, owner: DatabaseSettings, client: TestClient
) -> None:
    window = {"start": stamp(START), "end": stamp(END)}
    asked = {"place": unit, "kind": "hour", **window}
    with psycopg.connect(conninfo(owner)) as connection:
        wanted = [value for _, value in connection.execute(BY_HOUR, (unit,))]
    with psycopg.connect(conninfo(login_of(owner, SECRET, ENTERPRISE))) as connection:
        chosen = {"place": unit, "kind": "hour"}
        framed: list[Any] = [
            row["oee"] for row in rows(connection, "place_trend", chosen, start=START, end=END)
        ]
    told = [row["oee"] for row in client.get("/api/v1/oee", params=asked).json()["data"]]
    text = client.get("/api/v1/oee", params={**asked, "format": "csv"}).content
    filed = [float(row["oee"]) for row in csv.DictReader(io.StringIO(text.decode("utf-8-sig")))]

    assert len(wanted) == 24 * DAYS
    for way in (framed, told, filed):
        assert sorted(way) == pytest.approx(sorted(wanted), abs=SAME, rel=0)
