"""Figures on request agree with the stored ones, for every place, group and window."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from plant.settings import ClockSettings, DatabaseSettings
from tests.plants.figure_plant import GRINDER, LINE, SAW, SITE, FigurePlant, at
from tests.plants.mes_documents import write

RATIOS = ("availability", "effectiveness", "quality_ratio", "oee")


Served = tuple[FigurePlant, TestClient]


@contextmanager
def serving(database: DatabaseSettings) -> Iterator[Served]:
    """Compute a shift of two machines and serve it."""
    plant = FigurePlant(database)
    try:
        _work(plant)
        clock = ClockSettings(wall_origin=at(8), plant_origin=at(8), until=at(8))
        with TestClient(
            create_app(ApiSettings(database=database, clock=clock)), base_url="http://localhost"
        ) as client:
            yield plant, client
    finally:
        plant.close()


@pytest.fixture(scope="module", params=["timescale", "plain_postgres"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """A plant that no test changes."""
    from store import migrate

    server = request.getfixturevalue(f"{request.param}_server")
    name = server.create_database()
    migrate(server.settings(name))
    with serving(server.settings(name)) as both:
        yield both
    server.drop_database(name)


@pytest.fixture
def changing(database: DatabaseSettings) -> Iterator[Served]:
    """A plant of this test's own."""
    with serving(database) as both:
        yield both


def _work(plant: FigurePlant) -> None:
    plant.run_steadily(SAW, 0, 8)
    plant.run_steadily(GRINDER, 0, 8, cycle_s=50)
    offset = 1e-4
    plant.write(SAW, "state", [(1.2 + n / 180 + offset, "ABORTED") for n in range(20)])
    plant.write(SAW, "state", [(1.2 + n / 180 + 2 * offset, "ABORTED") for n in range(20)])
    plant.write(GRINDER, "state", [(3.1 + n / 180 + offset, "HELD") for n in range(3)])
    plant.write(GRINDER, "scrap_count", [(5.0 + offset, 7.0)])
    plant.write(SAW, "order", [(0.5 + offset, "LSX-2"), (4.2 + offset, "LSX-2")])
    plant.report(8)
    _tell(plant)
    plant.compute(8)


def _tell(plant: FigurePlant) -> None:
    """Let an MES say two lots, two inspections and two targets."""
    run = {"work_unit": SAW, "order": "LSX-1", "product": "truc"}
    lots = {"L-0": (0.9, 1.25), "L-1": (2, 3)}
    said: dict[str, list[dict[str, Any]]] = {
        "order-runs": [
            run | {"lot": lot, "started_at": at(start).isoformat(), "ended_at": at(end).isoformat()}
            for lot, (start, end) in lots.items()
        ],
        "inspections": [
            {
                "site": SITE,
                "number": number,
                "work_unit": GRINDER,
                "product": "truc",
                "serial_number": number,
                "result": result,
                "inspected_at": at(1.5).isoformat(),
            }
            for number, result in (("S-1", "good"), ("S-2", "rework"))
        ],
        "oee-targets": [
            {"place": SITE, "planned_oee": 0.8},
            {"place": SAW, "planned_oee": 0.5, "valid_from": at(4).isoformat()},
        ],
    }
    for kind, documents in said.items():
        assert write(plant.database, kind, documents).committed


