"""In the browser: a tablet becomes a place and ends; a live page ends with its session."""

from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from api.access.role import Role
from store.engine.connection import conninfo
from tests.peers.chromium import TABLET
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port
from tests.peers.serving import served
from tests.plants.two_enterprises import OWN_MACHINE, PASSWORD, Town, prepared


@pytest.fixture(scope="module")
def town(timescale_server: PostgresServer) -> Iterator[Town]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        yield town
        town.close()


@pytest.fixture(scope="module")
def base(town: Town) -> Iterator[str]:
    settings = town.settings.model_copy(update={"port": free_port()})
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


def signed_in(browser: Browser, base: str, login: str, at: str) -> Page:
    page = browser.new_context(viewport={"width": 1024, "height": 768}).new_page()
    page.goto(f"{base}/sign-in?lang=vi&next={at}")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Vào").click()
    return page


def test_a_tablet_is_enrolled_by_a_code_and_ended(browser: Browser, base: str, town: Town) -> None:
    page = signed_in(browser, base, town.add(Role.ENGINEER, "ky-su.bang"), "/tablets")
    page.get_by_label("Vị trí").select_option(OWN_MACHINE)
    page.get_by_label("Tên gọi").fill("Bảng cạnh máy cưa")
    page.get_by_role("button", name="Tạo mã").click()
    code = page.locator(".big-code").inner_text()
    expect(page.get_by_text("đang chờ nhập mã")).to_be_visible()

    tablet = browser.new_context(viewport=TABLET).new_page()
    tablet.goto(f"{base}/operator?lang=vi")
    expect(tablet.get_by_role("heading", level=1)).to_have_text("Đăng nhập")
    tablet.get_by_role("link", name="Máy tính bảng dùng chung?").click()
    tablet.get_by_label("Mã").fill("SAIS-SAIS")
    tablet.get_by_role("button", name="Đăng ký").click()
    expect(tablet.get_by_role("alert")).to_contain_text("Mã không đúng")
    tablet.get_by_label("Mã").fill(code.lower())
    tablet.get_by_role("button", name="Đăng ký").click()
    expect(tablet).to_have_url(f"{base}/operator/{OWN_MACHINE}")
    expect(tablet.locator(".stop-button").first).to_be_visible()
    assert tablet.goto(f"{base}/").status == 403  # type: ignore[union-attr]

    page.goto(f"{base}/tablets")
    page.get_by_role("button", name="Thu hồi").click()
    expect(page.get_by_text("đã thu hồi")).to_be_visible()
    tablet.goto(f"{base}/operator/{OWN_MACHINE}")
    expect(tablet.get_by_role("heading", level=1)).to_have_text("Đăng nhập")


def test_a_live_page_ends_with_its_session(browser: Browser, base: str, town: Town) -> None:
    page = signed_in(browser, base, town.add(Role.ENGINEER, "ky-su.het-gio"), "/")
    expect(page.get_by_text("Đang cập nhật")).to_be_visible()
    with psycopg.connect(conninfo(town.owner)) as connection:
        connection.execute("update access.session set seen_at = now() - interval '16 minutes'")

    expect(page.get_by_role("heading", level=1)).to_have_text("Đăng nhập")
