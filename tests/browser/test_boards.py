"""Every board in Chromium, in both languages, on the screen and on paper."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from api.pages.boards.registry import BOARDS
from tests.plants.api_plant import CNC_1, LINE
from tests.watched_page import Watched


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_stands_out_from_its_background(
    watched: Watched, scheme: Literal["light", "dark"]
) -> None:
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    poor_ones = (Path(__file__).parent / "contrast.js").read_text()
    boards = (f"/board/hours/{LINE}", f"/board/spc/{CNC_1}", f"/board/faults/{LINE}")
    pages = ("/", f"/place/{LINE}", f"/place/{CNC_1}", f"/operator/{CNC_1}", "/fleet", "/import")
    for path in (*pages, *boards, "/sign-in", "/operator"):
        watched.open(path)
        assert page.evaluate(poor_ones) == [], path


def test_charts_are_as_wide_as_paper_at_once_when_a_page_is_printed(watched: Watched) -> None:
    page = watched.page
    # A browser lays paper out right after it has said that it prints, and waits for nothing.
    printed = """() => {
      dispatchEvent(new Event('beforeprint'));
      return [...document.querySelectorAll('[data-chart] svg.plot')]
        .map((one) => one.getBoundingClientRect().width);
    }"""
    for path in (f"/board/timeline/{LINE}", f"/board/hours/{CNC_1}", f"/place/{CNC_1}"):
        watched.open(path)
        widths = page.evaluate(printed)
        # A4 without its margins is 186 mm, about 703 px.
        assert widths, path
        assert all(600 < width <= 703 for width in widths), f"{path}: {widths}"
        page.emulate_media(media="print")
        # Paper says of where and when it is.
        expect(page.locator(".trail")).to_be_visible()
        expect(page.locator("#printed")).to_contain_text("In lúc")
        page.emulate_media(media="screen")


def test_a_board_says_which_machines_lack_figures_that_others_have(watched: Watched) -> None:
    watched.open(f"/board/hours/{LINE}?hours=8&lang=vi")
    expect(watched.page.locator(".behind")).to_have_text(
        "Chưa đủ số liệu trong khoảng này: Máy phay CNC 2 (chưa có), Máy rửa (chưa có)."
    )
    watched.open(f"/board/hours/{CNC_1}?hours=8&lang=vi")
    expect(watched.page.locator(".behind")).to_have_count(0)


def test_the_states_of_a_timeline_are_named_below_it(watched: Watched) -> None:
    watched.open(f"/board/timeline/{LINE}?hours=8&lang=vi")
    names = watched.page.locator(".legend.states li").all_inner_texts()
    assert {"Đang chạy", "Hỏng máy", "Không rõ", "Nghỉ theo lịch"} <= set(names)
    # A breakdown is told apart without its colour.
    broken = watched.page.locator(".legend.states li", has_text="Hỏng máy")
    expect(broken.locator("rect.texture-cross")).to_have_count(1)


def test_pages_say_so_when_scripts_are_off(browser: Browser, base: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{base}/place/{LINE}?lang=en")
    expect(page.locator("noscript .banner")).to_contain_text("JavaScript is off")
    # What never goes on by itself does not say that it is live.
    expect(page.locator("#live")).to_be_hidden()
    expect(page.locator(".oee-value").first).to_have_text("70.2%")
    page.goto(f"{base}/board/stops/{CNC_1}?lang=en")
    expect(page.locator("noscript .note")).to_contain_text("JavaScript is off")
    expect(page.locator("table.figures").first).to_contain_text("Tool jammed")
    page.goto(f"{base}/operator/{CNC_1}?lang=en")
    expect(page.locator("noscript .banner")).to_have_text("This page needs JavaScript.")


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
    watched.page.set_viewport_size({"width": 360, "height": 740})
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
        inner = chart.locator("svg.plot").first.bounding_box()
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
