"""Four enterprises go from survey to a closed report by the pages, and the department pulls."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from typer.testing import CliRunner

from api import ApiSettings
from api.access.administration import add_account, add_token
from api.access.role import Right, Role
from api.settings import AccountsSettings
from nhipmay.cli import app
from nhipmay.demo.people import invite_visitors, visitors
from nhipmay.demo.pilots import COMPANIES, ZONE, compute_history, description, write_history
from nhipmay.demo.programme import seed_programme
from plant.settings import DatabaseSettings
from store import migrate
from store.access.account import AccessStore
from store.assessment.record import PilotStore, RecordRow
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port
from tests.peers.serving import served
from tests.plants.pilot_programme import filled_in

pytestmark = pytest.mark.slow

PICTURES = os.environ.get("NHIPMAY_PICTURES")
"""Folder for pictures of the pages, where somebody wants them."""
STORY = {
    "can_cu": "Căn cứ Kế hoạch số 1931/KH-SCT năm 2025 của Sở Công Thương về chuyển đổi số",
    "chi_dao": "Sở đã ban hành kế hoạch và phân công đơn vị chủ trì.",
    "khao_sat": "Đoàn khảo sát làm việc tại từng doanh nghiệp.",
    "lua_chon": "Chọn 01 doanh nghiệp theo biên bản kèm theo.",
    "dao_tao": "Tổ chức 02 lớp tập huấn.",
    "tu_van": "Kết nối chuyên gia về thu thập dữ liệu máy.",
    "ha_tang": "Mỗi doanh nghiệp lắp 01 cổng kết nối.",
    "kinh_phi": "Doanh nghiệp đối ứng; không sử dụng ngân sách.",
    "nhiem_vu": "Hoàn thành các nhiệm vụ theo kế hoạch.",
    "dat_duoc": "Số liệu được thu thập tự động và liên tục.",
    "han_che": "Máy cũ chưa có tín hiệu.",
    "nguyen_nhan": "Thiếu bộ điều khiển.",
    "bai_hoc": "Chuẩn bị danh mục máy trước khi lắp.",
    "phuong_huong": "Mở rộng kết nối các máy còn lại.",
    "kien_nghi_tinh": "Xem xét bố trí kinh phí nhân rộng.",
    "kien_nghi_bo": "Hướng dẫn bộ tiêu chí mới.",
    "nhan_rong": "Nhân rộng cho doanh nghiệp cùng lĩnh vực.",
}


@pytest.fixture(scope="module")
def owner(timescale_server: PostgresServer, tmp_path_factory: Any) -> Iterator[DatabaseSettings]:
    with compose_database(timescale_server) as owner:
        migrate(owner)
        until = today()
        write_history(owner, until, 2026)
        compute_history(owner, until, lambda: None)
        seed_programme(owner, until)
        secret = tmp_path_factory.mktemp("secrets") / "logins"
        secret.write_text("of the enterprises' logins", encoding="ascii")
        invite_visitors(owner, secret, [description(one) for one in COMPANIES])
        yield owner


@pytest.fixture(scope="module")
def base(owner: DatabaseSettings) -> Iterator[str]:
    plants = [description(one) for one in COMPANIES]
    settings = ApiSettings(
        port=free_port(),
        database=as_role(owner, "nhipmay_reader"),
        writer=as_role(owner, "nhipmay_writer"),
        accounts=AccountsSettings.model_validate(
            {
                "logins_secret": "of the enterprises' logins",
                "visitors": [one.login for one in visitors(plants)],
            }
        ),
    )
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"


def today() -> date:
    return datetime.now(UTC).astimezone(ZONE).date()


class Desk:
    """The pages, with somebody before them."""

    def __init__(self, browser: Browser, base: str, owner: DatabaseSettings) -> None:
        self.base, self.owner = base, owner
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.page: Page = context.new_page()
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def be(self, login: str) -> None:
        self.page.goto(f"{self.base}/sign-in?choose=1&next=/programme&lang=vi")
        self.page.locator(f'button[name=visitor][value="{login}"]').click()
        expect(self.page.locator("a.who")).to_contain_text(login)

    def open(self, record: int) -> None:
        self.page.goto(f"{self.base}/programme/record/{record}")
        expect(self.page.locator("h1 .status")).to_be_visible()

    def press(self, words: str) -> None:
        self.page.get_by_role("button", name=words, exact=True).click()

    def move(self, record: int, to: str, status: str) -> None:
        self.open(record)
        self.page.locator(f'button[name=to][value="{to}"]').click()
        expect(self.page.locator("h1 .status")).to_have_text(status)

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=f"{PICTURES}/programme-{name}.png", full_page=False)

    def records(self, enterprise: str | None = None) -> dict[str, RecordRow]:
        with PilotStore(self.owner).transaction() as t:
            (programme,) = t.programmes()
            return {
                one.kind: one
                for one in t.records(programme.programme_id)
                if one.enterprise == enterprise
            }


def test_from_survey_to_a_closed_report_and_the_departments_pull(
    browser: Browser, base: str, owner: DatabaseSettings, tmp_path: Path
) -> None:
    desk = Desk(browser, base, owner)
    for company in COMPANIES:
        the_enterprise_confirms(desk, company.code)
    desk.be("chuyen-vien")
    desk.page.goto(f"{base}/programme")
    for company in COMPANIES:
        the_office_reviews(desk, company.code)
    desk.page.goto(f"{base}/programme")
    desk.picture("board")
    desk.be("phe-duyet")
    for company in COMPANIES:
        for record in desk.records(company.code).values():
            desk.move(record.record_id, "closed", "Đã chốt")
    the_programme_is_reported(desk)
    three_clicks_from_a_level_to_its_window(desk)
    the_rest_is_looked_at(desk)
    the_client_pulls(base, owner, tmp_path)
    the_enterprise_reads_who_pulled(desk)
    nothing_was_changed_behind_the_back(owner, tmp_path)
    assert desk.troubles == []


def the_enterprise_confirms(desk: Desk, code: str) -> None:
    page = desk.page
    desk.be(f"quan-ly.{code}")
    page.goto(f"{desk.base}/programme/enterprise/{code}")
    for detail, dataset in (("counts", "nmtm-chi-tieu"), ("named", "nmtm-bang-chung")):
        if detail == "named" and code != COMPANIES[0].code:
            continue
        page.locator("select[name=dataset]").select_option(dataset)
        page.locator("select[name=detail]").select_option(detail)
        desk.press("Đồng ý")
        expect(page.get_by_role("button", name="Rút lại").last).to_be_visible()
    records = desk.records(code)
    for kind in ("survey", "register", "baseline"):
        desk.move(records[kind].record_id, "confirmed", "Doanh nghiệp xác nhận")
    assessment = records["assessment"].record_id
    desk.open(assessment)
    desk.press("Lập bằng chứng từ số liệu")
    expect(
        page.get_by_text("E18 Trước/sau thí điểm").or_(page.get_by_text("E06 OEE")).first
    ).to_be_visible()
    if code == COMPANIES[0].code:
        desk.picture("draft")
    desk.move(assessment, "confirmed", "Doanh nghiệp xác nhận")


def the_office_reviews(desk: Desk, code: str) -> None:
    page = desk.page
    records = desk.records(code)
    for kind in ("survey", "register", "baseline"):
        desk.move(records[kind].record_id, "reviewed", "Phòng QLCN thẩm tra")
    assessment = records["assessment"].record_id
    desk.open(assessment)
    page.locator("input[name=asset_register]").check()
    page.locator("input[name=all_departments]").check()
    desk.press("Lưu văn bản đã xem")
    row = page.locator('[id="c3.2.9"]')
    row.locator("select[name=level]").select_option("1")
    row.get_by_role("button", name="Xác nhận", exact=True).click()
    expect(page.locator('[id="c3.2.9"]')).to_contain_text("chuyen-vien")
    if code == COMPANIES[0].code:
        page.locator('[id="c3.2.9"]').scroll_into_view_if_needed()
        desk.picture("matrix")
    desk.move(assessment, "reviewed", "Phòng QLCN thẩm tra")


def the_programme_is_reported(desk: Desk) -> None:
    page = desk.page
    year = str(today().year)
    for kind, period, answers in (
        ("selection", "lần-1", filled_in("bien_ban_lua_chon")),
        ("final", year, STORY),
    ):
        desk.be("chuyen-vien")
        page.goto(f"{desk.base}/programme")
        page.locator('form[action="/programme/records"] select').select_option(kind)
        page.locator('form[action="/programme/records"] input[name=period]').fill(period)
        desk.press("Lập hồ sơ")
        for name, words in answers.items():
            field = page.locator(f'[name="{name}"]')
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(words)
            else:
                field.fill(words)
        desk.press("Lưu")
        record = desk.records()[kind].record_id
        desk.move(record, "reviewed", "Phòng QLCN thẩm tra")
        desk.be("phe-duyet")
        desk.move(record, "closed", "Đã chốt")
    page.goto(f"{desk.base}/programme/record/{record}/preview")
    expect(page.get_by_text("trùng thời điểm với").first).to_be_visible()
    desk.picture("preview")
    # PDF is made by LibreOffice, where it is.
    forms = ("docx", "pdf") if shutil.which("soffice") else ("docx",)
    for form in forms:
        with page.expect_download() as coming:
            page.get_by_role("link", name=form.upper(), exact=True).click()
        path = coming.value.path()
        assert path.stat().st_size > 10_000
        if PICTURES:
            Path(f"{PICTURES}/final.{form}").write_bytes(path.read_bytes())


def three_clicks_from_a_level_to_its_window(desk: Desk) -> None:
    page = desk.page
    page.goto(f"{desk.base}/programme")
    assessment = desk.records(COMPANIES[0].code)["assessment"]
    page.locator(f'a[href="/programme/record/{assessment.record_id}"]').click()
    page.locator('[id="c3.2.9"] a').first.click()
    expect(page.get_by_text("Độ đầy đủ", exact=True)).to_be_visible()
    expect(page.get_by_text("Mã băm đầu vào")).to_be_visible()
    desk.picture("figure")


def the_rest_is_looked_at(desk: Desk) -> None:
    page = desk.page
    page.goto(f"{desk.base}/programme/comparison")
    expect(page.get_by_text("Không xếp hạng nhà máy")).to_be_visible()
    desk.picture("comparison")
    desk.be("chuyen-vien")
    page.goto(f"{desk.base}/programme/frameworks")
    desk.picture("frameworks")
    for dataset in ("nmtm-chi-tieu", "nmtm-bang-chung"):
        page.goto(f"{desk.base}/programme/sharing?dataset={dataset}")
        desk.press("Công bố")
        expect(page.get_by_role("heading", name="Xem trước công bố")).to_be_visible()


def the_client_pulls(base: str, owner: DatabaseSettings, tmp_path: Path) -> None:
    store, now = AccessStore(as_role(owner, "nhipmay_writer")), datetime.now(UTC)
    login, role = "ioc.may", Role.SERVICE
    add_account(store, login, "IOC", role, "so-cong-thuong", "department", now, "test")
    until = now + timedelta(days=1)
    client_id, secret = add_token(store, login, "ioc", [Right.PULL], "client", until, now, "test")
    store.close()
    (tmp_path / "secret").write_text(secret)
    asked = [
        *("pull", base, "--client-id", client_id, "--secret-file", str(tmp_path / "secret")),
        *("--into", str(tmp_path), "--network", "127.0.0.0/8", "--correlation", "ioc-2026-1"),
    ]
    counts = [*asked, "--dataset", "nmtm-chi-tieu", "--format", "json"]
    first = CliRunner().invoke(app, counts, catch_exceptions=False)
    again = CliRunner().invoke(app, counts, catch_exceptions=False)
    named = [
        *asked,
        "--dataset",
        "nmtm-bang-chung",
        "--format",
        "csv",
        "--drop",
        str(tmp_path / "o"),
    ]
    evidence = CliRunner().invoke(app, named, catch_exceptions=False)

    assert (first.exit_code, again.exit_code, evidence.exit_code) == (0, 0, 0), first.output
    assert "0 dòng mới" in again.output
    rows = {one["ma"]: one for one in json.loads((tmp_path / "nmtm-chi-tieu.json").read_text())}
    assert rows["NMTM01"]["thuc_hien_ky"] == 4
    # One of the four let its own figures be told: of three others the sum may be.
    assert rows["NMTM04"]["thuc_hien_ky"] == 8
    assert rows["NMTM04"]["n_doanh_nghiep"] == 4
    text = (tmp_path / "nmtm-bang-chung.csv").read_text("utf-8-sig")
    assert COMPANIES[0].code in text
    assert not any(one.code in text for one in COMPANIES[1:])
    assert "may-1" not in text
    assert list((tmp_path / "o").glob("*.json"))


def the_enterprise_reads_who_pulled(desk: Desk) -> None:
    desk.be(f"quan-ly.{COMPANIES[1].code}")
    desk.page.goto(f"{desk.base}/programme/sharing")
    expect(desk.page.get_by_text("ioc-2026-1").first).to_be_visible()
    desk.picture("sharing")


def nothing_was_changed_behind_the_back(owner: DatabaseSettings, tmp_path: Path) -> None:
    settings = tmp_path / "owner.json"
    database = owner.model_dump(mode="json")
    database["password"] = owner.secret()
    settings.write_text(json.dumps({"database": database}))
    run = CliRunner()
    checked = run.invoke(app, ["evidence", "check", "-s", str(settings)], catch_exceptions=False)
    again = run.invoke(app, ["evidence", "recheck", "-s", str(settings)], catch_exceptions=False)

    assert checked.exit_code == 0, checked.output
    assert again.output.count("như đã chốt") == len(COMPANIES), again.output
