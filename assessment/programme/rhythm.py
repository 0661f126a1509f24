"""The department's rhythm: periods that end on the 14th, due dates, estimates apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from plant.errors import DataError


class Cadence(StrEnum):
    """How often something is due."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF = "half"
    YEAR = "year"


CADENCE_VI: Final = {
    Cadence.MONTH: "tháng",
    Cadence.QUARTER: "quý",
    Cadence.HALF: "6 tháng",
    Cadence.YEAR: "năm",
}


@dataclass(frozen=True, slots=True)
class RhythmSettings:
    """Days of the department's calendar."""

    cut_off_day: int = 14
    """A period ends on this day of its last month, the day included."""
    due_day: int = 10
    """Results are due before this day of the period's last month."""
    draft_before_days: int = 15
    reminders_before_days: tuple[int, ...] = (7, 3, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """A period of reporting; both days are included."""

    code: str
    """`YYYYMM`, `YYYYQ`, `YYYY6` with a half's last month, or `YYYY`."""
    cadence: Cadence
    first: date
    last: date
    due: date

    @property
    def is_open_when_due(self) -> bool:
        """Whether the period still runs on the day that its results are due."""
        return self.due <= self.last


@dataclass(frozen=True, slots=True)
class Deadline:
    """What is due, how many days are left, and whether it is a day to be reminded of it."""

    what_vi: str
    period: Period
    days_left: int
    draft_is_open: bool
    remind: bool
    frozen: bool


_USUAL: Final = RhythmSettings()
_MONTHS: Final = {Cadence.MONTH: 1, Cadence.QUARTER: 3, Cadence.HALF: 6, Cadence.YEAR: 12}


def period_of(cadence: Cadence, day: date, settings: RhythmSettings = _USUAL) -> Period:
    """Return the period that a day lies in: a year from 15/12 to 14/12, a quarter likewise."""
    # The month that a day counts to: from the day after the cut-off on, the next one.
    month = day.year * 12 + day.month - 1 + (day.day > settings.cut_off_day)
    length = _MONTHS[cadence]
    last_month = month - month % length + length - 1
    last = _on(last_month, settings.cut_off_day)
    first = _on(last_month - length, settings.cut_off_day) + timedelta(days=1)
    year, index = divmod(last_month, 12)
    code = {
        Cadence.MONTH: f"{year}{index + 1:02}",
        Cadence.QUARTER: f"{year}{index // 3 + 1}",
        Cadence.HALF: f"{year}H{index // 6 + 1}",
        Cadence.YEAR: f"{year}",
    }[cadence]
    return Period(code, cadence, first, last, _on(last_month, settings.due_day))


def period_named(code: str, settings: RhythmSettings = _USUAL) -> Period:
    """Return the period of a code `YYYYMM`, `YYYYQ` or `YYYY`.

    Raises:
        DataError: It is none.
    """
    cadence = {6: Cadence.MONTH, 5: Cadence.QUARTER, 4: Cadence.YEAR}.get(len(code))
    try:
        month = int(code[4:] or 1) * (3 if cadence is Cadence.QUARTER else 1)
        year = int(code[:4])
        day = date(year, 12 if cadence is Cadence.YEAR else month, settings.cut_off_day)
    except ValueError as exc:
        raise DataError("period_not_valid", f"kỳ {code!r}") from exc
    if cadence is None:
        raise DataError("period_not_valid", f"kỳ {code!r}")
    return period_of(cadence, day, settings)


def deadlines(
    day: date,
    settings: RhythmSettings = _USUAL,
    cadences: Sequence[Cadence] = tuple(Cadence),
) -> list[Deadline]:
    """Return what is due next, the nearest first."""
    found = []
    for cadence in cadences:
        period = period_of(cadence, day, settings)
        if day >= period.due:
            following = period_of(cadence, period.last + timedelta(days=1), settings)
            if day > period.last:
                period = following
        left = (period.due - day).days
        found.append(
            Deadline(
                f"Kết quả {CADENCE_VI[cadence]} {period.code}",
                period,
                left,
                left <= settings.draft_before_days,
                left in settings.reminders_before_days,
                day > period.last,
            )
        )
    return sorted(found, key=lambda one: (one.period.due, one.period.code))


@dataclass(frozen=True, slots=True)
class Progress:
    """Figures of a period on a day: what was done, since the year began, and the estimate apart."""

    done: float
    cumulative: float
    estimate: float | None
    """`None` where the period has ended: there is nothing left to estimate."""
    until: date


def progress(
    by_day: Sequence[tuple[date, float]], period: Period, year: Period, day: date
) -> Progress:
    """Return sums until a day; the estimate goes on at the period's mean per day so far."""
    until = min(day, period.last)
    done = sum(value for at, value in by_day if period.first <= at <= until)
    cumulative = sum(value for at, value in by_day if year.first <= at <= until)
    if until >= period.last:
        return Progress(done, cumulative, None, until)
    passed = (until - period.first).days + 1
    length = (period.last - period.first).days + 1
    return Progress(done, cumulative, done / passed * length, until)


def _on(month: int, day: int) -> date:
    year, index = divmod(month, 12)
    return date(year, index + 1, day)