def ask(client: TestClient, path: str, **params: Any) -> dict[str, Any]:
    for name in ("start", "end"):
        if isinstance(params.get(name), datetime):
            params[name] = params[name].isoformat()
    answer = client.get(f"/api/v1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("place", [SAW, GRINDER, LINE, SITE])
@pytest.mark.parametrize("kind", ["hour", "shift"])
def test_figures_equal_the_stored_ones(served: Served, place: str, kind: str) -> None:
    plant, client = served
    found = ask(client, "kpi", place=place, start=at(0), end=at(8), by=kind)
    stored = plant.rows(
        "select r.* from oee_result r join place using (place_id)"
        " where path = %s and kind = %s order by window_start",
        (place, kind),
    )
    assert len(found["data"]) == len(stored) > 0
    for group, row in zip(found["data"], stored, strict=True):
        assert datetime.fromisoformat(group["group"]["start"]) == row["window_start"]
        for name in RATIOS:
            assert group["figures"][name]["value"] == pytest.approx(row[name], abs=1e-12)
            assert (group["figures"][name]["missing"] is None) == (row[name] is not None)
        assert group["times_ms"]["pbt_ms"] == row["pbt_ms"]
        assert group["quantities"]["good_quantity"] == row["good_quantity"]
        assert group["final"] == row["final"]


@pytest.mark.parametrize("by", ["hour", "shift", "day", "product", "order", "lot"])
def test_groups_add_up_to_the_whole_window(served: Served, by: str) -> None:
    _, client = served
    (whole,) = ask(client, "kpi", place=SAW, start=at(0), end=at(8))["data"]
    parts = ask(client, "kpi", place=SAW, start=at(0), end=at(8), by=by)["data"]
    for name, value in whole["times_ms"].items():
        assert sum(part["times_ms"][name] for part in parts) == value
    for name in ("produced_quantity", "good_quantity"):
        assert sum(part["quantities"][name] for part in parts) == whole["quantities"][name]
    assert sum(part["failure_events"] for part in parts) == whole["failure_events"] > 0


def test_orders_and_products_have_their_names(served: Served) -> None:
    _, client = served
    orders = ask(client, "kpi", place=SAW, start=at(0), end=at(8), by="order")["data"]
    assert {one["group"]["order"] for one in orders} >= {"LSX-1", "LSX-2"}
    (product,) = ask(client, "kpi", place=SAW, start=at(0), end=at(8), by="product")["data"]
    assert product["group"]["product"] == "truc"
    (day,) = ask(client, "kpi", place=SAW, start=at(0), end=at(8), by="day")["data"]
    assert day["group"]["day"] == "2026-03-03"


@pytest.mark.parametrize(
    ("by", "key"), [("order", "LSX-1"), ("order", "LSX-2"), ("product", "truc"), ("lot", "L-1")]
)
def test_one_order_product_or_lot_is_the_group_of_it(served: Served, by: str, key: str) -> None:
    _, client = served
    groups = ask(client, "kpi", place=SAW, start=at(0), end=at(8), by=by)["data"]
    (group,) = [one for one in groups if one["group"][by] == key]

    (alone,) = ask(client, "kpi", place=SAW, start=at(0), end=at(8), **{by: key})["data"]

    assert alone["figures"] == group["figures"]
    assert alone["times_ms"] == group["times_ms"]
    assert alone["quantities"] == group["quantities"]


CHOICES: list[dict[str, str]] = [{}, {"order": "LSX-1"}, {"order": "LSX-2"}, {"lot": "L-0"}]


@pytest.mark.parametrize("by", ["hour", "shift", "day", "product", "order", "lot"])
@pytest.mark.parametrize("chosen", CHOICES)
def test_groups_of_a_choice_add_up_to_it(served: Served, by: str, chosen: dict[str, str]) -> None:
    _, client = served
    asked = {"place": SAW, "start": at(0), "end": at(8)} | chosen
    (whole,) = ask(client, "kpi", **asked)["data"]
    parts = ask(client, "kpi", by=by, **asked)["data"]
    for name, value in whole["times_ms"].items():
        assert sum(part["times_ms"][name] for part in parts) == value
    assert sum(part["failure_events"] for part in parts) == whole["failure_events"]


@pytest.mark.parametrize("by", [None, "hour", "shift", "day", "product", "order", "lot"])
@pytest.mark.parametrize("chosen", CHOICES)
@pytest.mark.parametrize("start", [0, 1])
def test_failures_of_a_group_are_those_that_began_in_its_slices(
    served: Served, by: str | None, chosen: dict[str, str], start: float
) -> None:
    plant, client = served
    asked = {"place": SAW, "start": at(start), "end": at(8)} | chosen
    groups = ask(client, "kpi", **asked, **({"by": by} if by else {}))["data"]
    for group in groups:
        own = {"order": None, "lot": None} | chosen
        own |= {by: group["group"][by] or ""} if by in ("order", "lot") else {}
        ends = (group["start"], group["end"]) if by == "hour" else (at(start), at(8))
        (true,) = plant.rows(
            "with slice as ("
            " select b.* from base_sum b join place on place_id = work_unit_id"
            " where path = %(place)s and slice_start >= %(start)s and slice_end <= %(end)s"
            " and (%(order)s::text is null or coalesce(order_number, '') = %(order)s)"
            " and (%(lot)s::text is null or coalesce(lot_number, '') = %(lot)s)"
            "), failed as ("
            " select count(*) as began, max(start_time) as last from stop s join slice b"
            " on s.work_unit_id = b.work_unit_id and s.start_time >= slice_start"
            " and s.start_time < slice_end where stop_kind = 'breakdown'"
            ") select began, sum(extract(epoch from least(i.end_time, last) - i.start_time))"
            " filter (where i.element in ('production', 'setup')) as operated_s"
            " from failed, slice b join state_interval i on i.work_unit_id = b.work_unit_id"
            " and i.start_time >= slice_start and i.start_time < slice_end"
            " where last is null or i.start_time < last group by began",
            {"place": SAW, "start": ends[0], "end": ends[1], **own},
        )
        assert group["failure_events"] == true["began"]
        if true["began"]:
            operated_h = group["figures"]["mttf"]["value"] * true["began"]
            assert operated_h * 3600 == pytest.approx(float(true["operated_s"]), abs=1e-3)
    assert any(group["failure_events"] for group in groups) == (chosen != {"order": "LSX-2"})


def test_a_lot_has_the_hour_in_which_it_was_made(served: Served) -> None:
    _, client = served
    window = {"place": SAW, "start": at(0), "end": at(8)}
    (hour,) = ask(client, "oee", kind="hour", lot="L-1", **window)["data"]
    (stored,) = ask(client, "oee", kind="hour", place=SAW, start=at(2), end=at(3))["data"]

    assert hour.keys() == stored.keys()
    differing = {name for name in hour if hour[name] != stored[name]}
    assert differing <= {"as_of"}
    assert ask(client, "oee", kind="shift", lot="L-2", **window)["data"] == []
    assert ask(client, "losses", lot="L-1", **window)["data"][0]["pbt_ms"] == 3_600_000


def test_first_pass_yield_is_that_of_serial_numbers(served: Served) -> None:
    _, client = served
    for place, expected in ((GRINDER, 0.5), (LINE, 0.5), (SITE, 0.5), (SAW, None)):
        (group,) = ask(client, "kpi", place=place, start=at(0), end=at(8))["data"]
        figure = group["figures"]["first_pass_yield"]
        assert figure["value"] == expected
        assert figure["missing"] == (None if expected else "no_serial_numbers")
    (found,) = ask(client, "kpi", place=LINE, start=at(1), end=at(2))["data"]
    assert found["quantities"]["rework_found_parts"] == 1


def test_the_board_of_hours_counts_on_the_nearest_target(served: Served) -> None:
    _, client = served
    window = {"start": at(0), "end": at(8)}
    (board,) = ask(client, "boards/hours", place=SAW, lang="en", **window)["tables"]
    # 120 parts an hour at 30 s; half an hour of the fifth is a break.
    targets = [row["target"] for row in board["rows"]]
    assert targets == pytest.approx([96, 96, 96, 96, 30, 60, 60, 60])
    (line,) = ask(client, "boards/hours", place=LINE, lang="en", **window)["tables"]
    assert line["rows"][7]["target"] == pytest.approx(90 * 0.8)


def test_each_figure_has_a_value_or_a_reason(served: Served) -> None:
    _, client = served
    for place in (SAW, GRINDER, LINE, SITE, "dong-nai"):
        (group,) = ask(client, "kpi", place=place, start=at(0), end=at(8))["data"]
        assert len(group["figures"]) == 28
        for name, figure in group["figures"].items():
            assert (figure["value"] is None) == (figure["missing"] is not None), name


def test_a_failure_is_counted_and_repaired(served: Served) -> None:
    _, client = served
    (group,) = ask(client, "kpi", place=SAW, start=at(0), end=at(8))["data"]
    figures = group["figures"]
    assert figures["mtbf"]["value"] * group["failure_events"] == pytest.approx(
        (group["times_ms"]["apt_ms"] + group["times_ms"]["aust_ms"]) / 3_600_000
    )
    assert 0 < figures["mttf"]["value"] <= figures["mtbf"]["value"]
    assert figures["mttr"]["value"] > 0
    assert figures["corrective_maintenance_ratio"]["value"] == 1
    (other,) = ask(client, "kpi", place=GRINDER, start=at(0), end=at(8))["data"]
    assert other["figures"]["mtbf"]["missing"] == "no_failure"


COUNTED = ("produced_quantity", "good_quantity", "scrap_quantity", "pri_pq_ms", "pri_gq_ms")


def _add_up(client: TestClient, place: str, cuts: list[float]) -> dict[str, float]:
    """Return what the windows between moments count together."""
    found = dict.fromkeys(COUNTED, 0.0)
    for start, end in pairwise(cuts):
        answer = ask(client, "kpi", place=place, start=at(start), end=at(end))
        assert answer["meta"]["rounded"] is False
        assert datetime.fromisoformat(answer["meta"]["start"]) == at(start)
        for group in answer["data"]:
            for name in COUNTED:
                found[name] += group["quantities"][name] or 0.0
    return found


@pytest.mark.parametrize("place", [SAW, GRINDER, LINE])
@pytest.mark.parametrize(
    "cuts", [[4 / 60, 17 / 60], [0.25, 1, 2.5, 3.2], [0, 1 / 7, 1.9, 1.95, 5.0001, 8]]
)
def test_windows_add_up_however_they_cut_hours(
    served: Served, place: str, cuts: list[float]
) -> None:
    _, client = served
    whole = _add_up(client, place, [cuts[0], cuts[-1]])
    assert whole["good_quantity"] > 0
    assert _add_up(client, place, cuts) == pytest.approx(whole)
    minutes = [cuts[0] + n * (cuts[-1] - cuts[0]) / 13 for n in range(13)]
    assert _add_up(client, place, [*minutes, cuts[-1]]) == pytest.approx(whole)


def test_minutes_hold_what_the_counter_showed_in_them(served: Served) -> None:
    plant, client = served
    shown = plant.rows(
        "select source_time, value from measurement join tag using (tag_id)"
        " where name = 'cua/good_count' order by source_time"
    )
    increments = [
        (later["source_time"], later["value"] - before["value"])
        for before, later in pairwise(shown)
    ]
    for minute in range(60, 73):
        start, end = at(minute / 60), at((minute + 1) / 60)
        (group,) = ask(client, "kpi", place=SAW, start=start, end=end)["data"]
        made = sum(more for moment, more in increments if start <= moment < end)
        assert group["quantities"]["good_quantity"] == made
        assert group["times_ms"]["calendar_ms"] == 60_000


def test_a_window_finer_than_the_counts_says_how_fine_they_are(served: Served) -> None:
    _, client = served
    fine = ask(client, "kpi", place=SAW, start=at(1), end=at(1.001))
    assert fine["meta"]["known_to_s"] >= 60
    whole = ask(client, "kpi", place=SAW, start=at(1), end=at(1.5))
    assert whole["meta"]["known_to_s"] is None


def test_a_window_is_widened_when_it_cuts_what_is_not_counted_by_the_minute(
    changing: Served,
) -> None:
    plant, client = changing
    plant.connection.execute("truncate minute_sum")
    found = ask(client, "kpi", place=SAW, start=at(0.25), end=at(2.5))
    assert found["meta"]["rounded"] is True
    assert datetime.fromisoformat(found["meta"]["start"]) == at(0)
    assert datetime.fromisoformat(found["meta"]["end"]) == at(3)
    assert datetime.fromisoformat(found["meta"]["asked_start"]) == at(0.25)
    (exact,) = ask(client, "kpi", place=SAW, start=at(0), end=at(3))["data"]
    assert found["data"][0]["times_ms"] == exact["times_ms"]


def test_a_window_is_exact_when_nothing_was_counted_where_it_cuts(
    changing: Served,
) -> None:
    plant, client = changing
    # After the shift nothing is counted.
    end = at(8)
    found = ask(client, "kpi", place=SAW, start=at(-0.5), end=end)
    assert found["meta"]["rounded"] is False
    plant.connection.execute(
        "update base_sum set produced_quantity = 0, good_quantity = 0, scrap_quantity = 0,"
        " failure_events = 0 from place where place_id = work_unit_id and path = %s"
        " and slice_start = %s",
        (GRINDER, at(7)),
    )
    cut = ask(client, "kpi", place=GRINDER, start=at(7.25), end=at(7.5))
    assert cut["meta"]["rounded"] is False
    (group,) = cut["data"]
    assert group["times_ms"]["calendar_ms"] == 900_000
    assert group["times_ms"]["pbt_ms"] == 900_000
    plant.connection.execute(
        "insert into dirty_window (work_unit_id, hour, marked_at)"
        " select place_id, %s, now() from place where path = %s",
        (at(7), GRINDER),
    )
    plant.compute(8)


@pytest.mark.parametrize("place", [SAW, GRINDER, LINE, SITE])
@pytest.mark.parametrize("by", [None, "shift", "hour"])
def test_the_waterfall_leaves_nothing_unexplained(
    served: Served, place: str, by: str | None
) -> None:
    _, client = served
    params = {"place": place, "start": at(0), "end": at(8)} | ({"by": by} if by else {})
    groups = ask(client, "losses", **params)["data"]
    assert groups
    told = ask(client, "kpi", **params)["data"]
    assert [group["faults"] for group in groups] == [group["faults"] for group in told]
    assert any(group["faults"] for group in groups)
    for group in groups:
        assert group["rest_ms"] == pytest.approx(0, abs=1e-6)
        bars = {bar["name"]: bar["duration_ms"] for bar in group["losses"]}
        assert sum(bars.values()) == pytest.approx(group["calendar_ms"])
    (whole,) = ask(client, "losses", place=SAW, start=at(0), end=at(8))["data"]
    lost = {bar["name"]: bar["duration_ms"] for bar in whole["losses"]}
    assert lost["breakdown"] > 0
    assert lost["planned_downtime"] >= 0


def test_minor_stops_are_a_loss_of_their_own(served: Served) -> None:
    _, client = served
    (whole,) = ask(client, "losses", place=GRINDER, start=at(0), end=at(8))["data"]
    lost = {bar["name"]: bar["duration_ms"] for bar in whole["losses"]}
    assert lost["minor_stops"] > 0
    assert lost["breakdown"] == 0


def test_faults_come_with_what_mends_them(changing: Served) -> None:
    plant, client = changing
    plant.write(SAW, "state", [(6.5, "BẢO DƯỠNG")])
    plant.compute(8)
    found = ask(client, "faults", place=SITE, start=at(0), end=at(8))["data"]
    unmapped = next(one for one in found if one["fault"] == "unmapped_state")
    assert unmapped["place"] == SAW
    assert unmapped["detail"] == "BẢO DƯỠNG"
    assert "state map" in unmapped["fix_en"]
    assert "PackML" in unmapped["fix_vi"]
    break_work = [one for one in found if one["fault"] == "production_in_break"]
    assert {one["place"] for one in break_work} == {SAW, GRINDER}


def compute_all(plant: FigurePlant) -> None:
    """Let changed master data reach every hour."""
    plant.connection.execute(
        "insert into dirty_window (work_unit_id, hour, marked_at, cause)"
        " select distinct work_unit_id, hour, now(), 'master_data' from base_sum"
        " on conflict do nothing"
    )
    plant.compute(8)


def test_a_missing_calendar_and_run_time_are_faults_that_say_what_to_enter(
    changing: Served,
) -> None:
    plant, client = changing
    asked = {"place": SITE, "start": at(0), "end": at(8)}
    named = {"no_calendar", "no_planned_run_time"}
    assert named.isdisjoint(one["fault"] for one in ask(client, "faults", **asked)["data"])
    plant.connection.execute("delete from planned_run_time")
    plant.connection.execute("delete from shift_break")
    plant.connection.execute("delete from shift_pattern")
    compute_all(plant)
    found = ask(client, "faults", **asked)["data"]
    for fault, fix in (("no_calendar", "shift calendar"), ("no_planned_run_time", "run time")):
        own = [one for one in found if one["fault"] == fault]
        assert {one["place"] for one in own} == {SAW, GRINDER}, fault
        assert all(fix in one["fix_en"] and one["fix_vi"] for one in own), fault
    assert {one["detail"] for one in found if one["fault"] == "no_planned_run_time"} == {"truc"}


def test_a_faster_machine_than_planned_is_a_fault(
    changing: Served,
) -> None:
    plant, client = changing
    plant.connection.execute("update planned_run_time set seconds = 90 where seconds = 40")
    compute_all(plant)
    found = ask(client, "faults", place=LINE, start=at(0), end=at(8))["data"]
    fast = [one for one in found if one["fault"] == "effectiveness_above_1"]
    assert GRINDER in {one["place"] for one in fast}
    assert all("planned run time" in one["fix_en"] for one in fast)
    trail = ask(client, "restatements", place=SITE, start=at(0), end=at(8))["data"]
    assert "master_data" in {row["cause"] for row in trail}
    assert {"oee", "effectiveness"} <= {row["figure"] for row in trail}


def test_capability_is_of_the_values_asked_for(changing: Served) -> None:
    plant, client = changing
    plant.connection.execute(
        "insert into tag (site_id, work_unit_id, edge_id, name, value_type)"
        " select edge.site_id, place_id, edge_id, 'cua/d', 'number' from edge, place"
        " where path = %s on conflict do nothing",
        (SAW,),
    )
    plant.connection.execute(
        "insert into measurement select tag_id, %s + n * interval '1 second', now(),"
        " 10 + (n %% 5) * 0.01, 0 from tag, generate_series(1, 50) n where name = 'cua/d'",
        (at(2),),
    )
    asked = {"tag": f"{SITE}/cua/d", "start": at(2), "end": at(3)}
    found = ask(client, "capability", **asked, lower=9.9, upper=10.14)
    assert found["count"] == 50
    cpk = found["indices"]["cpk"]
    assert cpk["low"] < cpk["value"] < cpk["high"]
    assert found["indices"]["pp"]["value"] == pytest.approx(0.24 / 6 / found["spread_overall"])
    assert ask(client, "capability", **asked)["missing"]["cp"] == "no_limits"
    # What comes twice counts once.
    plant.connection.execute(
        "insert into measurement select m.* from measurement m join tag using (tag_id)"
        " where name = 'cua/d'"
    )
    assert ask(client, "capability", **asked, lower=9.9, upper=10.14) == found
    for wrong in ({"lower": 2, "upper": 1}, {"lower": "nan"}, {"upper": "inf"}):
        assert (
            client.get("/api/v1/capability", params={"tag": f"{SITE}/cua/d", **wrong}).status_code
            == 422
        ), wrong


def test_a_table_holds_the_stored_figures(served: Served) -> None:
    from api.http.wire import OeeTableOut

    _, client = served
    body = ask(client, "oee/table", place=SITE, kind="hour", start=at(0), end=at(8))
    assert set(body) == set(OeeTableOut.model_fields)
    assert body["places"] == [SAW, GRINDER]
    for row, place in enumerate(body["places"]):
        listed = ask(client, "oee", place=place, kind="hour", start=at(0), end=at(8))["data"]
        assert [window["start"] for window in body["windows"]] == [r["start"] for r in listed]
        for name in RATIOS:
            assert body["figures"][name][row] == [result[name] for result in listed]
        assert body["final"][row] == [result["final"] for result in listed]
        assert body["marked"][row] == [bool(result["faults"]) for result in listed]


def test_problems_are_told(served: Served) -> None:
    _, client = served
    for path in ("kpi", "losses", "restatements", "faults"):
        answer = client.get(f"/api/v1/{path}", params={"place": "dong-nai/nowhere"})
        assert answer.status_code == 404, path
        assert "nowhere" in answer.json()["detail"]
    long = {"place": SAW, "start": at(0).isoformat(), "by": "hour"}
    long["end"] = (at(0) + timedelta(days=94)).isoformat()
    assert client.get("/api/v1/kpi", params=long).status_code == 422
    assert client.get("/api/v1/kpi", params={"place": SAW, "by": "week"}).status_code == 422
    unknown = client.get("/api/v1/capability", params={"tag": f"{SITE}/cua/state"})
    assert unknown.status_code == 404


def test_boards_count_minor_stops_as_the_policy_of_the_site_says(changing: Served) -> None:
    plant, client = changing
    asked = {"place": GRINDER, "start": at(0), "end": at(8)}
    found: dict[str, float] = {}
    for held_in in ("availability", "effectiveness"):
        plant.connection.execute("update oee_policy set minor_stops_in = %s", (held_in,))
        (product, *_) = ask(client, "kpi", by="product", **asked)["data"]
        (row, *_) = ask(client, "boards/comparison", **asked)["tables"][1]["rows"]
        for name in ("availability", "effectiveness", "oee"):
            assert row[name] == pytest.approx(product["figures"][name]["value"]), held_in
        found[held_in] = row["availability"]
    assert found["effectiveness"] > found["availability"]


def test_minor_stops_are_told_by_the_threshold_of_the_machine(changing: Served) -> None:
    plant, client = changing
    asked = {"place": GRINDER, "start": at(0), "end": at(8)}

    def minor() -> tuple[float, float, bool]:
        (whole,) = ask(client, "losses", **asked)["data"]
        (loss,) = (bar for bar in whole["losses"] if bar["name"] == "minor_stops")
        rows = ask(client, "boards/losses", **asked)["tables"][0]["rows"]
        stops = ask(client, "stops", **asked)["data"]
        told = any(stop["minor"] for stop in stops)
        return loss["duration_ms"], sum(row["loss_minor_s"] for row in rows), told

    by_site = minor()
    plant.connection.execute("update oee_policy set minor_stop_threshold_s = 0")
    without = minor()
    plant.connection.execute(
        """update oee_policy set minor_stop_thresholds_s = '{"gia-cong/day-chuyen/mai": 300}'"""
    )

    assert by_site[0] > 0
    assert not any(without)
    assert minor() == by_site


def test_boards_and_kpi_agree_when_the_machine_that_paces_has_no_state(changing: Served) -> None:
    plant, client = changing
    asked = {"place": LINE, "start": at(0), "end": at(8)}
    (before, *_) = ask(client, "boards/comparison", **asked)["tables"][1]["rows"]
    assert before["oee"] is not None
    plant.without_tags(GRINDER, "state")
    (group, *_) = ask(client, "kpi", by="product", **asked)["data"]
    assert group["figures"]["availability"]["missing"] == "no_state"
    assert group["figures"]["oee"]["value"] is not None
    (row, *_) = ask(client, "boards/comparison", **asked)["tables"][1]["rows"]
    assert row["availability"] is None
    assert row["oee"] == pytest.approx(group["figures"]["oee"]["value"])
