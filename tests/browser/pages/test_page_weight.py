"""What a page costs who opens it first: bytes of everything that it fetches."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from api.pages.boards.registry import BOARDS
from tests.peers.postgres import PostgresServer
from tests.peers.serving import served
from tests.plants.api_plant import CNC_1, LINE, SITE, api_settings, seed
from tests.watched_page import Watched

MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def base(plain_postgres_server: PostgresServer, plain_template: str, port: int) -> Iterator[str]:
    """A service on a filled database that no test here writes to."""
    name = plain_postgres_server.create_database(template=plain_template)
    database = plain_postgres_server.settings(name)
    seed(database)
    settings = api_settings(database, port=port)
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"
    plain_postgres_server.drop_database(name)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/place/{SITE}",
        f"/place/{LINE}",
        f"/place/{CNC_1}",
        f"/operator/{CNC_1}",
        f"/anomalies/{CNC_1}",
        "/fleet",
        *(f"/board/{board}/{LINE}?hours=8" for board in BOARDS),
    ],
)
def test_a_page_fetches_little_also_at_the_first_visit(
    browser: Browser, base: str, path: str
) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    session = context.new_cdp_session(page)
    fetched: list[float] = []
    session.on("Network.loadingFinished", lambda event: fetched.append(event["encodedDataLength"]))
    session.send("Network.enable")
    Watched(page, base).open(path)
    assert len(fetched) > 1
    assert sum(fetched) < MOST_BYTES
