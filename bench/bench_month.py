"""How soon boards and pages of a month come: forty machines, thirty days.

`python -m bench month [--json FILE]`. Of each panel of Grafana the time that its answer takes (the
middle of five) and its rows; of each page what a browser works after the first visit, when its
files are kept. Beside each figure stands its target.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from api.pages.boards.registry import BOARDS
from bench.bench_oee import show
from plant.settings import ClockSettings
from store import migrate
from store.access.tenant import DEPARTMENT, login_of, make_tenants
from store.engine.connection import conninfo
from tests.integration.dashboards.grafana_plant import SECRET, questions
from tests.peers.chromium import TABLET, Chromium
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port, recorded
from tests.peers.serving import served
from tests.plants.month_plant import END, ENTERPRISE, LINE, SITE, START, UNIT, store_month
from tests.watched_page import Watched

_TIMES = 5
_PAGES = (
    *("/", f"/place/{LINE}", f"/place/{UNIT}", f"/trend/{UNIT}?hours=720", "/fleet"),
    *(f"/operator/{UNIT}", f"/anomalies/{UNIT}"),
    *(f"/board/{board}/{LINE}?hours={24 if board == 'spc' else 720}" for board in BOARDS),
)


def main(arguments: Sequence[str] = ()) -> None:
    """Store the month, measure, print a table."""
    parser = argparse.ArgumentParser(prog="bench month")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    asked = parser.parse_args(list(arguments))
    figures: dict[str, float] = {}
    with PostgresServer.timescale() as server, compose_database(server) as owner:
        migrate(owner)
        store_month(owner)
        make_tenants(owner, SECRET)
        clock = ClockSettings(wall_origin=END, plant_origin=END, until=END)
        reader = as_role(owner, "nhipmay_reader")
        settings = ApiSettings(database=reader, clock=clock, port=free_port())
        places = {"nm-enterprise": ENTERPRISE, "nm-machine": UNIT}
        with TestClient(create_app(settings), base_url="http://localhost") as client:
            for one in questions(START, END, places, SITE, 1):
                tenant = DEPARTMENT if one.board == "nm-department" else ENTERPRISE
                with psycopg.connect(conninfo(login_of(owner, SECRET, tenant))) as connection:
                    if one.sql:
                        text = one.sql.encode()
                        took, rows = middle(lambda: len(connection.execute(text).fetchall()))  # noqa: B023 - called at once
                    else:
                        took, rows = middle(
                            lambda: len(client.get(one.path, params=one.parameters).json()["data"])  # noqa: B023 - called at once
                        )
                name = f"{one.board}: {one.title}"
                figures[f"{name} (s)"] = took
                figures[f"{name} (rows)"] = rows
                show(f"{name}, {rows} rows (s)", took, 1.0)
        with served(settings):
            browse(figures, f"http://127.0.0.1:{settings.port}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")


def middle(ask: Callable[[], int]) -> tuple[float, int]:
    """Return the middle of the times that a question takes, and how many rows it gives."""
    times, rows = [], 0
    for _ in range(_TIMES):
        begun = time.perf_counter()
        rows = ask()
        times.append(time.perf_counter() - begun)
    return statistics.median(times), rows


def browse(figures: dict[str, float], base: str) -> None:
    """Show what the browser works for each page, its files known."""
    chromium = Chromium(Path(recorded("chromium")["program"]))
    with chromium.launch() as browser:
        context = browser.new_context(viewport=TABLET, service_workers="block")
        for path in _PAGES:
            times = []
            for visit in range(_TIMES + 1):
                page = context.new_page()
                session = context.new_cdp_session(page)
                session.send("Performance.enable")
                Watched(page, base).open(path)
                page.wait_for_load_state()
                told = session.send("Performance.getMetrics")["metrics"]
                if visit:
                    times.append(
                        next(one["value"] for one in told if one["name"] == "TaskDuration")
                    )
                page.close()
            figures[f"{path} (CPU s)"] = took = statistics.median(times)
            show(f"{path}, browser (s)", took, 0.3)
