"""What the API answers, on real databases of each edition."""

import csv
import io
import itertools
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from pyarrow import parquet as pq

from api import create_app
from api.routers import exports
from api.tables.file import harmless
from plant.settings import DatabaseSettings
from tests.api_asking import data, problem
from tests.peers.services import url_of
from tests.plants import api_plant
from tests.plants.api_plant import (
    CNC_1,
    LINE,
    NOW,
    SITE,
    STATE,
    TEMPERATURE,
    WASHER,
    api_settings,
    minutes,
    seed,
)

EXPORTED = ["=HYPERLINK(1)", " +1", "x;=1", "a\n@b", "\tx", "\x01=1", "ổn", "＝1", "-"]


def test_a_text_that_the_database_exports_is_as_harmless_as_any(database: DatabaseSettings) -> None:
    seeder = seed(database)
    with psycopg.connect(url_of(database), autocommit=True) as connection:
        for number, text in enumerate(EXPORTED):
            connection.execute(
                "insert into text_measurement (tag_id, source_time, received_time, value, quality)"
                " values (%(tag)s, %(at)s, %(at)s, %(text)s, 0)",
                {
                    "tag": seeder.tags["rua/state"],
                    "at": NOW - minutes(50 - number),
                    "text": text,
                },
            )
    with TestClient(create_app(api_settings(database)), base_url="http://localhost") as client:
        text = client.get("/api/v1/measurements.csv", params={"place": WASHER}).text

    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["value"] for row in rows] == [harmless(value) for value in EXPORTED]


def test_places_come_in_the_order_of_the_flow(client: TestClient) -> None:
    places = data(client, "places")
    assert [place["path"].rpartition("/")[2] for place in places] == [
        "dong-nai",
        "bien-hoa",
        "co-khi",
        "phay",
        "cnc-1",
        "cnc-2",
        "rua",
        "ep",
        "ep-1",
    ]
    line = places[3]
    assert line["bottleneck"] == api_plant.CNC_2
    assert line["time_zone"] == "Asia/Ho_Chi_Minh"
    assert places[0]["time_zone"] is None


def test_tags_carry_their_newest_measurement(client: TestClient) -> None:
    tags = {tag["tag"]: tag for tag in data(client, "tags", place=SITE)}
    assert tags[TEMPERATURE]["last"] == {
        "source_time": "2026-03-02T05:29:00Z",
        "received_time": "2026-03-02T05:29:00.250000Z",
        "value": 71.25,
        "quality": "uncertain",
    }
    assert tags[TEMPERATURE]["edge"] == f"{SITE}/tram-1"
    assert tags[STATE]["last"]["value"] == 'HELD, "cửa mở"'
    assert tags[f"{SITE}/cnc-1/total"]["last"] is None
    assert set(tags) > {tag["tag"] for tag in data(client, "tags", place=CNC_1)}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 10_000])
def test_pages_of_measurements_hold_every_row_once_when_some_repeat(
    client: TestClient, limit: int
) -> None:
    params: dict[str, Any] = {"tag": TEMPERATURE, "limit": limit}
    found: list[dict[str, Any]] = []
    while True:
        body = client.get("/api/v1/measurements", params=params).json()
        found += body["data"]
        if body["meta"]["next"] is None:
            break
        params["after"] = body["meta"]["next"]
    # The last hour: one every two minutes, one of them twice more, and one a minute ago.
    assert len(found) == 30 + 2 + 1
    assert found == sorted(found, key=lambda row: row["source_time"])
    assert [row["value"] for row in found].count(68.5) == 2


def test_pages_of_a_long_window_are_those_of_a_short_one(client: TestClient) -> None:
    # What is looked through grows: no row may be lost or come twice where it does.
    def pages(start: datetime, limit: int) -> list[Any]:
        params: dict[str, Any] = {"tag": TEMPERATURE, "start": start.isoformat(), "limit": limit}
        found = []
        for _ in range(200):
            body = client.get("/api/v1/measurements", params=params).json()
            found += body["data"]
            if body["meta"]["next"] is None:
                return found
            params["after"] = body["meta"]["next"]
        raise AssertionError("the pages have no end")

    whole = pages(NOW - timedelta(days=1), 10_000)
    assert len(whole) > 33
    for limit in (1, 2, 7, len(whole)):
        assert pages(NOW - timedelta(days=300), limit) == whole


