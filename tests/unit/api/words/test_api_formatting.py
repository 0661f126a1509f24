from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from api.settings import Language
from api.words.catalogue import CATALOGUES
from api.words.formatting import Formatter

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)


def formatter(language: Language) -> Formatter:
    return Formatter(CATALOGUES[language], ZoneInfo("Asia/Ho_Chi_Minh"), NOW)


@pytest.mark.parametrize(
    ("language", "number", "percent"), [("vi", "1.234,50", "72,4%"), ("en", "1,234.50", "72.4%")]
)
def test_numbers_follow_the_language_when_written(
    language: Language, number: str, percent: str
) -> None:
    f = formatter(language)
    assert f.number(1234.5, 2) == number
    assert f.percent(0.7243) == percent


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_dash_is_written_when_there_is_no_value(value: float | None) -> None:
    f = formatter("vi")
    assert [f.number(value), f.percent(value), f.short(value), f.duration(value)] == ["—"] * 4


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0,000"), (0.01234, "0,012"), (71.25, "71,25"), (1234.5, "1.234"), (-5.5, "−5,500")],
)
def test_about_four_digits_are_written_when_a_process_value_is_shown(
    value: float, written: str
) -> None:
    assert formatter("vi").short(value) == written


def test_the_date_is_written_when_the_local_day_is_another() -> None:
    f = formatter("vi")
    # 23:00 UTC is six in the morning of the local next day, which is today's.
    assert f.clock(datetime(2026, 3, 1, 23, 0, tzinfo=UTC)) == "06:00"
    assert f.clock(datetime(2026, 3, 1, 16, 59, tzinfo=UTC)) == "23:59 01/03"
    assert f.clock(None) == "—"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 05 s"),
        (3599, "59 min"),
        (3600, "1 h 00 min"),
        (47 * 3600 + 59 * 60, "47 h 59 min"),
        (50 * 3600, "2 d 02 h"),
        (-3, "0 s"),
    ],
)
def test_two_units_are_written_when_a_duration_is_shown(seconds: float, written: str) -> None:
    assert formatter("en").duration(seconds) == written


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert formatter("vi").number(-0.4) == "0"
    assert formatter("vi").number(-0.6) == "−1"
