"""Every board in Chromium, in both languages, on the screen and on paper."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from api.boards.registry import BOARDS
from tests.api_plant import CNC_1, LINE, api_settings, seed
from tests.postgres import PostgresServer
from tests.services import free_port
from tests.serving import served


@pytest.fixture(scope="module")
def base(plain_postgres_server: PostgresServer, plain_template: str) -> Iterator[str]:
    """A service on a filled database that no test here writes to."""
    name = plain_postgres_server.create_database(template=plain_template)
    database = plain_postgres_server.settings(name)
    seed(database)
    settings = api_settings(database, port=free_port())
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"
    plain_postgres_server.drop_database(name)


def watched(page: Page, base: str) -> list[str]:
    """Return what a page does that it should not do, as it does it."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: troubles.append(said.text) if said.type in {"error", "warning"} else None,
    )
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((base, "data:", "blob:")) else troubles.append(asked.url)
        ),
    )
    return troubles


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_board_is_drawn_without_trouble(browser: Browser, base: str, lang: str) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    troubles = watched(page, base)
    for board in BOARDS:
        for place in (CNC_1, LINE):
            answer = page.goto(f"{base}/board/{board}/{place}?lang={lang}&hours=8")
            assert answer is not None
            assert answer.ok, f"{board} {place}"
            expect(page.locator("html")).to_have_attribute("lang", lang)
            for chart in page.locator("[data-chart]").all():
                expect(chart.locator("svg.main-svg").first).to_be_visible()
            # Coverage stands beside every figure, and numbers beside every chart.
            assert page.locator(".part .trust").count() == page.locator(".part").count()
            wide = page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
            assert not wide, f"{board} {place} is wider than the screen"
    assert troubles == []


def test_a_board_fits_paper_when_it_is_printed(browser: Browser, base: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{base}/board/waterfall/{CNC_1}?hours=8")
    chart = page.locator("[data-chart]").first
    expect(chart.locator("svg.main-svg").first).to_be_visible()
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


def test_nothing_is_wider_than_a_phone(browser: Browser, base: str) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    places = ("/", f"/place/{LINE}", f"/place/{CNC_1}", f"/operator/{CNC_1}", "/import")
    for path in (*places, *(f"/board/{board}/{LINE}?hours=8" for board in BOARDS)):
        page.goto(f"{base}{path}")
        for chart in page.locator("[data-chart]").all():
            expect(chart.locator("svg.main-svg").first).to_be_visible()
        wide = page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not wide, path


@pytest.mark.parametrize("path", ["/", f"/place/{LINE}", f"/place/{CNC_1}"])
def test_a_live_page_can_be_printed(browser: Browser, base: str, path: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page = context.new_page()
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


def test_choices_of_a_board_keep_place_and_window(browser: Browser, base: str) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
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
