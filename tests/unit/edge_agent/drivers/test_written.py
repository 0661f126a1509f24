"""Numbers and times as devices and people write them."""

from zoneinfo import ZoneInfo

import pytest

from edge_agent.drivers.moment import checked_format, moment_us
from edge_agent.drivers.written import Decimal, number_written
from plant.clock import from_microseconds

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
SIX = "2026-03-02T06:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7), ("-7", -7), ("+7.50", 7.5), ("−7", -7), (".5", 0.5), ("5.", 5.0), ("007", 7),
        ("1e3", 1000.0), ("1.5E-3", 0.0015), (" 23.5\t", 23.5), ("23,5", 23.5), ("0,500", 0.5),
        ("-0,125", -0.125), ("1234,5", 1234.5), ("1,2345", 1.2345), ("1.234", 1.234),
        ("1.234,5", 1234.5), ("1,234.5", 1234.5), ("1.234.567", 1234567), ("1,234,567", 1234567),
        ("1 234 567,8", 1234567.8), ("1\u00a0234", 1234), ("1'234.5", 1234.5),
        ("23.5 °C", 23.5), ("23.5°C", 23.5), ("12kW", 12), ("12 kW", 12), ("55 %", 55),
        ("3,2 m/s", 3.2), ("7 m³", 7), ("230 V", 230), ("1.5 kWh", 1.5), ("5 µm", 5),
        ("on", 1), ("OFF", 0), ("True", 1), ("no", 0), ("18446744073709551615", 2**64 - 1),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_written(text: str, number: float) -> None:
    read = number_written(text)
    assert (read, type(read)) == (number, type(number))


@pytest.mark.parametrize(
    "text",
    ["1_000", "1,234", "12:30", "7 of 9", "0x1F", "1.2.3", "1,2,3", "1.234,5.6", "12-13", "５",
     "2026-03-02", "192.168.1.5", "hỏng", "1e", "--5", "inf", "Infinity", "1e999", "5 " + "x" * 99],
)  # fmt: skip
def test_what_is_no_number_or_may_be_two_stays_text(text: str) -> None:
    assert number_written(text) == text


@pytest.mark.parametrize("text", ["", " ", "NaN", "null", "N/A", "-", "---", "None"])
def test_no_value_is_none(text: str) -> None:
    assert number_written(text) is None


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1,234", "comma", 1.234),
        ("1,234", "point", 1234),
        ("1.234", "comma", 1234),
        ("1.5", "comma", "1.5"),
        ("1,5", "point", "1,5"),
        ("1,234.5", "point", 1234.5),
    ],
)
def test_a_setting_says_which_separator_is_the_decimal_one(
    text: str, decimal: Decimal, number: object
) -> None:
    assert number_written(text, None, decimal) == number


def test_the_words_of_a_tag_come_first() -> None:
    words = {"CHẠY": 1.0, "dừng": 0.0, "on": 5.0}
    assert [number_written(text, words) for text in ("chạy", "DỪNG", "ON", "off")] == [1, 0, 5, 0]


@pytest.mark.parametrize(
    ("raw", "layout", "iso"),
    [
        ("2026-03-02T06:00:00Z", "auto", SIX),
        ("2026-03-02 13:00:00", "auto", SIX),
        ("2026-03-02T06:00:00.123456789Z", "iso8601", "2026-03-02T06:00:00.123456+00:00"),
        (1772431200, "auto", SIX),
        ("1772431200", "auto", SIX),
        (1772431200.5, "auto", "2026-03-02T06:00:00.500000+00:00"),
        (1772431200000, "epoch", SIX),
        (1772431200000000, "auto", SIX),
        (1772431200000000000, "auto", SIX),
        ("1772431200000", "ms", SIX),
        ("02/03/2026 13:00:00", "%d/%m/%Y %H:%M:%S", SIX),
    ],
)
def test_a_time_is_read_as_it_is_written(raw: object, layout: str, iso: str) -> None:
    assert from_microseconds(moment_us(raw, layout, VIETNAM)).isoformat() == iso


@pytest.mark.parametrize(
    ("raw", "layout"),
    [
        (1772431200, "ms"), (1772431200000, "s"), (1772431200000000, "ms"), (0, "auto"), (-1, "s"),
        ("02/03/2026 13:00:00", "auto"), ("31/02/2026", "%d/%m/%Y"), (True, "auto"), (None, "auto"),
        ("0001-01-01T00:00:00", "auto"), ("1601-01-01T00:00:00Z", "iso8601"), (1e300, "auto"),
        (float("nan"), "s"), ("soon", "epoch"), ([], "auto"), (10**400, "ns"),
    ],
)  # fmt: skip
def test_what_is_no_time_of_this_century_is_refused(raw: object, layout: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment_us(raw, layout, VIETNAM)


def test_a_format_that_is_none_is_refused() -> None:
    assert checked_format("%d.%m.%y") == "%d.%m.%y"
    with pytest.raises(ValueError, match="no format of times"):
        checked_format("dd/mm/yyyy")
