"""Forms as data, who may move what, and inputs that come back as they were."""

import json
from datetime import timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from assessment.evidence import inputs
from assessment.evidence.decoding import inputs_of
from assessment.evidence.figure import canonical
from assessment.form import forms, problems_vi
from assessment.programme import KINDS, Actor, Office, Status, next_steps
from assessment.programme.desk import window_of_period
from assessment.programme.workflow import check_step
from plant.errors import DataError
from tests.plants.pilot_programme import filled_in


@pytest.mark.parametrize("form", ["phieu_khao_sat", "bien_ban_lua_chon", "de_xuat_nhan_rong"])
def test_a_form_that_is_filled_in_has_no_problems(form: str) -> None:
    answers = filled_in(form)
    assert problems_vi(forms()[form], answers) == ()
    required = [one for one in forms()[form].fields if one.required and one.is_filled_in]
    missing = problems_vi(forms()[form], {})
    assert len(missing) == len(required)


@pytest.mark.parametrize(
    ("code", "answer", "words"),
    [
        ("A02", "123", "10 chữ số"),
        ("A06", "12.5", "số nguyên"),
        ("E03", "1,234.5", "kiểu Việt Nam"),
        ("G01", "6", "từ 0 đến 5"),
        ("H03", "yes", "có hoặc không"),
        ("A03", "31/01/2020", "YYYY-MM-DD"),
        ("Z99", "x", "không có trong biểu mẫu"),
    ],
)
def test_a_wrong_answer_is_named(code: str, answer: str, words: str) -> None:
    found = problems_vi(forms()["phieu_khao_sat"], filled_in("phieu_khao_sat") | {code: answer})
    assert len(found) == 1
    assert code in found[0]
    assert words in found[0]


def test_every_step_belongs_to_one_office() -> None:
    offices = [Actor("x", office, "a" if "en" in office[:2] else None) for office in Office]
    for kind in KINDS.values():
        for status in Status:
            reached = [to for actor in offices for to in next_steps(kind, status, "a", actor)]
            assert len(reached) == len(set(reached)), (kind.code, status)


def test_nobody_moves_records_of_another_enterprise_or_back_without_a_reason() -> None:
    kind = KINDS["survey"]
    stranger = Actor("x", Office.ENTERPRISE, "b")
    officer = Actor("o", Office.OFFICER, None)
    assert next_steps(kind, Status.DRAFT, "a", stranger) == []
    with pytest.raises(DataError, match="không chuyển được"):
        check_step(kind, Status.DRAFT, "a", Status.CLOSED, officer, "x")
    with pytest.raises(DataError, match="lý do"):
        check_step(kind, Status.CONFIRMED, "a", Status.DRAFT, officer, "  ")


@pytest.mark.parametrize(
    "held",
    [
        inputs.Samples(1, None),
        inputs.Latencies((0.1, -3.5)),
        inputs.Connection((inputs.RegisteredMachine("m", "d"),), True, (), None, Fraction(4, 5)),
        inputs.Energy(Fraction(1, 3), None, 5, 1, 2),
        inputs.Checks((inputs.CheckedShift("ca", 1, 2, True),)),
    ],
)
def test_inputs_come_back_from_their_json(held: inputs.Inputs) -> None:
    assert inputs_of(json.loads(json.dumps(canonical(held)))) == held


@pytest.mark.parametrize(
    "content",
    [
        None,
        {"is": "Fraction"},
        {"is": "Samples"},
        {"is": "Samples", "received": "1", "expected": 2},
        {"is": "Samples", "received": True, "expected": 2},
    ],
)
def test_other_content_is_no_input(content: object) -> None:
    with pytest.raises(DataError):
        inputs_of(content)


@pytest.mark.parametrize(
    "period",
    ["2026-02-30_2026-03-01", "2026-03-01_2026-02-01", "2026-01-01_9999-12-31", "2026", "a_b"],
)
def test_a_period_that_is_none_is_refused(period: str) -> None:
    with pytest.raises(DataError) as caught:
        window_of_period(period, ZoneInfo("Asia/Ho_Chi_Minh"))
    assert caught.value.reason == "period_not_valid"


def test_a_period_has_both_its_days() -> None:
    window = window_of_period("2026-03-01_2026-03-01", ZoneInfo("Asia/Ho_Chi_Minh"))
    assert window.length == timedelta(days=1)
