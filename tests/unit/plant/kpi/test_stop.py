"""Stops as people see them."""

from plant.kpi.stop import StateInterval, Stop, minor_stop_ms, stops
from plant.state import StopKind, TimeElement

DELAY, DOWN = TimeElement.DELAY, TimeElement.DOWN
PAUSE, RUN = TimeElement.PLANNED_BREAK, TimeElement.PRODUCTION
HELD, BROKEN = StopKind.HELD, StopKind.BREAKDOWN


def tile(
    start: int, end: int, element: TimeElement, kind: StopKind | None = None, reason: str = ""
) -> StateInterval:
    return StateInterval(start, end, element, "S", kind, reason or None)


def spans(found: list[Stop]) -> list[tuple[int, int | None]]:
    return [(stop.start, stop.end) for stop in found]


def test_a_stop_is_whole_when_a_break_lies_within_it() -> None:
    tiles = [tile(0, 5, DELAY, HELD), tile(5, 9, PAUSE, HELD), tile(9, 12, DELAY, HELD)]
    assert spans(stops(tiles)) == [(0, 12)]


def test_a_break_beside_a_stop_does_not_belong_to_it() -> None:
    tiles = [tile(0, 5, PAUSE, HELD), tile(5, 9, DELAY, HELD), tile(9, 12, PAUSE, HELD)]
    assert spans(stops(tiles)) == [(5, 9)]


def test_a_stop_ends_when_the_machine_works_through_the_break() -> None:
    tiles = [tile(0, 5, DELAY, HELD), tile(5, 9, PAUSE), tile(9, 12, DELAY, HELD)]
    assert spans(stops(tiles)) == [(0, 5), (9, 12)]


def test_a_stop_ends_when_its_kind_or_the_order_changes() -> None:
    tiles = [tile(0, 5, DELAY, HELD), tile(5, 9, DELAY, BROKEN), tile(9, 12, DOWN, BROKEN)]
    assert spans(stops(tiles)) == [(0, 5), (5, 9), (9, 12)]


def test_a_stop_ends_at_a_gap() -> None:
    assert len(stops([tile(0, 5, DELAY, HELD), tile(6, 9, DELAY, HELD)])) == 2


def test_a_stop_is_open_when_it_reaches_the_horizon() -> None:
    assert spans(stops([tile(0, 5, DELAY, HELD)], 5)) == [(0, None)]
    assert spans(stops([tile(0, 5, DELAY, HELD)], 6)) == [(0, 5)]


def test_the_first_reason_given_is_the_reason_of_the_stop() -> None:
    tiles = [
        tile(0, 5, DELAY, HELD),
        tile(5, 6, DELAY, HELD, "jam"),
        tile(6, 7, DELAY, HELD, "tool"),
        tile(7, 8, RUN),
    ]
    assert [stop.stop_reason for stop in stops(tiles)] == ["jam"]


def test_a_stop_is_minor_by_its_whole_length_when_the_window_shows_a_part() -> None:
    tiles = [tile(0, 5, DELAY, HELD), tile(5, 20, DELAY, HELD)]
    found = stops(tiles)
    assert minor_stop_ms(found, tiles[:1], 20, 20) == 0
    assert minor_stop_ms(found, tiles[:1], 21, 20) == 5


def test_an_open_stop_counts_up_to_now() -> None:
    tiles = [tile(0, 5, DELAY, HELD)]
    found = stops(tiles, 5)
    assert minor_stop_ms(found, tiles, 10, 5) == 5
    assert minor_stop_ms(found, tiles, 10, 15) == 0
