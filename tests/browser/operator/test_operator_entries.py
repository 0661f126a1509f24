"""What the operator page shows of a machine and takes of it beside reasons, in Chromium."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pydantic import SecretStr

from plant.settings import DatabaseSettings
from tests.peers.chromium import TABLET
from tests.peers.services import url_of
from tests.peers.serving import served
from tests.plants.api_plant import CNC_1, NOW, api_settings, seed

TOKEN = "bi-mat"


@pytest.fixture
def filled(plain_database: DatabaseSettings) -> DatabaseSettings:
    seeder = seed(plain_database)
    with psycopg.connect(url_of(plain_database)) as connection:
        connection.execute(
            """
            insert into production_order (site_id, number, product_id, work_center_id,
                planned_quantity, status)
            select site.place_id, number, product_id, line.place_id, 100, status
            from place site, place line, product,
                (values ('LSX-0142', 'running'), ('LSX-0150', 'released'), ('LSX-0001', 'finished'))
                    as known (number, status)
            where site.path = 'dong-nai/bien-hoa' and line.path = 'dong-nai/bien-hoa/co-khi/phay'
            """
        )
        connection.execute(
            "insert into stop (work_unit_id, start_time, end_time, element, state, stop_kind)"
            " values (%s, %s, %s, 'delay', 'HELD', 'held')",
            (seeder.places[CNC_1], NOW - timedelta(minutes=20), NOW - timedelta(minutes=19)),
        )
    return plain_database


@pytest.fixture
def base(filled: DatabaseSettings, port: int) -> Iterator[str]:
    settings = api_settings(filled, port=port, token=SecretStr(TOKEN))
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


@pytest.fixture
def signed_in(browser: Browser, base: str) -> Page:
    context: BrowserContext = browser.new_context(viewport=TABLET, service_workers="block")
    page = context.new_page()
    page.goto(f"{base}/sign-in?next=/operator")
    page.locator("input[name=token]").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Chọn máy")
    return page


def test_machines_say_how_many_stops_are_unexplained_and_are_found(signed_in: Page) -> None:
    machine = signed_in.get_by_role("link", name="Máy phay CNC 1")
    # Two long ones; the short one is not asked of anybody.
    expect(machine).to_contain_text("2 chưa có lý do")
    signed_in.get_by_label("Tìm máy").fill("may rua")
    expect(machine).to_be_hidden()
    expect(signed_in.get_by_role("link", name="Máy rửa")).to_be_visible()


def test_the_page_shows_the_machine_and_the_longest_stops_first(signed_in: Page, base: str) -> None:
    page = signed_in
    page.goto(f"{base}/operator/{CNC_1}")
    expect(page.locator("#present-label")).to_have_text("Tạm dừng (do máy)")
    expect(page.locator("#present-detail")).to_contain_text("LSX-0142")
    expect(page.locator("#present-good")).to_have_text("1.170")
    expect(page.locator("#list-hint")).to_contain_text("Còn 2 lần dừng")
    lengths = page.locator(".stop-button[data-unassigned] .stop-length")
    # The one that lasts, then the longest; short ones wait behind a button.
    expect(lengths).to_have_count(2)
    expect(lengths.nth(1)).to_contain_text("25 phút")
    page.get_by_role("button", name="Hiện 1 lần dừng ngắn").click()
    expect(lengths).to_have_count(3)
    page.locator(".stop-button").first.click()
    page.get_by_label("Tìm lý do").fill("thieu")
    expect(page.locator("#reasons .reason:visible")).to_have_text(["Thiếu phôi"])


def test_scrap_is_booked_and_an_order_is_begun(
    signed_in: Page, base: str, filled: DatabaseSettings
) -> None:
    page = signed_in
    page.goto(f"{base}/operator/{CNC_1}")
    page.get_by_label("Phế phẩm vừa phát hiện").fill("3")
    page.get_by_role("button", name="Ghi phế phẩm").click()
    expect(page.locator("#entered")).to_contain_text("Đã ghi 3 phế phẩm")
    choice = page.get_by_label("Lệnh sản xuất bắt đầu chạy")
    assert choice.locator("option").all_inner_texts() == [
        "Chọn lệnh",
        "LSX-0142 · truc-a",
        "LSX-0150 · truc-a",
    ]
    choice.select_option("LSX-0150")
    page.get_by_role("button", name="Bắt đầu").click()
    expect(page.locator("#entered")).to_contain_text("lệnh LSX-0150 bắt đầu")
    with psycopg.connect(url_of(filled)) as connection:
        booked = connection.execute(
            "select quantity, order_number, outcome from scrap_booking"
        ).fetchall()
        begun = connection.execute("select order_number from order_run").fetchall()
    assert booked == [(3, "LSX-0142", "scrap")]
    assert begun == [("LSX-0150",)]
