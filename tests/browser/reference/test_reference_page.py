"""In the browser: the API is read and tried on a page whose scripts all come from the service."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.peers.postgres import PostgresServer
from tests.peers.serving import served
from tests.plants.api_plant import SITE, api_settings, seed
from tests.watched_page import Watched


@pytest.fixture(scope="module")
def base(plain_postgres_server: PostgresServer, plain_template: str, port: int) -> Iterator[str]:
    name = plain_postgres_server.create_database(template=plain_template)
    settings = api_settings(plain_postgres_server.settings(name), port=port)
    seed(settings.database)
    with served(settings):
        yield f"http://127.0.0.1:{port}"
    plain_postgres_server.drop_database(name)


def test_a_question_is_asked_on_the_page_of_the_api(watched: Watched) -> None:
    page = watched.page
    page.goto(f"{watched.base}/reference?lang=vi")
    expect(page.get_by_role("heading", level=1)).to_have_text("API: tra cứu và thử")
    row = page.locator("#operations-places-list_places_api_v1_places_get")
    row.locator(".opblock-summary-control").first.click()
    row.get_by_role("button", name="Try it out").click()
    row.get_by_role("button", name="Execute").click()

    expect(row.locator(".live-responses-table tbody td.response-col_status")).to_contain_text("200")
    expect(row.locator(".live-responses-table")).to_contain_text(SITE)
    # Neither a script of somebody else nor one within the page: the policy would have said so.
    assert watched.troubles == []
