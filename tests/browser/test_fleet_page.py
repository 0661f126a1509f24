"""The page of the edges in Chromium: every state, every size, live, nothing from outside."""

from collections.abc import Iterator
from typing import Literal

import psycopg
import pytest
from playwright.sync_api import ViewportSize, expect

from plant.settings import DatabaseSettings
from tests.peers.chromium import TABLET
from tests.peers.services import url_of
from tests.peers.serving import served
from tests.plants.api_plant import SITE, api_settings
from tests.plants.fleet_plant import OTHER_SITE, seed_fleet
from tests.watched_page import Watched

SIZES: list[ViewportSize] = [
    TABLET,
    {"width": 800, "height": 1280},
    {"width": 390, "height": 844},
]


@pytest.fixture
def filled(plain_database: DatabaseSettings) -> DatabaseSettings:
    seed_fleet(plain_database)
    return plain_database


@pytest.fixture
def base(filled: DatabaseSettings, port: int) -> Iterator[str]:
    settings = api_settings(filled, port=port, refresh_s=0.3)
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


@pytest.mark.parametrize(("lang", "scheme"), [("vi", "light"), ("en", "dark")])
def test_the_page_fits_and_loads_nothing_from_outside_at_every_size(
    watched: Watched, lang: str, scheme: Literal["light", "dark"]
) -> None:
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    watched.open(f"/fleet?lang={lang}")
    expect(page.locator(".edge")).to_have_count(5)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    for size in SIZES:
        page.set_viewport_size(size)
        assert watched.fits(), f"wider than {size['width']}"
    assert watched.troubles == []


def test_every_edge_says_how_it_is_why_data_miss_and_what_to_do(watched: Watched) -> None:
    watched.open("/?lang=vi")
    page = watched.page
    page.get_by_role("link", name="Cổng kết nối").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Các cổng kết nối")
    well = page.locator(f"[id='{OTHER_SITE}/dong-goi-1']")
    expect(well.locator(".oee-value")).to_have_text("100%")
    expect(well).to_contain_text("Không cần làm gì.")
    expect(well).to_contain_text("235 ms · 664 ms")
    expect(well).to_contain_text("bản 3")
    full = page.locator(f"[id='{OTHER_SITE}/tron-1']")
    expect(full.locator(".oee-value")).to_have_text("83,72%")
    expect(full.locator(".advice li").first).to_contain_text("hàng đợi chỉ giữ được thêm 6,4 giờ")
    expect(full).to_contain_text("none of its sources could be read within 60 s")
    expect(full).to_contain_text("Chậm 4,3 giây")
    full.get_by_text("Các khoảng thiếu và lý do").click()
    dropped = full.get_by_role("row", name="Bị bỏ vì hàng đợi đầy")
    expect(dropped).to_contain_text("900.001 – 940.000")
    lost = page.locator(f"[id='{SITE}/tram-2']")
    expect(lost.locator(".edge-state")).to_contain_text("Mất liên lạc")
    expect(lost.locator(".advice.urgent")).to_contain_text("hãy đến tận nơi kiểm tra")
    never = page.locator(f"[id='{OTHER_SITE}/lo-hoi-1']")
    expect(never.locator(".edge-state")).to_contain_text("Chưa từng kết nối")
    expect(never.locator(".oee-value")).to_have_text("—")
    assert watched.troubles == []


def test_the_card_changes_by_itself_when_the_ledger_does(
    watched: Watched, filled: DatabaseSettings
) -> None:
    watched.open("/fleet?lang=en")
    card = watched.page.locator(f"[id='{OTHER_SITE}/tron-1']")
    card.get_by_text("Missing ranges and why").click()
    expect(card.locator(".oee-value")).to_have_text("83.72%")
    with psycopg.connect(url_of(filled)) as connection:
        connection.execute(
            "update delivery_ledger set committed = '{[1,900001),[960001,1720001)}'"
            " where epoch = 'c07d21'"
        )
    expect(card.locator(".oee-value")).to_have_text("96.51%")
    # One row of a million is not rounded away.
    with psycopg.connect(url_of(filled)) as connection:
        connection.execute(
            "update delivery_ledger set committed = '{[1,1720000)}', dropped = '{}'"
            " where epoch = 'c07d21'"
        )
    expect(card.locator(".oee-value")).to_have_text("99.99%")
    expect(card.locator("details[open]")).to_have_count(1)
    assert watched.troubles == []
