"""The metrics E01 to E18: figures by hand, what is missing, what they never say."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import cast

import numpy as np
import pytest

from assessment.evidence import METRICS, Evidence, Window, evidence
from assessment.evidence import inputs as given
from assessment.framework import CriteriaSet, shipped
from assessment.scoring import DataQuality
from plant.errors import DataError

WINDOW = Window(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 29, tzinfo=UTC))
GOOD = DataQuality(timedelta(days=28), Fraction(95, 100), timedelta(seconds=1))
HOUR = timedelta(hours=1)
MACHINES = (("m1", "Dập"), ("m2", "Dập"), ("m3", "Tiện"), ("m4", "Sơn"))


def figure(code: str, held: given.Inputs | None) -> Evidence:
    return evidence(code, WINDOW, held, GOOD, generator=np.random.default_rng(7))


def part(found: Evidence, label: str) -> object:
    return next(one.value for one in found.outcome.parts if one.label_vi == label)


def connection(good: dict[str, int], *, shares: bool = False, sure: bool = True) -> Evidence:
    held = given.Connection(
        tuple(given.RegisteredMachine(*machine) for machine in MACHINES),
        sure,
        tuple(given.MachineDays(name, 20, days) for name, days in good.items()),
        shares,
    )
    return figure("E01", held)


def test_every_metric_is_there_with_what_it_cannot_show() -> None:
    framework = shipped("DBI-SME-1970")
    assert isinstance(framework, CriteriaSet)

    assert list(METRICS) == [f"E{number:02}" for number in range(1, 19)]
    for metric in METRICS.values():
        assert metric.can_show_vi.endswith(".")
        assert metric.cannot_show_vi.endswith(".")
        for criterion in metric.criteria:
            assert framework.criterion(criterion).telemetry != "none"


@pytest.mark.parametrize("code", METRICS)
def test_without_its_input_a_metric_says_that_data_are_lacking(code: str) -> None:
    found = evidence(code, WINDOW, None, GOOD, missing_vi="chưa nối MES")

    assert found.outcome.value is None
    assert found.shown_vi == "Chưa đủ dữ liệu: chưa nối MES"
    assert found.outcome.levels == ()
    assert found.limits_vi


@pytest.mark.parametrize(
    ("good", "shares", "value", "level"),
    [
        ({"m1": 15}, False, Fraction(0), 0),
        ({"m1": 16}, False, Fraction(1, 4), 1),
        ({"m1": 20, "m3": 20}, False, Fraction(1, 2), 1),
        ({"m1": 20, "m3": 20}, True, Fraction(1, 2), 2),
        ({"m1": 20, "m3": 20, "m4": 20}, True, Fraction(3, 4), 2),
        ({"m1": 20, "m2": 20, "m3": 20, "m4": 16}, True, Fraction(1), 3),
        ({"m1": 20, "m2": 20, "m3": 20, "m4": 16}, False, Fraction(1), 1),
        ({"other": 20}, True, Fraction(0), 0),
    ],
)
def test_machines_connected(
    good: dict[str, int], shares: bool, value: Fraction, level: int
) -> None:
    found = connection(good, shares=shares)

    assert found.outcome.value == value
    assert found.metric_level("3.2.9") == level
    assert part(found, "Máy trong danh mục (R)") == 4


def test_without_a_confirmed_register_there_is_no_share() -> None:
    assert "chưa được doanh nghiệp xác nhận" in connection({"m1": 20}, sure=False).shown_vi
    assert figure("E01", given.Connection((), True, (), None)).shown_vi.endswith("danh mục máy")


@pytest.mark.parametrize(
    ("code", "held", "shown"),
    [
        ("E02", given.Samples(950, 1000), "95,0 %"),
        ("E03", given.Latencies((1.0, 2.0, 3.0, 4.0)), "2,0 giây"),
        ("E04", given.Collection((given.DepartmentRecords("Dập", 3, 1),), None), "75,0 %"),
        ("E05", given.Orders(3 * HOUR, 4 * HOUR, None), "75,0 %"),
        ("E07", given.Stops(HOUR, 3 * HOUR), "33,3 %"),
        ("E09", given.Traces((given.ProductTrace("A", 5, 10),)), "50,0 %"),
        ("E11", given.Alarms(4, 3, None, None), "75,0 %"),
        ("E12", given.Use((given.DepartmentUse("Dập", 3, 9),), 1, None), "3 người"),
        ("E13", given.Decisions(1, 4), "25,0 %"),
        ("E14", given.Energy(Fraction(12345), Fraction(1), 5, 1, 2), "12.345,0 kWh"),
        ("E15", given.Security(1, 2), "50,0 %"),
        ("E16", given.TagCatalogue(9, 8, 10), "90,0 %"),
        ("E17", given.Quality(1, 8), "12,5 %"),
    ],
)
def test_figures_by_hand(code: str, held: given.Inputs, shown: str) -> None:
    assert figure(code, held).shown_vi == shown


@pytest.mark.parametrize(
    ("code", "held", "words"),
    [
        ("E02", given.Samples(0, 0), "bằng 0 trong kỳ"),
        ("E02", given.Samples(11, 10), "tử số lớn hơn"),
        ("E02", given.Samples(-1, 10), "giá trị âm"),
        ("E02", given.Samples(None, 10), "chưa có tử số"),
        ("E03", given.Latencies(()), "không có mẫu nào"),
        ("E03", given.Latencies((float("nan"),)), "không phải số"),
        ("E05", given.Orders(HOUR, None, None), "chưa có thời gian chạy"),
        ("E08", given.Automation(()), "chưa có máy nào báo chế độ"),
        ("E09", given.Traces((given.ProductTrace("A", 5, 1),)), "lớn hơn số lượng sản xuất"),
        ("E10", given.Checks((given.CheckedShift("ca 1", 1, 1, False),)), "doanh nghiệp ký"),
        ("E14", given.Energy(None, None, None, None, None), "chưa có công tơ"),
    ],
)
def test_what_cannot_be_computed_has_its_reason(code: str, held: given.Inputs, words: str) -> None:
    found = figure(code, held)

    assert found.outcome.value is None
    assert words in found.shown_vi


def test_differences_of_shifts_do_not_cancel_each_other() -> None:
    shifts = (
        given.CheckedShift("ca 1", 90, 100, True),
        given.CheckedShift("ca 2", 110, 100, True),
        given.CheckedShift("ca 3", 0, 100, False),
    )
    found = figure("E10", given.Checks(shifts))

    assert found.outcome.value == Fraction(1, 10)
    assert part(found, "Ca chưa ký, không tính") == 1


def test_oee_is_the_product_and_lacks_what_a_factor_lacks() -> None:
    held = given.OeeFigure(
        Fraction(9, 10), Fraction(8, 10), Fraction(1, 2), "oee/3", None, (), HOUR, 2 * HOUR
    )
    assert figure("E06", held).outcome.value == Fraction(36, 100)
    assert "không phải là mức trưởng thành" in figure("E06", held).limits_vi
    lacking = dataclasses.replace(held, quality_ratio=None, lacking_vi="không đếm phế phẩm")
    assert figure("E06", lacking).shown_vi == "Chưa đủ dữ liệu: không đếm phế phẩm"


def test_automation_of_departments() -> None:
    held = given.Automation(
        (
            given.DepartmentAutomation("Dập", 3 * HOUR, 4 * HOUR, 2, 400, HOUR),
            given.DepartmentAutomation("Hàn", HOUR, 4 * HOUR, None, None, HOUR),
        )
    )
    found = figure("E08", held)

    assert found.outcome.value == Fraction(1, 2)
    assert (found.metric_level("3.2.11"), found.metric_level("3.2.12")) == (1, 2)
    assert part(found, "Can thiệp trên 100 chu kỳ") == Fraction(1, 2)


def test_below_the_gate_the_value_is_not_shown() -> None:
    short = dataclasses.replace(GOOD, completeness=Fraction(1, 2))
    found = evidence("E02", WINDOW, given.Samples(1, 2), short)

    assert found.shown_vi == "Chưa đủ dữ liệu: độ đầy đủ 50 %, cần ≥ 90 % giờ kế hoạch"


def test_the_hash_tells_inputs_windows_and_metrics_apart() -> None:
    base = figure("E02", given.Samples(1, 2)).inputs_hash
    later = Window(WINDOW.start, WINDOW.end + HOUR)

    assert base == figure("E02", given.Samples(1, 2)).inputs_hash
    assert base != figure("E02", given.Samples(1, 3)).inputs_hash
    assert base != evidence("E02", later, given.Samples(1, 2), GOOD).inputs_hash
    assert base != figure("E13", given.Decisions(1, 2)).inputs_hash


def test_a_metric_takes_its_own_input() -> None:
    with pytest.raises(DataError, match="E02 cần Samples, nhận Stops"):
        figure("E02", given.Stops(HOUR, HOUR))
    with pytest.raises(DataError, match="unknown_metric"):
        figure("E19", None)
    with pytest.raises(DataError, match="múi giờ"):
        Window(datetime(2026, 9, 1), datetime(2026, 9, 2))  # noqa: DTZ001 - that it is refused


# --- E18 ---


def side(
    start: date, level: float, days: int = 28, volumes: tuple[tuple[str, int], ...] = (("A", 10),)
) -> given.PilotPeriod:
    values = tuple(
        given.DayValue(start + timedelta(days=day), level + (day % 7) + shift / 10)
        for day in range(days)
        for shift in range(3)
    )
    return given.PilotPeriod(values, frozenset({"m1"}), volumes)


COMPARED = given.BeforeAfter(
    "Thời gian dừng", "phút", "stops/2", side(date(2026, 5, 1), 60), side(date(2026, 8, 1), 40)
)


def compared(held: given.BeforeAfter, seed: int = 7) -> Evidence:
    return evidence("E18", WINDOW, held, GOOD, generator=np.random.default_rng(seed))


def test_a_change_coincides_and_has_an_interval() -> None:
    found = compared(COMPARED)
    sentence = found.outcome.notes_vi[0]
    low, high = (cast("float", part(found, f"Cận {one} 95 %")) for one in ("dưới", "trên"))

    assert found.outcome.value == pytest.approx(-20)
    assert low < -20 < high < 0
    assert "trùng thời điểm với thí điểm; không có nhóm đối chứng" in sentence
    assert " do " not in " ".join(found.outcome.notes_vi)


def test_the_same_generator_gives_the_same_figure() -> None:
    assert compared(COMPARED) == compared(COMPARED)
    assert compared(COMPARED).inputs_hash != compared(COMPARED, seed=8).inputs_hash


def test_days_stay_together() -> None:
    # Were values drawn instead of days, 60 values a day would make the interval far narrower.
    def sure(copies: int) -> float:
        sides = [
            dataclasses.replace(one, values=one.values * copies)
            for one in (COMPARED.before, COMPARED.after)
        ]
        held = dataclasses.replace(COMPARED, before=sides[0], after=sides[1])
        found = compared(held)
        return cast("float", part(found, "Cận trên 95 %")) - cast(
            "float", part(found, "Cận dưới 95 %")
        )

    assert sure(20) == pytest.approx(sure(1), rel=0.2)


def test_no_difference_is_said_to_be_none() -> None:
    held = dataclasses.replace(COMPARED, after=side(date(2026, 8, 1), 60))

    assert "Khoảng tin cậy chứa 0: chưa thấy thay đổi rõ." in compared(held).outcome.notes_vi


def test_another_mix_of_products_is_told() -> None:
    other = side(date(2026, 8, 1), 40, volumes=(("A", 5), ("B", 5)))
    found = compared(dataclasses.replace(COMPARED, after=other))

    assert part(found, "Tỷ trọng B, kỳ sau") == Fraction(1, 2)
    assert any("Cơ cấu sản phẩm hai kỳ khác nhau (50,0 %" in one for one in found.outcome.notes_vi)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"before": side(date(2026, 5, 1), 60, days=27)}, "kỳ nền: 27 ngày, cần ≥ 28 ngày"),
        ({"after": given.PilotPeriod((), frozenset({"m1"}), ())}, "kỳ sau: không có số liệu"),
        ({"after": side(date(2026, 5, 20), 40)}, "chồng nhau"),
        (
            {"after": dataclasses.replace(COMPARED.after, machines=frozenset({"m1", "m2"}))},
            "không cùng máy: 1 máy khác nhau",
        ),
        (
            {"after": dataclasses.replace(COMPARED.after, values=COMPARED.after.values[::9])},
            "trong 28 ngày có số liệu",
        ),
    ],
)
def test_what_cannot_be_compared_is_not(changed: dict[str, object], words: str) -> None:
    held = dataclasses.replace(COMPARED, **changed)  # type: ignore[arg-type] # sides, by name

    assert words in compared(held).shown_vi
