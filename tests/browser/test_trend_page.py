"""From a bad OEE to the raw signals in Chromium, and the window that a person picks."""

from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.peers.postgres import PostgresServer
from tests.peers.services import url_of
from tests.peers.serving import served
from tests.plants.api_plant import CNC_1, CNC_2, LINE, SITE, TEMPERATURE, api_settings, seed
from tests.watched_page import Watched

ORDER = "LSX-0142"


@pytest.fixture(scope="module")
def base(plain_postgres_server: PostgresServer, plain_template: str, port: int) -> Iterator[str]:
    """A service on a filled database with an order and two machines of equal names."""
    name = plain_postgres_server.create_database(template=plain_template)
    database = plain_postgres_server.settings(name)
    seed(database)
    with psycopg.connect(url_of(database)) as connection:
        connection.execute(
            "update base_sum set order_number = %s where product_code is not null", (ORDER,)
        )
        connection.execute(
            "update place set name_vi = 'Máy phay', name_en = 'Mill' where path = any(%s)",
            ([CNC_1, CNC_2],),
        )
    settings = api_settings(database, port=port)
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"
    plain_postgres_server.drop_database(name)


def drawn(page: Page) -> None:
    expect(page.locator("#panels")).to_have_attribute("aria-busy", "false")


def test_three_clicks_lead_from_an_oee_to_the_signals_around_a_stop(watched: Watched) -> None:
    page = watched.page
    watched.open(f"/place/{CNC_1}?lang=en")
    page.get_by_role("link", name="Where was it lost?").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "From calendar time to fully productive time"
    )
    page.get_by_role("link", name="Breakdown").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Why machines stopped")
    row = page.locator("section", has=page.locator("#stop_list-title")).locator("tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Signals")
    drawn(page)
    # The stop, its reason, and the raw signals before and after it.
    expect(page.locator("tr.pointed")).to_contain_text("Breakdown")
    expect(page.locator("tr.pointed")).to_contain_text("Unassigned")
    expect(page.locator(".panel path.mean")).to_have_count(2)
    expect(page.locator(".panel rect.stop.pointed")).to_have_count(2)
    assert watched.troubles == []


def test_a_window_is_zoomed_by_hand_and_by_keyboard_and_back_leads_back(watched: Watched) -> None:
    page = watched.page
    watched.open(f"/trend/{CNC_1}?lang=en&hours=8&tag={TEMPERATURE}")
    drawn(page)
    whole = page.locator("#window").inner_text()
    panel = page.locator(".panel svg")
    box = panel.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 40)
    page.mouse.up()
    expect(page.locator("#window")).not_to_have_text(whole)
    drawn(page)
    by_hand = page.locator("#window").inner_text()
    page.locator(".panel svg").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".panel output")).not_to_have_text("")
    page.keyboard.press("+")
    expect(page.locator("#window")).not_to_have_text(by_hand)
    page.go_back()
    expect(page.locator("#window")).to_have_text(by_hand)
    page.go_back()
    expect(page.locator("#window")).to_have_text(whole)
    page.get_by_role("button", name="Earlier").click()
    expect(page.locator("#window")).not_to_have_text(whole)
    assert "start=" in page.url
    assert watched.troubles == []


def test_signals_are_chosen_and_taken_along(watched: Watched) -> None:
    page = watched.page
    watched.open(f"/trend/{SITE}?lang=en&hours=8")
    drawn(page)
    page.locator("#signals summary").click()
    page.get_by_label("Find a signal").fill("total")
    page.get_by_role("checkbox", name="cnc-1/total").check()
    expect(page.locator(".panel")).to_have_count(3)
    assert "cnc-1%2Ftotal" in page.url
    page.get_by_label("Find a signal").fill("")
    page.get_by_role("checkbox", name="cnc-1/total").uncheck()
    expect(page.locator(".panel")).to_have_count(2)
    row = page.locator("#figures tr", has_text="Nhiệt độ trục chính")
    link = row.get_by_role("link", name="CSV").get_attribute("href")
    assert link is not None
    answer = page.request.get(watched.base + link)
    assert answer.ok
    # All good values of the window: as many lines as the row says there are values, at least.
    assert answer.text().count("\n") > 55
    assert watched.troubles == []


def test_a_day_a_shift_or_an_order_is_picked(watched: Watched) -> None:
    page = watched.page
    watched.open(f"/board/hours/{CNC_1}?lang=en")
    page.get_by_text("Choose a day, a shift or an order").click()
    page.get_by_label("Day", exact=True).fill("2026-03-02")
    page.locator("[name=shift]").select_option("Ca 1")
    page.get_by_role("button", name="Show").first.click()
    expect(page.locator(".board-head .of").first).to_have_text(
        "Mill · 02/03/2026 06:00 – 02/03/2026 14:00"
    )
    # The other boards are about the same window.
    page.get_by_role("link", name="Stops", exact=True).click()
    expect(page.locator(".board-head .of").first).to_contain_text("06:00 – 02/03/2026 14:00")
    page.locator("[name=order]").select_option(ORDER)
    page.get_by_role("button", name="Show").last.click()
    expect(page.locator(".board-head .of").first).to_contain_text("07:00 – 02/03/2026 12:00")
    answer = page.goto(f"{watched.base}/board/hours/{CNC_1}?order=none-such")
    assert answer is not None
    assert answer.status == 422


def test_machines_of_equal_names_have_rows_of_their_own(watched: Watched) -> None:
    page = watched.page
    watched.open(f"/board/timeline/{LINE}?lang=en&hours=8")
    words = page.locator("[data-chart=timeline] svg.plot text").all_text_contents()
    assert sorted(word for word in words if word and word.startswith("Mill")) == [
        "Mill · Milling line (cnc-1)",
        "Mill · Milling line (cnc-2)",
    ]
    cells = page.locator("table.figures tbody td:first-child").all_inner_texts()
    assert {"Mill · Milling line (cnc-1)", "Mill · Milling line (cnc-2)"} <= set(cells)


def test_the_first_screen_of_a_phone_shows_figures(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", f"/place/{LINE}", f"/place/{CNC_1}"):
        watched.open(path)
        figure = page.locator(".oee-value").first.bounding_box()
        assert figure is not None
        assert figure["y"] + figure["height"] < 844, path
        assert watched.fits(), path
    for path in (f"/board/hours/{LINE}?hours=8", f"/trend/{CNC_1}?hours=8"):
        watched.open(path)
        if path.startswith("/trend"):
            drawn(page)
        first = page.locator(".part .counts, .panel svg").first.bounding_box()
        assert first is not None
        assert first["y"] < 844, path
        assert watched.fits(), path
