from datetime import UTC, datetime, timedelta, timezone

import pytest

from api.http.problems import ProblemError
from api.http.windows import window
from plant.calendar import Window

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def asked(start: datetime | None, end: datetime | None) -> Window:
    return window(start, end, now=NOW, default=HOUR, longest=DAY)


def test_a_window_ends_now_when_nothing_is_asked() -> None:
    assert asked(None, None) == Window(NOW - HOUR, NOW)


def test_a_window_is_in_utc_when_asked_in_another_zone() -> None:
    local = timezone(timedelta(hours=7))
    found = asked(datetime(2026, 3, 2, 6, tzinfo=local), datetime(2026, 3, 2, 7, tzinfo=local))
    assert found.start.tzinfo is UTC
    assert found.start.hour == 23


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (NOW, NOW, "not before"),
        (NOW + HOUR, NOW, "not before"),
        (NOW - 2 * DAY, NOW, "2 days long; at most 1"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), NOW, "between"),
        (NOW, datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), "between"),
    ],
)
def test_a_window_is_refused_in_words_when_it_cannot_be_served(
    start: datetime, end: datetime, words: str
) -> None:
    with pytest.raises(ProblemError, match=words):
        asked(start, end)
