"""Changes of product that no good part lies between are one changeover."""

from datetime import UTC, datetime, timedelta

from api.pages.boards.changeover import joined
from store.reading.board_row import ChangeoverRow

START = datetime(2026, 3, 3, 6, tzinfo=UTC)


def change(
    place: str, products: str, minute: int, last: int | None, first: int | None
) -> ChangeoverRow:
    def at(minutes: int | None) -> datetime | None:
        return None if minutes is None else START + timedelta(minutes=minutes)

    changed_at = START + timedelta(minutes=minute)
    return ChangeoverRow(place, products[0], products[1], changed_at, at(last), at(first))


def test_changes_are_one_when_no_good_part_lies_between_on_the_same_machine() -> None:
    rows = [
        change("x", "ab", 20, 10, 40),
        change("y", "ab", 25, 10, 40),
        change("x", "bc", 30, 10, 40),
        change("x", "ca", 60, 55, None),
    ]

    found = joined(rows)

    assert [(one.place, one.from_product, one.to_product) for one in found] == [
        ("x", "a", "c"),
        ("y", "a", "b"),
        ("x", "c", "a"),
    ]
