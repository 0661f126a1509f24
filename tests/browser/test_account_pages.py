"""Accounts in the browser: first link, second factor, recovery code, lockout, what a role sees."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from pyotp import TOTP

from api.access.administration import add_account, make_link
from api.access.role import Role
from tests.browser.pages.looking import findings, unreached
from tests.foreign.running import peer_folder
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port
from tests.peers.serving import served
from tests.plants.two_enterprises import OWN_MACHINE, PASSWORD, Town, prepared

WIDE_AND_NARROW: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (390, "dark"))


@pytest.fixture(scope="module")
def town(timescale_server: PostgresServer) -> Iterator[Town]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        yield town
        town.close()


@pytest.fixture
def base(town: Town) -> Iterator[str]:
    settings = town.settings.model_copy(update={"port": free_port()})
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


def invited(town: Town, login: str, role: Role, organisation: str, kind: str) -> str:
    now = datetime.now(UTC)
    add_account(town.store, login, "Trần Thị Thử", role, organisation, kind, now, "test")
    return f"/sign-in/link/{make_link(town.store, login, now, 'test')}"


def sign_in(page: Page, login: str, password: str, code: str = "") -> None:
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(password)
    page.get_by_label("Mã xác thực").fill(code)
    page.get_by_role("button", name="Vào").click()


def look_at(page: Page) -> None:
    """Nothing on a page of accounts keeps people out, wide or narrow, light or dark."""
    axe = peer_folder("axe")
    for width, scheme in WIDE_AND_NARROW:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert findings(page, axe) == [], (page.url, width)
    assert unreached(page) == [], page.url


def test_an_officer_comes_in_by_link_password_and_second_factor(
    browser: Browser, base: str, town: Town
) -> None:
    page = browser.new_context(viewport={"width": 1024, "height": 768}).new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    login = "chuyen-vien.thu"
    page.goto(base + invited(town, login, Role.OFFICER, "so-cong-thuong", "department"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Đặt mật khẩu")
    page.get_by_label("Mật khẩu mới").fill("ngắn")
    page.get_by_role("button", name="Lưu mật khẩu").click()
    expect(page.get_by_role("alert")).to_have_text("Mật khẩu phải có ít nhất 8 ký tự.")
    look_at(page)
    page.get_by_label("Mật khẩu mới").fill(PASSWORD)
    page.get_by_role("button", name="Lưu mật khẩu").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Đăng nhập")

    sign_in(page, login, "sai mật khẩu")
    expect(page.get_by_role("alert")).to_contain_text("không đúng")
    page.goto(f"{base}/sign-in?next=/account&lang=vi")
    sign_in(page, login, PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("phải bật mã xác thực")
    look_at(page)
    secret = page.locator("input[name=secret]").input_value()
    page.get_by_label("Mã 6 số").fill(TOTP(secret).now())
    page.get_by_role("button", name="Bật mã xác thực").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mã dự phòng")
    codes = page.locator(".codes code").all_text_contents()
    assert len(codes) == 10
    look_at(page)

    page.goto(f"{base}/sign-in?next=/account&lang=vi")
    sign_in(page, login, PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("mã xác thực trong ứng dụng")
    sign_in(page, login, PASSWORD, codes[0])
    expect(page.get_by_text("chuyên viên Sở")).to_be_visible()
    expect(page.get_by_text("Đã bật.")).to_be_visible()
    look_at(page)

    refused = page.goto(f"{base}/place/{OWN_MACHINE}")
    assert refused is not None
    assert refused.status == 403
    expect(page.get_by_text("không có quyền")).to_be_visible()
    page.goto(f"{base}/account")
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Đăng nhập")
    assert troubles == []


def test_an_engineer_sees_one_enterprise_and_is_locked_out_after_five_wrong_tries(
    browser: Browser, base: str, town: Town
) -> None:
    login = town.add(Role.ENGINEER, "ky-su.trinh-duyet")
    page = browser.new_context(viewport={"width": 1024, "height": 768}).new_page()
    page.goto(f"{base}/?lang=vi")
    sign_in(page, login, PASSWORD)
    expect(page.get_by_text("Dây chuyền").first).to_be_visible()
    expect(page.get_by_text("day-chuyen-1")).to_have_count(0)

    other = browser.new_context().new_page()
    other.goto(f"{base}/sign-in?lang=vi")
    for _ in range(5):
        sign_in(other, login, "sai")
        expect(other.get_by_role("alert")).to_be_visible()
    sign_in(other, login, PASSWORD)
    expect(other.get_by_text("Sai quá nhiều lần")).to_be_visible()
