"""Six exports of other systems go in through mappings that a person makes in the page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from plant.mes import KINDS, parse
from plant.mes.parsing import Item
from plant.settings import DatabaseSettings
from store.mes.writing import Provenance, write_documents
from tests.peers.services import free_port, url_of
from tests.peers.serving import served
from tests.plants.api_plant import (
    CNC_1,
    CNC_2,
    ENTERPRISE,
    LINE,
    NOW,
    POOL,
    SITE,
    api_settings,
    seed,
)
from tests.plants.export_files import (
    B2MML_V06,
    B2MML_V07,
    CODE_PAGE,
    ODOO,
    SAP,
    windows_1258,
    workbook,
)

PRODUCTS = ("FERT-1001", "AB/1234.5", "SP 001", "TRỤC-A")


@dataclass(frozen=True)
class Export:
    """A file, and what a person says of it."""

    name: str
    content: bytes
    words: dict[str, str]
    """What is chosen beside each word of the source."""
    marks: dict[str, str] = field(default_factory=dict)
    """What is chosen of the notation, by the id of its select."""
    stored: str = ""
    """Query of what is there afterwards."""
    rows: tuple[tuple[object, ...], ...] = ()


ORDERS = (
    "select number, product.code, planned_quantity, status from production_order"
    " join product using (product_id) where number like %s order by number"
)
EXPORTS = [
    Export(
        "coois.csv",
        SAP,
        {"Dây chuyền: PHAY-01": LINE, "Dây chuyền: EP-02": POOL},
        stored=ORDERS.replace("%s", "'1000%'"),
        rows=(
            ("1000451", "FERT-1001", 1500.0, "released"),
            ("1000452", "AB/1234.5", 2500.0, "planned"),
            ("1000453", "FERT-1001", 1250.0, "finished"),
        ),
    ),
    Export(
        "odoo.csv",
        ODOO,
        {"Dây chuyền: Milling": LINE, "Dây chuyền: Press": POOL},
        stored=ORDERS.replace("%s", "'WH/%'"),
        rows=(
            ("WH/MO/00012", "SP 001", 1200.0, "released"),
            ("WH/MO/00013", "SP 001", 120.0, "planned"),
        ),
    ),
    Export(
        "ke-hoach.xlsx",
        workbook(),
        {"Dây chuyền: Phay 1": LINE, "Dây chuyền: Ép": POOL},
        {"decimal-mark": ",", "date-order": "dmy"},
        stored=ORDERS.replace("%s", "'LSX-03%'"),
        rows=(
            ("LSX-03/001", "TRỤC-A", 480.0, "running"),
            ("LSX-03/002", "SP 001", 1500.0, "planned"),
        ),
    ),
    Export(
        "dinh-muc.csv",
        windows_1258(CODE_PAGE),
        {"Máy: CNC 1": CNC_1, "Máy: CNC 2": CNC_2},
        stored="select seconds, source from planned_run_time join product using (product_id)"
        " where product.code = 'TRỤC-A' order by seconds",
        rows=((26.5, "bấm giờ ngày 30/10"), (28.0, "bản vẽ")),
    ),
    Export(
        "lich-v06.xml",
        B2MML_V06,
        {"Nơi: MILL": LINE, "Tình trạng: Geparkt": "planned"},
        stored=ORDERS.replace("%s", "'PO-%'"),
        rows=(("PO-7781", "FERT-1001", 1500.0, "planned"),),
    ),
    Export(
        "thuc-hien-v07.xml",
        B2MML_V07,
        {"Nơi: BH-1": SITE, "Nơi: M1": CNC_1, "Nơi: M2": CNC_2},
        stored="select place.code, count(*) from (select work_unit_id, split_part(path, '/', 5)"
        " as code from order_run join place on place_id = work_unit_id"
        " where order_number = 'PO-7781') as place group by 1 order by 1",
        rows=(("cnc-1", 2), ("cnc-2", 1)),
    ),
]


@pytest.fixture
def filled(plain_database: DatabaseSettings) -> DatabaseSettings:
    seed(plain_database)
    parsed = (
        parse(
            KINDS["products"],
            {"enterprise": ENTERPRISE, "code": code, "name_vi": code},
            Item(number),
        )
        for number, code in enumerate(PRODUCTS)
    )
    assert write_documents(plain_database, parsed, Provenance("the test", "", NOW)).committed
    return plain_database


@pytest.fixture
def base(filled: DatabaseSettings) -> Iterator[str]:
    settings = api_settings(filled, port=free_port(), token=SecretStr("bi-mat"))
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


def assign(page: Page, export: Export) -> None:
    """Do what a person does between choosing a file and importing it."""
    page.set_input_files(
        "input[name=file]",
        {"name": export.name, "mimeType": "application/octet-stream", "buffer": export.content},
    )
    page.get_by_role("button", name="Gán cột của tệp").click()
    expect(page.locator("#mapping")).to_be_visible()
    for word in export.words:
        expect(page.get_by_label(word, exact=True)).to_be_visible()
    for name, mark in export.marks.items():
        with page.expect_response("**/mes-files/layout"):
            page.locator(f"#{name}").select_option(mark)
    # What a person reads are names, in the page's language; codes are behind them.
    shown = "".join(page.locator("#column-rows option, #word-rows option").all_text_contents())
    assert not re.search(r"[a-z]_[a-z]|/(?=[a-z])", shown), shown
    for word, ours in export.words.items():
        page.get_by_label(word, exact=True).select_option(ours)
    page.get_by_label("Tên cách đọc này").fill(f"Nguồn {export.name}")


def test_exports_go_in_through_mappings_made_by_a_person(
    browser: Browser, base: str, filled: DatabaseSettings
) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"{base}/import?lang=vi")
    page.get_by_label("Khóa").fill("bi-mat")
    page.get_by_role("button", name="Vào").click()
    for export in EXPORTS:
        page.goto(f"{base}/import")
        page.locator("select[name=site]").select_option(SITE)
        assign(page, export)
        page.get_by_role("button", name="Xem trước").click()
        expect(page.locator("#verdict")).to_have_text("Tệp dùng được. Chưa ghi gì cả.")
        page.get_by_role("button", name="Nhập", exact=True).click()
        expect(page.locator("#verdict")).to_have_text("Đã nhập.")
        expect(page.locator("#detail")).to_have_text(f"Đã giữ cách đọc “Nguồn {export.name}”.")
        with psycopg.connect(url_of(filled)) as connection:
            assert connection.execute(export.stored).fetchall() == list(export.rows)

    # One record typed by hand, then corrected.
    page.goto(f"{base}/import")
    page.locator("select[name=site]").select_option(SITE)
    page.get_by_text("Nhập tay một bản ghi").click()
    page.locator("#entry select[name=kind]").select_option("scrap-reasons")
    for name, new in (("Nứt", "1"), ("Nứt nguội", "0")):
        page.locator("#entry input[name=code]").fill("NG-01/A")
        page.locator("#entry input[name=name_vi]").fill(name)
        page.get_by_role("button", name="Xem trước bản ghi").click()
        expect(page.locator("#verdict")).to_have_text("Tệp dùng được. Chưa ghi gì cả.")
        expect(page.locator("#counts")).to_contain_text(f"Mới{new}")
        page.get_by_role("button", name="Nhập", exact=True).click()
        expect(page.locator("#verdict")).to_have_text("Đã nhập.")
    with psycopg.connect(url_of(filled)) as connection:
        found = connection.execute("select code, name_vi from quality_reason").fetchall()
    assert found == [("NG-01/A", "Nứt nguội")]

    # The same file again: the kept mapping is chosen and nothing is said anew.
    page.goto(f"{base}/import")
    page.locator("select[name=site]").select_option(SITE)
    page.set_input_files(
        "input[name=file]", {"name": "coois.csv", "mimeType": "text/csv", "buffer": SAP}
    )
    page.locator("#kept").select_option("Nguồn coois.csv")
    expect(page.locator("#column-rows tr")).to_have_count(9)
    page.get_by_role("button", name="Xem trước").click()
    expect(page.locator("#counts")).to_contain_text("Không đổi3")
    assert troubles == []
