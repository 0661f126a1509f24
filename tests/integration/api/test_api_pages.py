"""The live pages as they are first served; tests/browser has them in a browser."""

import pytest
from fastapi.testclient import TestClient

from tests.api_asking import problem
from tests.plants import api_plant
from tests.plants.api_plant import CNC_1, LINE, SITE


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize(
    "path",
    ["/", *(f"/place/{path}" for path in (SITE, LINE, CNC_1, api_plant.WASHER, api_plant.PRESS))],
)
def test_pages_are_served_in_the_language_asked_for(
    client: TestClient, path: str, lang: str
) -> None:
    page = client.get(path, params={"lang": lang})
    assert page.status_code == 200
    assert f'<html lang="{lang}">' in page.text
    assert ("70,2%" if lang == "vi" else "70.2%") in page.text or path.endswith(("rua", "ep-1"))
    # Kept for the next page.
    assert f'<html lang="{lang}">' in client.get("/").text


def test_a_page_shows_reasons_bounds_and_lost_edges(client: TestClient) -> None:
    page = client.get(f"/place/{LINE}", params={"lang": "vi"}).text
    for words in (
        "OEE dây chuyền tính theo máy nút thắt: Máy phay CNC 2",
        "Chưa phân biệt được hàng đạt và phế phẩm.",
        "mức sẵn sàng nằm trong khoảng 70,0% – 78,2%",
        "Mất kết nối với tram-2 (tin cuối 12:05)",
        "Hiệu suất trên 100%",
        "Tạm tính",
        "Đã chốt",
        "Chưa phân loại",
    ):
        assert words in page, words


def test_a_person_gets_a_page_when_the_place_is_unknown(client: TestClient) -> None:
    page = client.get("/place/<script>")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize("path", ["/xyz", "/programs/none", "/favicon"])
def test_a_person_gets_a_page_when_the_address_is_none(client: TestClient, path: str) -> None:
    client.cookies.clear()
    page = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "Không có trang này" in page.text
    # A program is answered as before, whatever it takes from an address of programs, too.
    for asked, accept in ((path, "*/*"), ("/api/v1/xyz", "text/html")):
        answer = client.get(asked, headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/problem+json"


def test_home_leads_to_the_boards_and_to_the_page_of_the_api(client: TestClient) -> None:
    page = client.get("/").text
    assert f'href="/board/hours/{SITE}"' in page
    assert 'href="/reference"' in page


def test_files_are_kept_for_ever_and_come_from_here(client: TestClient) -> None:
    page = client.get(f"/place/{CNC_1}").text
    addresses = [part.split('"')[0] for part in page.split('="/static/')[1:]]
    assert {address.split(".")[0] for address in addresses} >= {"plot", "style", "live"}
    for address in addresses:
        for encoding in ("gzip", "identity"):
            sent = client.get(f"/static/{address}", headers={"Accept-Encoding": encoding})
            assert sent.status_code == 200
            assert "immutable" in sent.headers["cache-control"]
    assert problem(client, "/static/../../etc/passwd")["status"] == 404
