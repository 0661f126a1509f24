"""The operator page in Chromium: two taps, also without a network, delivered exactly once."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from plant.settings import DatabaseSettings
from tests.peers.chromium import TABLET
from tests.peers.services import free_port, url_of
from tests.peers.serving import served
from tests.plants.api_plant import CNC_1, api_settings, seed

GLOVE_PX = 56
TOUCH_PX = 48


@pytest.fixture
def filled(plain_database: DatabaseSettings) -> DatabaseSettings:
    seed(plain_database)
    return plain_database


@pytest.fixture
def base(filled: DatabaseSettings) -> Iterator[str]:
    settings = api_settings(filled, port=free_port())
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


@pytest.fixture
def context(browser: Browser) -> BrowserContext:
    return tablet(browser)


def tablet(browser: Browser, *, worker: bool = False) -> BrowserContext:
    # What a page under a service worker sends passes by `page.route`, and the worker takes the
    # page over at a moment of its own: only the tests of the worker let it in.
    return browser.new_context(
        viewport=TABLET, has_touch=True, service_workers="allow" if worker else "block"
    )


def open_page(context: BrowserContext, base: str, *, lang: str = "vi") -> Page:
    page = context.new_page()
    page.goto(f"{base}/operator/{CNC_1}?lang={lang}")
    expect(page.locator(".stop-button").first).to_be_visible()
    return page


def stored(database: DatabaseSettings) -> list[tuple[Any, ...]]:
    with psycopg.connect(url_of(database)) as connection:
        return connection.execute(
            "select reason_code, role, client_id from stop_classification order by 1"
        ).fetchall()


def test_two_taps_give_a_stop_its_reason(
    context: BrowserContext, base: str, filled: DatabaseSettings
) -> None:
    troubles: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((base, "data:")) else troubles.append(asked.url),
    )
    page.goto(f"{base}/operator/{CNC_1}")
    first = page.locator(".stop-button").first
    # The stop that lasts and has no reason comes first.
    expect(first).to_contain_text("Đang dừng")
    expect(first).to_contain_text("Chưa phân loại")
    first.tap()
    page.get_by_role("button", name="Kẹt dao").tap()
    mine = page.locator(".stop-button", has_text="Đã gửi")
    expect(mine).to_contain_text("Kẹt dao")
    expect(page.locator("#outbox")).to_have_text("Đã gửi hết")
    assert [row[:2] for row in stored(filled)] == [("ket-dao", "operator")]
    # What is said here is said everywhere.
    page.goto(f"{base}/board/stops/{CNC_1}?lang=vi")
    expect(page.locator("table.figures").nth(1)).to_contain_text("người chọn")
    assert troubles == []


def test_every_target_fits_a_glove(context: BrowserContext, base: str) -> None:
    page = open_page(context, base)
    targets = page.locator(".stop-button")
    heights = [box["height"] for each in targets.all() if (box := each.bounding_box())]
    targets.first.tap()
    expect(page.locator("#choice .reason").first).to_be_visible()
    for each in page.locator("#choice button").all():
        box = each.bounding_box()
        assert box is not None
        heights += [box["height"], box["width"]]
    assert min(heights) >= GLOVE_PX
    # Those beside the work, too, can be hit.
    for each in page.locator(".top a, .top #outbox").all():
        box = each.bounding_box()
        assert box is not None
        assert box["height"] >= TOUCH_PX


def test_a_second_tap_of_a_bouncing_glove_chooses_nothing(
    context: BrowserContext, base: str
) -> None:
    page = open_page(context, base)
    # The second tap comes before anything else happens, and reasons are where the stop was.
    page.evaluate(
        """() => {
          const stop = document.querySelector('.stop-button').getBoundingClientRect();
          window.hit = [];
          document.querySelector('.stop-button').click();
          for (let y = stop.top; y < innerHeight; y += 20) {
            const found = document.elementFromPoint(stop.left + 120, y);
            if (found?.closest('.reason')) window.hit.push(found.textContent);
          }
        }"""
    )
    assert page.evaluate("window.hit") == []
    # A moment later it takes taps, and the keyboard goes on from there.
    expect(page.locator("#choice[inert]")).to_have_count(0)
    expect(page.locator("#choice-title")).to_be_focused()
    page.get_by_role("button", name="Kẹt dao").tap()
    expect(page.locator(".stop-button", has_text="Đã gửi")).to_contain_text("Kẹt dao")


def test_the_list_stays_under_the_finger_when_it_is_refreshed(
    context: BrowserContext, base: str
) -> None:
    def grow(route: Any) -> None:
        answer = route.fetch()
        content = answer.json()
        for stop in content["data"]:
            stop["duration_s"] += 3600
        route.fulfill(response=answer, json=content)

    page = context.new_page()
    page.goto(f"{base}/operator/{CNC_1}?lang=vi")
    page.evaluate("window.touched = document.querySelector('.stop-button')")
    expect(page.locator(".stop-button").first).to_contain_text("5 phút")
    page.route("**/api/v1/stops?*", grow)
    expect(page.locator(".stop-button").first).to_contain_text("1 giờ 05 phút")
    assert page.evaluate("document.querySelector('.stop-button') === window.touched")


def test_the_page_says_why_its_list_is_old(context: BrowserContext, base: str) -> None:
    page = open_page(context, base)
    link = page.locator("#link")
    expect(link).to_be_hidden()
    page.route("**/api/v1/stops?*", lambda route: route.abort())
    expect(link).to_contain_text("Không có mạng: danh sách là lúc")
    page.unroute("**/api/v1/stops?*")
    page.route("**/api/v1/stops?*", lambda route: route.fulfill(status=401, json={}))
    expect(link).to_contain_text("Cần đăng nhập lại")
    expect(page.locator("#sign-in")).to_have_attribute(
        "href", f"/sign-in?next=%2Foperator%2F{CNC_1.replace('/', '%2F')}"
    )
    page.unroute("**/api/v1/stops?*")
    expect(link).to_be_hidden()


def test_a_choice_made_offline_survives_a_reload_and_arrives_once(
    browser: Browser, filled: DatabaseSettings
) -> None:
    context = tablet(browser, worker=True)
    settings = api_settings(filled, port=free_port())
    with served(settings):
        page = open_page(context, f"http://127.0.0.1:{settings.port}")
        # The worker keeps the page once it is there.
        page.evaluate("navigator.serviceWorker.ready")
        page.wait_for_function(
            "caches.open('operator-1').then((kept) => kept.keys()).then((keys) => keys.length > 4)"
        )
        context.set_offline(True)
        page.locator(".stop-button").first.tap()
        page.get_by_role("button", name="Thiếu phôi").tap()
        mine = page.locator(".stop-button", has_text="Thiếu phôi").first
        expect(mine).to_contain_text("Đang chờ gửi")
        expect(page.locator("#outbox")).to_have_text("Đang chờ gửi: 1")
    # The server is away, too: a browser that reloads may forget for a moment that it is offline.
    page.reload()
    expect(page.locator("#outbox")).to_have_text("Đang chờ gửi: 1")
    expect(page.locator(".stop-button", has_text="Đang chờ gửi")).to_contain_text("Thiếu phôi")
    assert stored(filled) == []
    with served(settings):
        context.set_offline(False)
        expect(page.locator("#outbox")).to_have_text("Đã gửi hết")
        page.reload()
        expect(page.locator("#outbox")).to_have_text("Đã gửi hết")
        assert [row[0] for row in stored(filled)] == ["thieu-phoi"]
        page.close()


def test_a_choice_is_sent_again_when_its_answer_was_lost(
    context: BrowserContext, base: str, filled: DatabaseSettings
) -> None:
    sent: list[str] = []

    def lose_the_first_answer(route: Any, request: Request) -> None:
        sent.append(json.loads(request.post_data or "{}")["client_id"])
        if len(sent) == 1:
            # It arrives, but the tablet never hears of it.
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page = open_page(context, base, lang="en")
    page.route("**/api/v1/stops/classification", lose_the_first_answer)
    page.locator(".stop-button").first.tap()
    page.get_by_role("button", name="Tool jammed").tap()
    mine = page.locator(".stop-button", has_text="Sent ✓")
    expect(mine).to_contain_text("Tool jammed")
    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert len(stored(filled)) == 1


def test_a_refused_choice_says_so_when_the_reason_is_gone(
    context: BrowserContext, base: str, filled: DatabaseSettings
) -> None:
    page = open_page(context, base)
    with psycopg.connect(url_of(filled)) as connection:
        connection.execute("delete from stop_reason where code = 'ket-dao'")
    page.locator(".stop-button").first.tap()
    page.get_by_role("button", name="Kẹt dao").tap()
    expect(page.locator(".stop-button").first).to_contain_text("Không được nhận")
    expect(page.locator("#outbox")).to_have_text("Đã gửi hết")
    assert stored(filled) == []
