"""The live pages in Chromium, at the size of a ten-inch tablet."""

from collections.abc import Iterator
from typing import Literal

import psycopg
import pytest
from playwright.sync_api import Page, expect

from plant.settings import DatabaseSettings
from tests.peers.postgres import PostgresServer
from tests.peers.services import url_of
from tests.peers.serving import served
from tests.plants.api_plant import CNC_1, LINE, SITE, WASHER, api_settings, seed
from tests.watched_page import Watched

PAGES = ["/", f"/place/{SITE}", f"/place/{LINE}", f"/place/{CNC_1}", f"/place/{WASHER}"]


@pytest.fixture
def filled(plain_database: DatabaseSettings) -> DatabaseSettings:
    seed(plain_database)
    return plain_database


@pytest.fixture
def base(filled: DatabaseSettings, port: int) -> Iterator[str]:
    settings = api_settings(filled, port=port, refresh_s=0.3)
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


def change_line_oee(database: DatabaseSettings, value: float) -> None:
    with psycopg.connect(url_of(database)) as connection:
        connection.execute(
            "update oee_result set oee = %s from place where path = %s"
            " and oee_result.place_id = place.place_id and not final",
            (value, LINE),
        )


def admit(server: PostgresServer, database: DatabaseSettings, *, yes: bool) -> None:
    """Let nobody into a database and throw out whoever is in it, or let them in again."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"alter database {database.name} allow_connections {yes}")
        if not yes:
            connection.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
                (database.name,),
            )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_pages_load_without_trouble_at_tablet_size(
    watched: Watched, lang: str, scheme: Literal["light", "dark"]
) -> None:
    watched.page.emulate_media(color_scheme=scheme)
    for path in PAGES:
        watched.open(f"{path}?lang={lang}")
        expect(watched.page.locator("html")).to_have_attribute("lang", lang)
        assert watched.fits(), f"{path} is wider than the screen"
    assert watched.troubles == []


def test_a_figure_changes_without_a_reload_when_the_database_does(
    watched: Watched, filled: DatabaseSettings
) -> None:
    watched.open(f"/place/{LINE}")
    page = watched.page
    figure = page.locator("[data-region=line_oee] .oee-value").first
    expect(figure).to_have_text("70,2%")
    # Whatever a person opened and focused stays so.
    page.evaluate("window.untouched = true")
    page.locator("summary").click()
    link = page.get_by_role("link", name="Máy phay CNC 2")
    link.focus()
    change_line_oee(filled, 0.555)
    expect(figure).to_have_text("55,5%")
    assert page.evaluate("window.untouched") is True
    expect(page.locator("details")).to_have_attribute("open", "")
    expect(link).to_be_focused()
    assert watched.troubles == []


def test_a_person_walks_from_the_plant_to_a_machine(watched: Watched) -> None:
    watched.open("/?lang=en")
    page = watched.page
    page.get_by_role("link", name="Milling line").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Milling line")
    expect(page.get_by_text("Line OEE is paced by the bottleneck: CNC mill 2")).to_be_visible()
    page.get_by_role("link", name="Washer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Washer")
    state = page.locator("[data-region=machine_state]")
    # Never by colour alone: an icon and words, too.
    expect(state.locator(".state-label")).to_have_text("Unknown")
    expect(state.locator("svg.icon").first).to_be_visible()
    expect(page.get_by_text("Out of touch with tram-2")).to_be_visible()
    expect(page.get_by_text("Nothing tells good parts from bad ones.").first).to_be_visible()
    page.get_by_role("link", name="Last 24 hours").click()
    expect(page.locator("#timeline-title")).to_have_text("States over time · Last 24 hours")
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page.locator("#timeline-title")).to_have_text("Diễn biến trạng thái · 24 giờ qua")
    assert watched.troubles == []


def test_rows_take_less_room_than_cards_and_the_choice_is_kept(watched: Watched) -> None:
    page = watched.page
    for path, region in ((f"/place/{LINE}", "machines"), ("/", "plant")):
        watched.open(f"{path}?lang=vi&view=wide")
        shown = page.locator(f"[data-region={region}]")
        expect(shown).to_have_class("wide")
        cards = shown.bounding_box()
        page.get_by_role("link", name="Gọn").click()
        expect(shown).to_have_class("compact")
        rows = shown.bounding_box()
        assert cards is not None
        assert rows is not None
        assert rows["height"] < 0.6 * cards["height"], path
        # What a row says less is hidden, not lost: figures and coverage are there.
        expect(shown.locator(".oee-value").first).to_be_visible()
        expect(shown.locator(".coverage .ratio-value").first).to_be_visible()
        watched.open(path)
        expect(shown).to_have_class("compact")
    assert watched.troubles == []


def test_the_page_says_so_and_recovers_when_the_server_goes_and_comes(
    page: Page, filled: DatabaseSettings, port: int
) -> None:
    settings = api_settings(filled, port=port, refresh_s=0.3)
    with served(settings):
        page.goto(f"http://127.0.0.1:{settings.port}/place/{LINE}")
        expect(page.locator("#disconnected")).to_be_hidden()
    expect(page.locator("#disconnected")).to_be_visible()
    expect(page.locator("#disconnected")).to_contain_text("Mất kết nối với máy chủ")
    change_line_oee(filled, 0.444)
    with served(settings):
        expect(page.locator("#disconnected")).to_be_hidden()
        expect(page.locator("[data-region=line_oee] .oee-value").first).to_have_text("44,4%")
        page.close()


def test_the_page_says_so_when_its_stream_falls_silent(watched: Watched) -> None:
    page = watched.page
    page.clock.install()
    watched.open(f"/place/{LINE}?lang=vi")
    expect(page.locator("#live")).to_have_text("Đang cập nhật")
    # A network that swallows everything ends no connection: nothing is heard, not even an error.
    page.route("**/events*", lambda _: None)
    page.clock.fast_forward(60_000)
    expect(page.locator("#disconnected")).to_contain_text("Mất kết nối với máy chủ")
    expect(page.locator("#live")).to_be_hidden()
    page.unroute("**/events*")
    page.clock.fast_forward(60_000)
    expect(page.locator("#disconnected")).to_be_hidden()
    expect(page.locator("#live")).to_be_visible()


def test_the_page_fills_itself_when_the_database_comes_back(
    page: Page, filled: DatabaseSettings, port: int, plain_postgres_server: PostgresServer
) -> None:
    settings = api_settings(filled, port=port, refresh_s=0.3)
    banner = page.locator("[data-region=banner]")
    figure = page.locator("[data-region=line_oee] .oee-value").first
    with served(settings):
        admit(plain_postgres_server, filled, yes=False)
        answer = page.goto(f"http://127.0.0.1:{settings.port}/place/{LINE}")
        assert answer is not None
        assert answer.status == 503
        expect(banner).to_contain_text("Không đọc được cơ sở dữ liệu")
        admit(plain_postgres_server, filled, yes=True)
        expect(figure).to_have_text("70,2%")
        admit(plain_postgres_server, filled, yes=False)
        expect(banner).to_contain_text("Không đọc được cơ sở dữ liệu")
        # What was known stays on the page, under the banner.
        expect(figure).to_have_text("70,2%")
        admit(plain_postgres_server, filled, yes=True)
        expect(banner).to_have_text("")
        page.close()
