"""Every board in Chromium, in both languages, on the screen and on paper."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from api.boards.registry import BOARDS
from tests.api_plant import CNC_1, LINE, api_settings, seed
from tests.postgres import PostgresServer
from tests.serving import served
from tests.watched_page import Watched


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


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_board_is_drawn_without_trouble(watched: Watched, lang: str) -> None:
    page = watched.page
    for board in BOARDS:
        for place in (CNC_1, LINE):
            watched.open(f"/board/{board}/{place}?lang={lang}&hours=8")
            expect(page.locator("html")).to_have_attribute("lang", lang)
            # Coverage stands beside every figure, and numbers beside every chart.
            assert page.locator(".part .trust").count() == page.locator(".part").count()
            assert watched.fits(), f"{board} {place} is wider than the screen"
    assert watched.troubles == []


def test_a_board_fits_paper_when_it_is_printed(watched: Watched) -> None:
    page = watched.page
    page.emulate_media(color_scheme="dark")
    watched.open(f"/board/waterfall/{CNC_1}?hours=8")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    # A4 without its margins is 186 mm, about 703 px.
    page.wait_for_function(
        "document.querySelector('[data-chart]').getBoundingClientRect().width <= 703"
    )
    expect(page.locator(".tabs")).to_be_hidden()
    expect(page.locator("#print")).to_be_hidden()
    expect(page.locator("table.figures").first).to_be_visible()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_nothing_is_wider_than_a_phone(watched: Watched) -> None:
    watched.page.set_viewport_size({"width": 390, "height": 844})
    places = ("/", f"/place/{LINE}", f"/place/{CNC_1}", f"/operator/{CNC_1}", "/import")
    for path in (*places, *(f"/board/{board}/{LINE}?hours=8" for board in BOARDS)):
        watched.open(path)
        assert watched.fits(), path


@pytest.mark.parametrize("path", ["/", f"/place/{LINE}", f"/place/{CNC_1}"])
def test_a_live_page_can_be_printed(base: str, page: Page, path: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{base}{path}")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")

    expect(page.locator(".top-right")).to_be_hidden()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    for chart in page.locator("[data-chart]").all():
        # Drawn for paper, no chart reaches into what comes below it.
        inner = chart.locator("svg.main-svg").first.bounding_box()
        outer = chart.bounding_box()
        assert inner is not None
        assert outer is not None
        assert inner["y"] + inner["height"] <= outer["y"] + outer["height"] + 1
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_choices_of_a_board_keep_place_and_window(base: str, page: Page) -> None:
    page.goto(f"{base}/board/spc/{CNC_1}?lang=en&hours=8")
    page.get_by_label("Measurement").select_option("cnc-1/spindle_temperature")
    expect(page.get_by_role("heading", name="Individuals · Nhiệt độ trục chính")).to_be_visible()
    page.get_by_label("Lower limit (LSL)").fill("40")
    page.get_by_label("Upper limit (USL)").fill("90")
    page.get_by_role("button", name="Apply").click()
    capability = page.locator("section", has=page.locator("#capability-title"))
    expect(capability.locator("tbody tr").first).to_contain_text("Cp")
    expect(capability.locator("tbody tr").first).not_to_contain_text("—")
    page.get_by_role("link", name="Energy").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Energy per good part")
    assert "hours=8" in page.url