def test_a_place_is_known_by_its_new_name_at_once(database: DatabaseSettings) -> None:
    seed(database)
    with TestClient(create_app(api_settings(database)), base_url="http://localhost") as client:

        def names() -> dict[str, str]:
            return {one["path"]: one["name_en"] for one in data(client, "places")}

        before = names()
        with psycopg.connect(url_of(database), autocommit=True) as connection:
            connection.execute("update place set name_en = 'Renamed' where path = %s", (CNC_1,))
            assert names() == before | {CNC_1: "Renamed"}
            # Not before it is there for everybody.
            with connection.transaction(force_rollback=True):
                connection.execute("update place set name_en = 'Never' where path = %s", (CNC_1,))
                assert names()[CNC_1] == "Renamed"
            assert names()[CNC_1] == "Renamed"


def test_an_export_holds_every_row_of_every_tag(
    client: TestClient, filled: DatabaseSettings
) -> None:
    response = client.get(
        "/api/v1/measurements.csv",
        params={
            "place": SITE,
            "start": (NOW - timedelta(days=1)).isoformat(),
            "end": NOW.isoformat(),
        },
    )
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    with psycopg.connect(url_of(filled)) as connection:
        count = connection.execute(
            "select (select count(*) from measurement) + (select count(*) from text_measurement)"
        ).fetchone()
    assert count is not None
    assert len(rows) == count[0] > 120
    states = [row for row in rows if row["tag"] == STATE]
    assert states[-1] == {
        "tag": STATE,
        "source_time": "2026-03-02T05:25:00.000000Z",
        "received_time": "2026-03-02T05:25:00.250000Z",
        "value": 'HELD, "cửa mở"',
        "quality": "good",
    }
    assert {row["quality"] for row in rows} == {"good", "uncertain"}


def test_an_export_has_the_same_rows_in_every_form(client: TestClient) -> None:
    params = {
        "place": SITE,
        "start": (NOW - timedelta(days=1)).isoformat(),
        "end": NOW.isoformat(),
    }
    text = client.get("/api/v1/measurements.csv", params=params).text
    lines = list(csv.DictReader(io.StringIO(text)))
    columns = client.get("/api/v1/measurements.parquet", params=params)
    book = client.get("/api/v1/measurements.xlsx", params=params)

    table = pq.read_table(io.BytesIO(columns.content))
    assert table.num_rows == len(lines)
    for line, row in zip(lines, table.to_pylist(), strict=True):
        assert (row["tag"], row["quality"]) == (line["tag"], line["quality"])
        assert row["source_time"] == datetime.fromisoformat(line["source_time"])
        assert row["received_time"] == datetime.fromisoformat(line["received_time"])
        if row["value"] is not None:
            assert float(line["value"]) == row["value"]
        # What a spreadsheet could take for a formula has an apostrophe in a CSV, and only there.
        assert (row["text"] or "") in line["value"].replace("'", "") or row["value"] is not None
    (sheet,) = load_workbook(io.BytesIO(book.content)).worksheets
    (heading, *rows) = sheet.iter_rows(values_only=True)
    assert heading[1] == "source_time (Asia/Ho_Chi_Minh)"
    assert len(rows) == len(lines)
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    for line, cells in zip(lines, rows, strict=True):
        assert cells[0] == line["tag"]
        assert isinstance(cells[1], datetime)
        there = datetime.fromisoformat(line["source_time"]).astimezone(zone)
        # A spreadsheet's time is a fraction of a day.
        assert abs(cells[1] - there.replace(tzinfo=None)) < timedelta(milliseconds=1)


