"""A file of master data in the browser: signed in, looked at, refused cell by cell, imported."""

from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect
from pydantic import SecretStr

from plant.settings import DatabaseSettings
from tests.peers.services import free_port, url_of
from tests.peers.serving import served
from tests.plants.api_plant import ENTERPRISE, api_settings, seed


@pytest.fixture
def filled(plain_database: DatabaseSettings) -> DatabaseSettings:
    seed(plain_database)
    return plain_database


@pytest.fixture
def base(filled: DatabaseSettings) -> Iterator[str]:
    settings = api_settings(filled, port=free_port(), token=SecretStr("bi-mat"))
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


def csv_of(*rows: str) -> FilePayload:
    content = "\n".join(("enterprise,code,name_vi", *rows))
    return {"name": "san-pham.csv", "mimeType": "text/csv", "buffer": content.encode()}


def look(page: Page, *rows: str) -> None:
    page.set_input_files("input[name=file]", csv_of(*rows))
    page.get_by_role("button", name="Xem trước").click()


def products(database: DatabaseSettings) -> set[str]:
    with psycopg.connect(url_of(database)) as connection:
        return {row[0] for row in connection.execute("select code from product")}


def test_a_person_signs_in_looks_mends_and_imports(
    browser: Browser, base: str, filled: DatabaseSettings
) -> None:
    page = browser.new_context(viewport={"width": 1024, "height": 768}).new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"{base}/import?lang=vi")
    page.get_by_label("Khóa").fill("sai")
    page.get_by_role("button", name="Vào").click()
    expect(page.get_by_role("alert")).to_have_text("Khóa không đúng.")
    page.get_by_label("Khóa").fill("bi-mat")
    page.get_by_role("button", name="Vào").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nhập dữ liệu danh mục")

    look(page, f"{ENTERPRISE},chot,=1+1", f"{ENTERPRISE},{'B' * 65},Bạc", f"{ENTERPRISE},vong,Vòng")
    expect(page.locator("#verdict")).to_have_text("Tệp có chỗ sai. Không ghi gì cả.")
    rows = page.locator("#problem-rows tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("C2")
    expect(rows.nth(0)).to_contain_text("Là công thức")
    expect(rows.nth(1)).to_contain_text("B3")
    expect(page.locator("#write")).to_be_hidden()

    look(page, f"{ENTERPRISE},chot,Chốt", f"{ENTERPRISE},vong,Vòng")
    expect(page.locator("#verdict")).to_have_text("Tệp dùng được. Chưa ghi gì cả.")
    assert products(filled) == {"truc-a"}
    page.get_by_role("button", name="Nhập", exact=True).click()
    expect(page.locator("#verdict")).to_have_text("Đã nhập.")
    assert products(filled) == {"truc-a", "chot", "vong"}
    assert troubles == []
