"""Which records hold, and the window of a period."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from assessment.evidence.figure import Window
from assessment.programme.workflow import Status
from plant.errors import DataError
from store.assessment.record import RecordRow

LIVE: Final = frozenset({Status.CONFIRMED, Status.REVIEWED, Status.CLOSED})
"""Of these an assessment may make use."""


def window_of_period(period: str, zone: ZoneInfo) -> Window:
    """Return the window of a period `YYYY-MM-DD_YYYY-MM-DD`, both days included.

    Raises:
        DataError: It is none.
    """
    try:
        first, last = (date.fromisoformat(one) for one in period.split("_"))
        start, end = (
            datetime(one.year, one.month, one.day, tzinfo=zone)
            for one in (first, last + timedelta(days=1))
        )
    except (ValueError, OverflowError) as exc:
        raise DataError("period_not_valid", f"kỳ {period!r}") from exc
    if end <= start:
        raise DataError("period_not_valid", f"kỳ {period!r} kết thúc trước khi bắt đầu")
    return Window(start, end)


def holding(records: Sequence[RecordRow]) -> list[RecordRow]:
    """Return the records that hold: of each, the newest version that is closed."""
    latest: dict[tuple[str | None, str, str], RecordRow] = {}
    for one in records:
        if one.status == Status.CLOSED:
            latest[one.enterprise, one.kind, one.period] = one
    return list(latest.values())


def newest(
    records: Sequence[RecordRow], kind: str, statuses: frozenset[Status]
) -> RecordRow | None:
    """Return the newest record of a kind in one of some statuses."""
    found = [one for one in records if one.kind == kind and one.status in statuses]
    return max(found, key=lambda one: one.record_id, default=None)
