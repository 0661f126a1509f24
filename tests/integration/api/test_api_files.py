"""Every list of the API as a file: the same rows, safe in a spreadsheet, told in both languages."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from pyarrow import parquet as pq

from api.tables.listing import flattened
from api.words.catalogue import CATALOGUES
from plant.mes import KINDS
from tests.api_asking import data, problem
from tests.plants.api_plant import CNC_1, ENTERPRISE, LINE, NOW, SITE, TEMPERATURE

LISTS: dict[str, dict[str, Any]] = {
    "places": {},
    "tags": {"place": SITE},
    "measurements": {"tag": TEMPERATURE},
    "series": {"tag": TEMPERATURE},
    "oee": {"place": LINE, "kind": "shift", "level": "work_unit"},
    "states": {"place": CNC_1},
    "stops": {"place": SITE},
    "stops/pareto": {"place": SITE},
    "stop-reasons": {"place": SITE},
    "kpi": {"place": CNC_1, "by": "hour"},
    "losses": {"place": CNC_1, "by": "hour"},
    "restatements": {"place": SITE},
    "faults": {"place": SITE},
    "corrections": {"place": SITE},
    "counters/judgements": {"place": SITE},
    "delivery": {},
    "edges": {},
    "configurations": {},
    "mes-events": {"place": SITE},
    **{f"mes/{kind}": {"place": ENTERPRISE} for kind in KINDS},
}


def as_csv(client: TestClient, path: str, **params: Any) -> list[dict[str, str]]:
    answer = client.get(f"/api/v1/{path}", params={**params, "format": "csv"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment; filename=" in answer.headers["content-disposition"]
    # Without it Excel takes Vietnamese for the machine's own eight bits.
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def as_parquet(client: TestClient, path: str, **params: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", params={**params, "format": "parquet"})
    assert answer.status_code == 200, answer.text
    return pq.read_table(io.BytesIO(answer.content))


def as_sheets(client: TestClient, path: str, **params: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", params={**params, "format": "xlsx"})
    assert answer.status_code == 200, answer.text
    return load_workbook(io.BytesIO(answer.content)).worksheets


@pytest.mark.parametrize("path", LISTS)
def test_a_list_has_the_same_rows_in_every_form(client: TestClient, path: str) -> None:
    params = LISTS[path]
    rows = data(client, path, **params)
    lines = as_csv(client, path, **params)
    sheet = as_sheets(client, path, **params)[-1]
    columns = as_parquet(client, path, **params)

    assert len(lines) == len(rows) == columns.num_rows
    assert [row for row in sheet.iter_rows(min_row=2, values_only=True) if any(row)] or not rows
    assert sheet.max_row == 1 + len(rows)
    for row, line in zip(rows, lines, strict=True):
        for name, value in flattened(row).items():
            if isinstance(value, str) and name in line and value[:1] not in "=+-@":
                assert line[name] == value
            if isinstance(value, int | float) and not isinstance(value, bool) and name in line:
                assert float(line[name]) == value
    for row, kept in zip(rows, columns.to_pylist(), strict=True):
        for name, value in flattened(row).items():
            if name not in kept:
                continue
            if isinstance(value, str) and isinstance(kept[name], datetime):
                assert kept[name] == datetime.fromisoformat(value)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                assert float(kept[name]) == value
            elif value is None:
                assert kept[name] is None


def test_every_list_can_be_asked_for_as_a_file(client: TestClient) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    lists = {
        path: item["get"]
        for path, item in paths.items()
        if "get" in item
        and path.startswith("/api/v1/")
        and "Listing" in str(item["get"]["responses"]["200"]["content"].get("application/json"))
    }

    assert len(lists) >= 13
    for path, described in lists.items():
        assert "format" in {one["name"] for one in described["parameters"]}, path
        assert "text/csv" in described["responses"]["200"]["content"], path


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_workbook_says_what_it_is_about_in_words(client: TestClient, lang: str) -> None:
    words = CATALOGUES["vi" if lang == "vi" else "en"].words()
    for path, params in LISTS.items():
        if path.startswith("mes/"):
            continue
        about, sheet = as_sheets(client, path, **params, lang=lang)
        assert str(about["B1"].value) in words.values()
        headings = {str(cell.value) for cell in next(iter(sheet.iter_rows(max_row=1)))}
        assert headings <= set(words.values()), (path, headings - set(words.values()))


def test_figures_without_a_value_say_why_in_one_column(client: TestClient) -> None:
    (row, *_) = as_csv(client, "kpi", place=CNC_1)

    assert row["oee"] == ""
    assert "oee: " in row["missing"]
    assert "; " in row["missing"]


def test_times_are_utc_for_programs_and_local_for_people(client: TestClient) -> None:
    (line, *_) = as_csv(client, "measurements", tag=TEMPERATURE)
    sheet = as_sheets(client, "measurements", tag=TEMPERATURE)[-1]
    columns = {cell.value: cell.column - 1 for cell in next(iter(sheet.iter_rows(max_row=1)))}
    first = next(iter(sheet.iter_rows(min_row=2, max_row=2, values_only=True)))

    local = first[columns["Thời điểm đo"]]
    assert line["tag"] == TEMPERATURE
    assert line["source_time"].endswith("Z")
    # Biên Hòa is seven hours ahead.
    utc = line["source_time"].removesuffix("Z").partition(".")[0]
    assert (local - timedelta(hours=7)).isoformat() == utc


def test_a_text_that_would_run_is_harmless_in_a_file(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from store.reading.reading import Reading
    from store.reading.row import ReasonRow

    rows = [ReasonRow("x", None, "=HYPERLINK(1)", "@SUM(A1)", 0)]
    monkeypatch.setattr(Reading, "reason_choices", lambda *_: rows)

    (line,) = as_csv(client, "stop-reasons", place=SITE)
    sheet = as_sheets(client, "stop-reasons", place=SITE)[-1]

    assert (line["name_vi"], line["name_en"]) == ("'=HYPERLINK(1)", "'@SUM(A1)")
    assert "'=HYPERLINK(1)" in {cell.value for cell in sheet[2]}
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_a_form_that_there_is_not_is_refused(client: TestClient) -> None:
    found = problem(client, "/api/v1/stops", place=SITE, format="pdf")

    assert found["type"].endswith("invalid-request")


def test_a_file_is_named_after_its_place_and_day(client: TestClient) -> None:
    answer = client.get("/api/v1/stops", params={"place": LINE, "format": "csv"})

    day = (NOW - timedelta(days=1)).strftime("%Y%m%d")
    assert f'stops-{LINE.replace("/", "-")}-{day}.csv"' in answer.headers["content-disposition"]