def test_a_sheet_refuses_more_rows_than_it_holds(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_SHEET_ROWS", 20)

    said = problem(client, "/api/v1/measurements.xlsx", place=SITE)

    assert (said["status"], said["type"]) == (422, "urn:nhipmay:problem:too-many-rows")
    assert "CSV or Parquet" in said["detail"]


def test_a_file_that_broke_off_is_no_parquet(client: TestClient) -> None:
    whole = client.get("/api/v1/measurements.parquet", params={"place": SITE}).content

    pq.read_table(io.BytesIO(whole))
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(io.BytesIO(whole[:-100]))


def test_exports_do_not_use_up_connections(client: TestClient) -> None:
    # Ends of streams are not waited for by their readers, so many in a row must not run dry.
    for _ in range(8):
        assert client.get("/api/v1/measurements.csv", params={"place": SITE}).status_code == 200
    assert problem(client, "/api/v1/measurements.csv", place="nowhere")["status"] == 404


def test_oee_comes_with_its_coverage_and_reasons(client: TestClient) -> None:
    (washer,) = data(client, "oee", place=api_plant.WASHER, kind="shift")
    assert washer["quality_ratio"] is None
    assert washer["missing"]["quality_ratio"] == "no_quality_counts"
    assert (washer["availability_low"], washer["availability_high"]) == (0.7, 0.782)
    assert (washer["coverage"], washer["final"]) == (0.918, False)
    assert washer["faults"] == ["effectiveness_above_1"]
    shifts = data(client, "oee", place=LINE, kind="shift")
    assert [(shift["shift"], shift["business_date"]) for shift in shifts] == [
        ("Ca 3", "2026-03-01"),
        ("Ca 1", "2026-03-02"),
    ]
    hours = data(client, "oee", place=CNC_1, kind="hour", start="2026-03-02T00:30:00Z")
    assert [hour["start"][11:16] for hour in hours] == ["00:00", "01:00", "02:00", "03:00", "04:00"]
    units = data(client, "oee", place=SITE, kind="shift", level="work_unit")
    assert {unit["place"] for unit in units} == {CNC_1, api_plant.CNC_2, api_plant.WASHER}


def test_states_tile_the_window_and_are_not_cut_at_hours(client: TestClient) -> None:
    start = NOW - timedelta(hours=7)
    states = data(client, "states", place=CNC_1, start=start.isoformat())
    assert states[0]["start"] == "2026-03-01T22:30:00Z"
    assert states[-1]["end"] == "2026-03-02T05:30:00Z"
    for one, other in itertools.pairwise(states):
        assert one["end"] == other["start"]
    assert [state["element"] for state in states] == [
        "not_scheduled",
        "setup",
        "production",
        "delay",
        "production",
        "planned_break",
        "production",
        "delay",
        "production",
        "delay",
    ]
    assert problem(client, "/api/v1/states", place=LINE)["type"].endswith(":wrong-level")


def test_stops_are_whole_when_they_overlap_the_window(client: TestClient) -> None:
    start = NOW - timedelta(minutes=80)
    stops = data(client, "stops", place=CNC_1, start=start.isoformat())
    assert [(stop["duration_s"], stop["end"], stop["minor"]) for stop in stops] == [
        (300.0, None, False),
        (1500.0, "2026-03-02T04:25:00Z", False),
    ]


def test_the_pareto_is_clipped_and_always_has_unassigned(client: TestClient) -> None:
    bars = data(client, "stops/pareto", place=LINE)
    assert [(bar["reason"], bar["duration_s"], bar["count"]) for bar in bars] == [
        ("thieu-phoi", 3900.0, 1),
        ("unassigned", 1800.0, 2),
        ("no_order", 900.0, 1),
        ("ket-dao", 720.0, 1),
    ]
    assert bars[0]["name_en"] == "No blanks"
    assert bars[-1]["cumulative_share"] == 1.0
    start = NOW - timedelta(minutes=80)
    clipped = data(client, "stops/pareto", place=CNC_1, start=start.isoformat())
    assert clipped[0]["duration_s"] == 1200.0
    (empty,) = data(client, "stops/pareto", place=api_plant.PRESS)
    assert (empty["reason"], empty["cumulative_share"]) == ("unassigned", None)


def test_delivery_says_what_is_missing_per_epoch(client: TestClient) -> None:
    first, old, new = data(client, "delivery")
    assert first["edge"] == f"{SITE}/tram-1"
    assert first["missing"] == [[106, 110], [201, 210]]
    assert (first["committed_count"], first["dropped_count"]) == (190, 5)
    assert (first["contiguous_to"], first["issued_id"]) == (105, 210)
    assert (first["rejected_count"], first["duplicate_count"], first["pending"]) == (2, 7, 5)
    assert (old["epoch"], old["contiguous_to"], old["pending"]) == ("cu", 50, None)
    assert new["unreachable"] == ["rua/state: không trả lời"]


def test_progress_names_the_edition_and_the_present(
    client: TestClient, filled: DatabaseSettings
) -> None:
    assert client.get("/api/v1/progress").json() == {
        "dirty_windows": 1,
        "rejections": 1,
        "now": "2026-03-02T05:30:00Z",
        "edition": client.get("/api/v1/progress").json()["edition"],
    }
    assert client.get("/api/v1/progress").json()["edition"] in {"plain", "timescale_apache"}


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_stops_hold_every_stop_once(client: TestClient, limit: int) -> None:
    window = {"start": (NOW - timedelta(days=2)).isoformat(), "end": NOW.isoformat()}
    whole = data(client, "stops", place=SITE, **window)
    assert len(whole) > 3
    params: dict[str, Any] = {"place": SITE, "limit": limit, **window}
    found = []
    while True:
        body = client.get("/api/v1/stops", params=params).json()
        found += body["data"]
        if body["meta"]["next"] is None:
            break
        params["after"] = body["meta"]["next"]
    assert found == whole
    for wrong in ("x", "9" * 18 + "-a", "1"):
        said = problem(client, "/api/v1/stops", place=SITE, after=wrong)
        assert said["type"].endswith(":bad-cursor")
