from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.figures.pareto import with_shares
from api.pages.appearance import Category
from api.pages.cards import oee_card, polyline, present_and_last, state_card
from api.words.catalogue import CATALOGUES
from api.words.formatting import Formatter
from plant.calendar import Window
from store.reading.row import OeeRow, ParetoRow, StateRow, TrendRow

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=8), NOW)
F = Formatter(CATALOGUES["vi"], ZoneInfo("Asia/Ho_Chi_Minh"), NOW)


def current(_until: datetime) -> bool:
    return False


def result(**more: Any) -> OeeRow:
    values: dict[str, Any] = {
        "place": "p",
        "kind": "shift",
        "start": NOW - timedelta(hours=6.5),
        "end": NOW + timedelta(hours=1.5),
        "business_date": None,
        "shift": "Ca 1",
        "availability": 0.8,
        "effectiveness": 0.9,
        "quality_ratio": 0.975,
        "oee": 0.702,
        "coverage": 1.0,
        "availability_low": 0.8,
        "availability_high": 0.8,
        "missing": {},
        "faults": [],
        "pbt_ms": 1,
        "apt_ms": 1,
        "aust_ms": 0,
        "adet_ms": 0,
        "adot_ms": 0,
        "unknown_ms": 0,
        "produced_quantity": 10.0,
        "good_quantity": 9.0,
        "scrap_quantity": 1.0,
        "rework_quantity": None,
        "failure_events": 0,
        "energy_kwh": None,
        "run_time_coverage": 1.0,
        "policy_version": 1,
        "formula_version": "1",
        "as_of": NOW,
        "final": False,
    }
    return OeeRow(**(values | more))


def state(start: float, end: float, element: str, **more: str | None) -> StateRow:
    values: dict[str, Any] = {
        "state": None,
        "stop_kind": None,
        "stop_reason": None,
        "order": None,
        "product": None,
    }
    return StateRow(
        place="p",
        start=WINDOW.start + timedelta(hours=start),
        end=WINDOW.start + timedelta(hours=end),
        element=element,
        **(values | more),
    )


def test_a_missing_ratio_is_a_dash_with_its_reason() -> None:
    card = oee_card(
        result(
            quality_ratio=None,
            oee=0.0,
            missing={"quality_ratio": "nothing_produced"},
        ),
        F,
        "Ca hiện tại",
    )
    quality = card.factors[2]
    assert (quality.text, quality.reason, quality.fill) == (
        "—",
        "Chưa làm ra sản phẩm nào.",
        None,
    )
    # OEE of zero is a value, not a missing one.
    assert (card.oee.text, card.oee.reason) == ("0,0%", None)


def test_the_card_says_so_when_there_is_no_result() -> None:
    card = oee_card(None, F, "Ca trước")
    assert (card.oee.text, card.oee.reason) == ("—", "Chưa có kết quả cho ca này.")
    assert card.factors == ()
    assert not card.final


def test_bounds_are_shown_when_coverage_is_not_whole() -> None:
    assert oee_card(result(), F, "").bounds is None
    card = oee_card(result(coverage=0.9, availability_low=0.7, availability_high=0.78), F, "")
    assert card.bounds is not None
    assert "70,0% – 78,0%" in card.bounds


def test_only_the_bar_is_capped_when_effectiveness_is_above_one() -> None:
    card = oee_card(result(effectiveness=1.04, faults=["effectiveness_above_1"]), F, "")
    assert (card.factors[1].text, card.factors[1].fill) == ("104,0%", 100.0)
    assert card.faults[0].startswith("Hiệu suất trên 100%")


def test_a_fault_names_what_is_at_fault() -> None:
    card = oee_card(result(faults=["unmapped_state:FAUST"]), F, "")
    assert "FAUST" in card.faults[0]


def test_the_newest_shift_is_the_last_when_it_has_ended() -> None:
    running, over = result(), result(end=NOW)
    assert present_and_last([running, over], NOW) == (running, over)
    assert present_and_last([over, running], NOW) == (None, over)
    assert present_and_last([], NOW) == (None, None)


def test_a_state_lasts_since_it_began_when_only_the_order_changed() -> None:
    rows = [
        state(0, 4, "production", state="EXECUTE", order="1"),
        state(4, 6, "delay", stop_kind="held", order="1"),
        state(6, 7, "production", state="EXECUTE", order="1"),
        state(7, 8, "production", state="EXECUTE", order="2"),
    ]
    card = state_card(rows, WINDOW, F, {}, current)
    assert card.since == "từ 10:30 · 2 giờ 00 phút"
    assert "Lệnh 2" in card.detail
    assert sum(part.width for part in card.strip) == 100


def test_a_state_is_older_than_the_window_when_it_fills_it() -> None:
    card = state_card([state(0, 8, "down")], WINDOW, F, {}, current)
    assert "trước 04:30" in card.since


def test_a_stop_without_a_reason_is_unassigned() -> None:
    names = {"ket-dao": ("Kẹt dao", "Tool jammed")}
    nameless = state_card([state(7, 8, "delay", stop_kind="held")], WINDOW, F, names, current)
    named = state_card([state(7, 8, "delay", stop_reason="ket-dao")], WINDOW, F, names, current)
    assert nameless.detail == "Chưa phân loại"
    assert named.detail == "Kẹt dao"


def test_the_present_is_unknown_when_the_newest_state_is_old() -> None:
    card = state_card([state(0, 6, "production")], WINDOW, F, {}, lambda until: until < NOW)
    assert card.category is Category.UNKNOWN
    assert card.label == "Không rõ"
    assert card.since == "chỉ biết đến 10:30 · 2 giờ 00 phút trước"
    assert card.detail == "Lúc đó: Đang chạy"


def test_nothing_is_claimed_when_there_is_no_state() -> None:
    card = state_card([], WINDOW, F, {}, current)
    assert (card.label, card.detail) == ("Không rõ", "Không có dữ liệu.")


def test_a_course_fills_its_box() -> None:
    course = [
        TrendRow(1, WINDOW.start, 10.0),
        TrendRow(1, WINDOW.start + timedelta(hours=4), None),
        TrendRow(1, WINDOW.start + timedelta(hours=6), float("nan")),
        TrendRow(1, WINDOW.end, 30.0),
    ]
    assert polyline(course, WINDOW) == "0.0,38.0 200.0,2.0"
    assert polyline(course[:1], WINDOW) == ""


def test_shares_end_at_one_and_unassigned_is_always_there() -> None:
    bars = with_shares(
        [
            ParetoRow("ket-dao", "Kẹt dao", "Tool jammed", 75.0, 3),
            ParetoRow("la", None, None, 25.0, 1),
        ]
    )
    assert [bar.reason for bar in bars] == ["ket-dao", "la", "unassigned"]
    assert [bar.cumulative_share for bar in bars] == [0.75, 1.0, 1.0]
    assert bars[1].name_vi == "la"
    assert bars[2].name_en == "Unassigned"


def test_shares_are_undefined_when_nothing_stopped() -> None:
    assert [(bar.reason, bar.cumulative_share) for bar in with_shares([])] == [("unassigned", None)]
