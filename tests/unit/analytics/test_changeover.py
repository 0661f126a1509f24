"""Changeovers between products."""

from analytics.changeover import changeovers
from analytics.counting import Counter, increments
from analytics.signal import held, number_readings, text_readings


def spans(products: list[tuple[int, str]], good: list[tuple[int, float]]) -> list[tuple[int, int]]:
    signal = held(text_readings([at * 1000 for at, _ in products], [name for _, name in products]))
    made = increments(
        number_readings([at * 1000 for at, _ in good], [value for _, value in good]), Counter()
    )
    return changeovers(signal, made).pairs()


def test_changeover_lasts_from_last_good_of_one_to_first_good_of_the_next() -> None:
    good = [(0, 0.0), (10, 5.0), (20, 6.0), (30, 6.0), (45, 7.0), (50, 8.0)]
    assert spans([(0, "a"), (30, "b")], good) == [(20, 45)]


def test_no_changeover_is_told_when_the_product_is_only_repeated() -> None:
    assert spans([(0, "a"), (30, "a")], [(0, 0.0), (20, 1.0), (40, 2.0)]) == []


def test_no_changeover_is_told_while_its_first_good_part_is_missing() -> None:
    assert spans([(0, "a"), (30, "b")], [(0, 0.0), (20, 1.0)]) == []


def test_two_changes_without_a_good_part_between_are_one_changeover() -> None:
    good = [(0, 0.0), (10, 1.0), (40, 2.0)]
    assert spans([(0, "a"), (20, "b"), (30, "c")], good) == [(10, 40)]
