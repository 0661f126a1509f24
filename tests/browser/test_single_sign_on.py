"""Signing in at a foreign, certified OpenID provider, in the browser."""

from collections.abc import Iterator
from ipaddress import ip_network

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from api.access.role import Role
from api.settings import SingleSignOnSettings
from store.engine.connection import conninfo
from tests.foreign.running import in_node, peer, peer_folder
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port
from tests.peers.serving import served
from tests.plants.two_enterprises import Town, prepared

CLIENT, SECRET = "nhip-may", "what this installation shows the provider"


@pytest.fixture(scope="module")
def town(timescale_server: PostgresServer) -> Iterator[Town]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        town.add(Role.ENGINEER, "ky-su.sso")
        town.add(Role.OFFICER, "chuyen-vien.sso")
        yield town
        town.close()


@pytest.fixture(scope="module")
def base(town: Town) -> Iterator[str]:
    folder = peer_folder("oidc-provider")
    port, ours = free_port(), free_port()
    base = f"http://127.0.0.1:{ours}"
    single = SingleSignOnSettings(
        issuer=f"http://127.0.0.1:{port}",
        client_id=CLIENT,
        client_secret=SecretStr(SECRET),
        title="tài khoản của Sở",
        networks=(ip_network("127.0.0.0/8"),),
    )
    accounts = town.settings.accounts
    assert accounts is not None
    accounts = accounts.model_copy(update={"single_sign_on": single})
    settings = town.settings.model_copy(update={"port": ours, "accounts": accounts})
    command = in_node(
        folder,
        "oidc_provider.mjs",
        *(folder, port, CLIENT, SECRET, f"{base}/sign-in/single/back"),
    )
    with peer(*command) as provider:
        assert provider.stdout is not None
        assert provider.stdout.readline() == "ready\n"
        with served(settings):
            yield base


def come_in(page: Page, base: str, who: str, path: str = "/") -> None:
    page.goto(f"{base}/sign-in?lang=vi&next={path}")
    page.get_by_role("link", name="Đăng nhập bằng tài khoản của Sở").click()
    page.get_by_label("Account").fill(who)
    page.get_by_role("button", name="Go on").click()


def test_somebody_of_the_provider_comes_in_as_their_account(browser: Browser, base: str) -> None:
    page = browser.new_page()
    come_in(page, base, "ky-su.sso", "/account")

    expect(page.get_by_text("ky-su.sso · kỹ sư")).to_be_visible()
    names = {cookie.get("name") for cookie in page.context.cookies() if cookie.get("path") == "/"}
    assert "session" in names
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Đăng nhập")


def test_who_has_no_account_here_is_not_let_in(browser: Browser, base: str) -> None:
    page = browser.new_page()
    come_in(page, base, "nguoi-la")

    expect(page.get_by_role("alert")).to_contain_text("chưa được cấp ở đây")


def test_the_department_needs_a_second_factor_at_the_provider(browser: Browser, base: str) -> None:
    page = browser.new_page()
    come_in(page, base, "chuyen-vien.sso", "/account")
    expect(page.get_by_role("alert")).to_contain_text("cần xác thực hai lớp")

    again = browser.new_context().new_page()
    come_in(again, base, "chuyen-vien.sso+otp", "/account")
    expect(again.get_by_text("chuyen-vien.sso · chuyên viên Sở")).to_be_visible()
    expect(again.get_by_role("alert")).to_have_count(0)


def test_an_account_is_who_it_was_at_first_and_nobody_else(
    browser: Browser, base: str, town: Town
) -> None:
    town.add(Role.ENGINEER, "ky-su.that")
    come_in(page := browser.new_context().new_page(), base, "ky-su.that", "/account")
    expect(page.get_by_text("ky-su.that · kỹ sư")).to_be_visible()

    # Somebody else there who has taken the login over.
    come_in(page := browser.new_context().new_page(), base, "ky-su.that=khac", "/account")
    expect(page.get_by_role("alert")).to_contain_text("chưa được cấp ở đây")
    # The same person by another login.
    come_in(page := browser.new_context().new_page(), base, "doi-ten=ky-su.that", "/account")
    expect(page.get_by_text("ky-su.that · kỹ sư")).to_be_visible()
    with psycopg.connect(conninfo(town.owner)) as connection:
        entries = connection.execute(
            "select entry::json ->> 'who', entry::json ->> 'result' from access.audit"
            " where entry::json ->> 'action' = 'sign-in outside' order by audit_id desc limit 3"
        ).fetchall()
    assert [result for _, result in entries] == ["done", "outside_unknown", "done"]
    assert entries[0][0] == "ky-su.that"


def test_the_way_back_is_good_in_the_browser_that_went_and_once(
    browser: Browser, base: str
) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{base}/sign-in?lang=vi&next=/account")
    page.get_by_role("link", name="Đăng nhập bằng tài khoản của Sở").click()
    with page.expect_request(f"{base}/sign-in/single/back**") as back:
        page.get_by_label("Account").fill("ky-su.sso")
        page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("ky-su.sso · kỹ sư")).to_be_visible()

    for other in (browser.new_context().new_page(), page):
        answer = other.goto(back.value.url)
        assert answer is not None
        assert answer.status == 403
        expect(other.get_by_role("alert")).to_contain_text("Hãy thử lại")
