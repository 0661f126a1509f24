"""Boards through the API and as pages, on each edition."""

import csv
import io
import re

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from api.pages.boards.registry import BOARDS
from tests.api_asking import problem
from tests.plants.api_plant import CNC_1, LINE, SITE


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("place", [CNC_1, LINE, SITE])
def test_a_board_is_the_same_in_every_form(client: TestClient, board: str, place: str) -> None:
    ask = {"place": place, "lang": "en"}
    address = f"/api/v1/boards/{board}"
    answer = client.get(address, params=ask)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert {"coverage", "as_of", "final"} <= found.keys()
    book = load_workbook(io.BytesIO(client.get(address, params=ask | {"format": "xlsx"}).content))
    assert len(book.sheetnames) == 1 + len(found["tables"])
    for table, sheet in zip(found["tables"], book.worksheets[1:], strict=True):
        text = client.get(address, params=ask | {"format": "csv", "table": table["name"]})
        assert "attachment" in text.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(text.content.decode("utf-8-sig"))))
        assert len(rows) == len(table["rows"]) == sheet.max_row - 1
        assert sheet.max_column == len(table["columns"])
        for row, line in zip(table["rows"], rows, strict=True):
            assert row.keys() == line.keys()
    page = client.get(f"/board/{board}/{place}", params={"lang": "en"})
    assert page.status_code == 200
    assert found["title"] in page.text


def test_hours_add_up_and_name_what_time_was_lost_to(client: TestClient) -> None:
    found = client.get("/api/v1/boards/hours", params={"place": CNC_1, "lang": "en"}).json()
    rows = found["tables"][0]["rows"]
    assert [row["good"] for row in rows] == [200, 190, 180, 170, 160, 150]
    assert rows[-1]["cumulative_good"] == 1050
    # 15 s per part, an hour of busy time; the first hour has no product, so no target.
    assert rows[0]["target"] is None
    assert rows[1]["target"] == pytest.approx(240)
    assert rows[4]["target"] == pytest.approx(120)
    assert any("Unassigned" in row["lost_to"] for row in rows)
    # What was made in that hour is compared with nothing.
    assert sum(row["difference"] or 0 for row in rows) == pytest.approx(-230)
    page = client.get(f"/board/hours/{CNC_1}", params={"lang": "en", "hours": 8})
    assert re.search(r"Difference</[^>]+>\s*<[^>]+>\s*−230\b", page.text)


def test_an_hour_without_the_machines_that_count_has_no_figures(client: TestClient) -> None:
    found = client.get("/api/v1/boards/hours", params={"place": LINE, "lang": "en"}).json()
    told = ("pbt_s", "target", "good", "difference", "cumulative_target", "cumulative_good")
    for row in found["tables"][0]["rows"]:
        assert {name: row[name] for name in told} == dict.fromkeys(told)


def test_stops_keep_unassigned_in_sight(client: TestClient) -> None:
    found = client.get("/api/v1/boards/stops", params={"place": CNC_1}).json()
    assert "unassigned" in {row["code"] for row in found["tables"][0]["rows"]}


def test_faults_come_with_their_fix(client: TestClient) -> None:
    found = client.get("/api/v1/boards/faults", params={"place": LINE, "lang": "en"}).json()
    rows = found["tables"][0]["rows"]
    assert rows
    assert all(row["fault"] and row["fix"] for row in rows)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"chart": "pie"}, "bad-option"),
        ({"tag": "no/such"}, "bad-option"),
        ({"lsl": "abc"}, "bad-option"),
        ({"lsl": "5", "usl": "4"}, "bad-option"),
        ({"format": "csv", "table": "none"}, "bad-option"),
        ({"start": "2026-01-01T00:00:00Z"}, None),
        ({"start": "2025-01-01T00:00:00Z"}, "bad-window"),
        ({"format": "pdf"}, "invalid-request"),
    ],
)
def test_a_wrong_choice_is_told(
    client: TestClient, query: dict[str, str], kind: str | None
) -> None:
    params = {"place": CNC_1, **query}
    if kind is None:
        assert client.get("/api/v1/boards/spc", params=params).status_code == 200
        return
    assert problem(client, "/api/v1/boards/spc", **params)["type"].endswith(kind)


def test_an_unknown_board_or_place_is_told(client: TestClient) -> None:
    assert problem(client, "/api/v1/boards/none", place=CNC_1)["status"] == 422
    assert problem(client, "/api/v1/boards/hours", place="none")["status"] == 404
    assert client.get("/board/hours/none").status_code == 404
    assert client.get(f"/operator/{LINE}").status_code == 404


def test_days_are_named_as_days_when_a_trend_is_long(client: TestClient) -> None:
    ask: dict[str, str | int] = {"place": CNC_1, "start": "2026-02-24T00:00:00Z"}
    found = client.get("/api/v1/boards/energy", params=ask).json()
    trend = found["tables"][-1]
    assert trend["columns"][0]["kind"] == "date"
    page = client.get(f"/board/energy/{CNC_1}", params={"lang": "vi", "hours": 168})
    assert '<td class="date">02/03/2026</td>' in page.text
    hourly = client.get("/api/v1/boards/energy", params={"place": CNC_1}).json()
    assert hourly["tables"][-1]["columns"][0]["kind"] == "time"


def test_a_board_says_of_which_machines_less_is_known(client: TestClient) -> None:
    found = client.get("/api/v1/boards/hours", params={"place": LINE, "lang": "en"}).json()
    assert found["warnings"][0] == (
        "Less is known in this window of: CNC mill 2 (nothing yet), Washer (nothing yet)."
    )
