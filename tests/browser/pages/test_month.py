"""Thirty days of forty machines: pages stay small, boards of Grafana get few rows.

How soon they come is measured by `python -m bench month`.
"""

from collections.abc import Iterator

import psycopg
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect

from api import ApiSettings, create_app
from api.pages.boards.registry import BOARDS
from plant.settings import ClockSettings, DatabaseSettings
from store.access.tenant import DEPARTMENT, login_of, make_tenants
from store.engine.connection import conninfo
from tests.conftest import migrate
from tests.integration.dashboards.grafana_plant import SECRET, Asked, questions
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port
from tests.peers.serving import served
from tests.plants.month_plant import END, ENTERPRISE, LINE, SITE, START, UNIT, store_month
from tests.watched_page import Watched

pytestmark = pytest.mark.slow

MOST_BYTES = 150_000
MOST_ROWS = 5_000
EMPTY = {
    # Of how late readings came, which this plant does not say.
    ("nm-platform", "Số đo mỗi phút · measurements per minute"),
    # Machines are silent here at times, never a site as a whole.
    ("nm-department", "Cần xem · look at"),
}
FIGURES = [board for board in BOARDS if board != "spc"]
"""Boards that stand on figures; the other one reads every single value."""
PAGES = (
    *("/", "/?view=wide", f"/place/{SITE}", f"/place/{LINE}", f"/place/{LINE}?view=wide"),
    *(f"/place/{UNIT}", f"/trend/{UNIT}?hours=720", "/fleet", "/operator", f"/operator/{UNIT}"),
    *(f"/anomalies/{UNIT}", f"/corrections/{UNIT}"),
    *(f"/board/{board}/{place}?hours=720" for board in FIGURES for place in (SITE, LINE, UNIT)),
    *(f"/board/spc/{place}?hours=24" for place in (SITE, LINE, UNIT)),
)


@pytest.fixture(scope="module")
def owner(timescale_server: PostgresServer) -> Iterator[DatabaseSettings]:
    with compose_database(timescale_server) as settings:
        migrate(settings)
        store_month(settings)
        make_tenants(settings, SECRET)
        yield settings


@pytest.fixture(scope="module")
def settings(owner: DatabaseSettings) -> ApiSettings:
    clock = ClockSettings(wall_origin=END, plant_origin=END, until=END)
    reader = as_role(owner, "nhipmay_reader")
    return ApiSettings(database=reader, clock=clock, port=free_port())


@pytest.fixture(scope="module")
def client(settings: ApiSettings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="module")
def base(settings: ApiSettings) -> Iterator[str]:
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_a_month_fetches_little_also_at_the_first_visit(
    browser: Browser, base: str, path: str
) -> None:
    page = browser.new_context().new_page()
    session = page.context.new_cdp_session(page)
    fetched: list[float] = []
    session.on("Network.loadingFinished", lambda event: fetched.append(event["encodedDataLength"]))
    session.send("Network.enable")
    watched = Watched(page, base)
    watched.open(path)
    if path.startswith("/trend"):
        expect(page.locator("#panels")).to_have_attribute("aria-busy", "false")
    page.wait_for_load_state()

    assert len(fetched) > 1
    assert sum(fetched) < MOST_BYTES
    assert watched.troubles == []


def test_forty_machines_are_on_one_screen_of_a_tablet(watched: Watched) -> None:
    watched.open("/")
    page = watched.page
    expect(page.locator("[data-region=plant]")).to_have_class("compact")
    chips = page.locator(".chip")
    expect(chips).to_have_count(40)
    lowest = chips.last.bounding_box()
    assert lowest is not None
    assert lowest["y"] + lowest["height"] <= 800
    for width in (390, 768, 1024, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert watched.fits(), width


ASKED = list(questions(START, END, {"nm-enterprise": ENTERPRISE, "nm-machine": UNIT}, SITE, 1))
"""As the boards ask of thirty days: of the whole site wherever one may be chosen."""


@pytest.mark.parametrize("asked", ASKED, ids=lambda one: f"{one.board}-{one.title}")
def test_a_panel_of_a_month_gets_few_rows(
    asked: Asked, owner: DatabaseSettings, client: TestClient
) -> None:
    if asked.sql:
        tenant = DEPARTMENT if asked.board == "nm-department" else ENTERPRISE
        with psycopg.connect(conninfo(login_of(owner, SECRET, tenant))) as connection:
            found = len(connection.execute(asked.sql.encode()).fetchall())
    else:
        answer = client.get(asked.path, params=asked.parameters)
        assert answer.status_code == 200, answer.text
        found = len(answer.json()["data"])

    assert found <= MOST_ROWS
    assert found > 0 or (asked.board, asked.title) in EMPTY
