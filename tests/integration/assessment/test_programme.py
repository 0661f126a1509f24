"""A programme's records through HTTP: the way through the offices, and what nobody may do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from assessment.evidence import METRICS
from store import connect
from store.assessment.record import PilotStore
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.pilot_programme import PERIOD, Walk, all_points, filled_in, walk_of
from tests.plants.two_enterprises import FOREIGN, OWN, OWN_MACHINE, Town, prepared


@pytest.fixture
def town(timescale_server: PostgresServer) -> Iterator[Town]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        yield town
        town.close()


@pytest.fixture
def walk(town: Town) -> Walk:
    walk = walk_of(town)
    walk.begin()
    return walk


def content_of(walk: Walk, record: int) -> dict[str, object]:
    with PilotStore(walk.town.owner).transaction() as t:
        row = t.record(record)
        assert row is not None
        found: dict[str, object] = json.loads(row.content)
        return found


@pytest.mark.vital
def test_a_survey_goes_its_way_through_the_offices(walk: Walk) -> None:
    record = walk.open(walk.engineer, "survey", "lần-1", OWN)

    incomplete = walk.step(walk.manager, record, "confirmed", expect=422)
    walk.post(walk.engineer, f"/programme/record/{record}/values", **filled_in("phieu_khao_sat"))
    walk.step(walk.engineer, record, "confirmed", expect=422)
    walk.step(walk.manager, record, "confirmed")
    walk.step(walk.officer, record, "draft", expect=422)
    walk.step(walk.officer, record, "draft", say="thiếu sản lượng")
    walk.step(walk.manager, record, "confirmed")
    walk.step(walk.officer, record, "reviewed")
    walk.step(walk.officer, record, "closed", expect=422)
    walk.step(walk.approver, record, "closed")
    page = walk.officer.get(f"/programme/record/{record}").text

    assert "chưa điền" in incomplete.text
    assert "thiếu sản lượng" in page
    assert page.count("Phòng QLCN thẩm tra") >= 2
    assert "Dấu vết thay đổi ngoài quy trình" not in page


def test_evidence_proposes_and_people_confirm(walk: Walk) -> None:
    walk.register()
    record = walk.assessment("confirmed")
    page = walk.officer.get(f"/programme/record/{record}").text
    figure = walk.officer.get(f"/programme/record/{record}/figure/E06")

    walk.post(
        walk.officer,
        f"/programme/record/{record}/level",
        criterion="3.2.9",
        level="1",
        comment="đã xem",
    )
    refused = walk.post(
        walk.officer, f"/programme/record/{record}/level", expect=422, criterion="3.2.9", level="9"
    )
    after = walk.officer.get(f"/programme/record/{record}").text

    assert all(f"/programme/record/{record}/figure/{code}" in page for code in ("E01", "E06"))
    # A day is below the gate of four weeks: no level, and the reason.
    assert "Chưa đủ dữ liệu: kỳ đo 1 ngày, cần ≥ 28 ngày." in page
    assert figure.status_code == 200
    assert "OEE cao không phải là mức trưởng thành" in figure.text
    assert "ngoài 0..5" in refused.text
    assert "Tiêu chí 3.2.9: tự đánh giá mức 3, xác nhận mức 1." in after
    assert set(content_of(walk, record)["evidence"]) == set(METRICS)  # type: ignore[call-overload]  # JSON


def test_the_proposal_shows_what_a_machine_costs_and_a_budget_that_is_none_stops_it(
    walk: Walk,
) -> None:
    walk.register()
    record = walk.open(walk.officer, "replication", "2026")
    values = f"/programme/record/{record}/values"
    said = filled_in("de_xuat_nhan_rong")
    walk.post(walk.officer, values, **said | {"R06": "Cổng kết nối | chín | ngân sách"})
    refused = walk.step(walk.officer, record, "reviewed", expect=422)
    assert "R06 dòng 1" in refused.text

    walk.post(walk.officer, values, **said | {"R06": "Cổng kết nối | 96,5 | ngân sách"})
    page = walk.officer.get(f"/programme/record/{record}").text
    assert "Trên một máy đã kết nối: 96.500.000 đồng (1 máy" in page
    walk.step(walk.officer, record, "reviewed")


def test_a_monthly_sheet_is_filled_in_from_figures_and_keeps_what_people_wrote(walk: Walk) -> None:
    walk.register()
    record = walk.open(walk.engineer, "monthly", "202603", OWN)
    fill = f"/programme/record/{record}/evidence"
    walk.post(walk.engineer, fill)
    values = content_of(walk, record)["values"]
    assert isinstance(values, dict)
    assert values["M01"] == "202603 từ 2026-02-15 đến 2026-03-14"
    assert values["M03"].endswith(" / 2 máy [E01]")
    assert "Lũy kế từ đầu năm | " in values["M06"]
    assert "ước" not in values["M06"].lower()

    walk.post(walk.engineer, f"/programme/record/{record}/values", **values | {"M08": "theo sổ"})
    walk.post(walk.engineer, fill)
    kept = content_of(walk, record)["values"]
    assert isinstance(kept, dict)
    assert (kept["M08"], kept["M06"]) == ("theo sổ", values["M06"])
    # A draft stays in the house, and of a month that has not begun nothing is filled in.
    walk.post(walk.officer, fill, expect=404)
    ahead = walk.open(walk.engineer, "monthly", "209903", OWN)
    refused = walk.post(walk.engineer, f"/programme/record/{ahead}/evidence", expect=422)
    assert "chưa có ngày trọn vẹn" in refused.text


def test_drafts_stay_in_the_house_and_machines_for_ever(walk: Walk) -> None:
    register = walk.open(walk.engineer, "register", "lần-1", OWN)
    assert walk.officer.get(f"/programme/record/{register}").status_code == 404
    machines = f"M1 | Máy cưa số một | Gia công | Hãng | S1 | 2019 | {OWN_MACHINE}"
    walk.post(walk.engineer, f"/programme/record/{register}/machines", machines=machines)
    walk.through(register)
    seen = walk.officer.get(f"/programme/record/{register}").text
    own = walk.manager.get(f"/programme/record/{register}").text

    assert "Máy cưa số một" in own
    assert "Gia công" in seen
    assert "Máy cưa số một" not in seen
    assert OWN_MACHINE not in seen


def test_an_enterprise_neither_sees_nor_moves_records_of_another(walk: Walk) -> None:
    register = walk.register()
    foreign = walk.engineer.post(
        "/programme/records", data={"kind": "survey", "period": "lần-1", "place": FOREIGN}
    )
    machine = walk.open(walk.engineer, "register", "lần-2", OWN)
    refused = walk.engineer.post(
        f"/programme/record/{machine}/machines",
        data={"machines": "M1 | Máy | Bộ phận | | | | co-khi-thu/x/y/z/t"},
    )

    assert foreign.status_code == 404
    assert refused.status_code == 422
    assert "máy không thuộc doanh nghiệp này" in refused.text
    assert walk.engineer.get(f"/programme/enterprise/{FOREIGN}").status_code == 404
    assert register


def test_closed_records_never_change_and_corrections_supersede(walk: Walk) -> None:
    walk.register()
    record = walk.assessment()
    walk.post(walk.engineer, f"/programme/record/{record}/points", expect=422, **all_points(4))
    walk.post(walk.engineer, f"/programme/record/{record}/evidence", expect=422)
    before = content_of(walk, record)

    later = walk.open(walk.engineer, "assessment", PERIOD, OWN)
    twice = walk.engineer.post(
        "/programme/records", data={"kind": "assessment", "period": PERIOD, "place": OWN}
    )
    page = walk.engineer.get(f"/programme/record/{later}").text

    assert content_of(walk, record) == before
    assert twice.status_code == 422
    assert "thay cho bản trước" in page
    assert "confirmed" not in content_of(walk, later)
    with connect(walk.town.owner, autocommit=True) as connection:
        for statement in (
            f"update pilot_record set content = '{{}}' where record_id = {record}",
            f"delete from pilot_record where record_id = {record}",
            f"update pilot_evidence set content = '{{}}' where record_id = {record}",
            f"delete from pilot_step where record_id = {record}",
        ):
            with pytest.raises(Exception, match=r"never|only"):
                connection.execute(statement.encode())


def test_what_was_changed_past_the_rules_is_named(walk: Walk) -> None:
    walk.register()
    record = walk.assessment()
    with connect(walk.town.owner, autocommit=True) as connection:
        # As an administrator of the database might.
        connection.execute("alter table pilot_evidence disable trigger user")
        connection.execute(
            "update pilot_evidence set content = content || ' '"
            " where record_id = %s and metric_code = 'E01'",
            (record,),
        )
    page = walk.officer.get(f"/programme/record/{record}").text

    assert f"hồ sơ {record}, số đo E01: bị thay đổi" in page


def test_what_is_written_wrongly_is_said_and_breaks_no_page(walk: Walk) -> None:
    for kind, period in (
        ("assessment", "2026-13-01_2026-13-28"),
        ("assessment", "2026-03-28_2026-03-01"),
        ("assessment", "2020-01-01_2026-03-01"),
        ("monthly", "202613"),
        ("nonsense", "lần-1"),
        ("final", "2026"),
    ):
        data = {"kind": kind, "period": period, "place": OWN}
        assert walk.engineer.post("/programme/records", data=data).status_code == 422, (
            kind,
            period,
        )
    walk.register()
    journal = walk.open(walk.engineer, "journal", "202603", OWN)
    values: dict[str, Any] = {"decisions": "mười", "checks": "ca 1 | 100 | 99 | đã ký"}
    walk.post(walk.engineer, f"/programme/record/{journal}/values", **values)
    walk.step(walk.manager, journal, "confirmed")
    record = walk.open(walk.engineer, "assessment", PERIOD, OWN)
    answer = walk.post(walk.engineer, f"/programme/record/{record}/evidence", expect=422)
    assert "phải là số nguyên" in answer.text
