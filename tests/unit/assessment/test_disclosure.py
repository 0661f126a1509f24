"""Disclosure control: groups too small, dominance, and every difference of what was told."""

from fractions import Fraction
from itertools import combinations, product
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from assessment.programme.disclosure import Cell, DisclosureSettings, Told, judge, reveals

SETTINGS = DisclosureSettings()
NAMES = "abcdefg"
groups = st.lists(st.frozensets(st.sampled_from(NAMES), min_size=1), min_size=1, max_size=5)


def cell(key: str, **values: int) -> Cell:
    return Cell(key, "x", {name: Fraction(value) for name, value in values.items()})


def told_of(*sums: Cell, before: tuple[Told, ...] = ()) -> dict[str, str | None]:
    return {one.cell.key: one.reason_vi for one in judge(sums, before, "ioc", SETTINGS)}


def test_few_enterprises_are_not_spoken_of() -> None:
    assert told_of(cell("two", a=1, b=2))["two"] == "dưới 3 doanh nghiệp góp số liệu"
    assert told_of(cell("three", a=1, b=2, c=2))["three"] is None
    open_data = judge([cell("four", a=1, b=1, c=1, d=1)], [], "open", SETTINGS)
    assert open_data[0].value is None


def test_one_that_makes_up_most_is_not_spoken_of() -> None:
    assert "chiếm hơn 75%" in (told_of(cell("big", a=80, b=10, c=10))["big"] or "")
    assert told_of(cell("edge", a=75, b=15, c=10))["edge"] is None


def test_a_sum_that_would_differ_by_one_is_held_back() -> None:
    before = (Told("x", frozenset("abc")),)
    assert "trừ" in (told_of(cell("more", a=1, b=1, c=1, d=1), before=before)["more"] or "")
    assert told_of(cell("same", a=1, b=1, c=1), before=before)["same"] is None
    assert told_of(cell("apart", d=1, e=1, f=1), before=before)["apart"] is None


def test_of_cells_told_together_the_one_that_reveals_is_left_out() -> None:
    found = told_of(cell("all", a=1, b=1, c=1, d=1), cell("part", a=1, b=1, c=1))
    assert found["all"] is None
    assert found["part"] is not None


def test_differences_of_more_than_two_sums_are_seen() -> None:
    # (abc + cde − abde) ÷ 2 is c: no two of them differ by fewer than three.
    three = [frozenset("abc"), frozenset("cde"), frozenset("abde")]
    assert not any(reveals(list(pair), 3) for pair in combinations(three, 2))
    assert reveals(three, 3)


def test_who_lets_own_figures_be_told_counts_as_known() -> None:
    sums = [cell("s", a=1, b=1, c=1)]
    assert judge(sums, [], "ioc", SETTINGS, frozenset("a"))[0].value is None
    assert judge([cell("s", a=1, b=1, c=1, d=1)], [], "ioc", SETTINGS, frozenset("a"))[0].value == 4


def smallest_support(rows: list[frozenset[str]], tries: int = 2000) -> int:
    """Return the fewest enterprises that some small combination of sums speaks of, by trying."""
    fewest = len(NAMES)
    numbers = range(-2, 3)
    random = Random(7)
    every = list(product(numbers, repeat=len(rows)))
    for weights in every if len(every) <= tries else random.sample(every, tries):
        vector = {
            name: sum(w for w, row in zip(weights, rows, strict=True) if name in row)
            for name in NAMES
        }
        support = sum(value != 0 for value in vector.values())
        if support:
            fewest = min(fewest, support)
    return fewest


@given(groups)
def test_no_small_combination_slips_through(rows: list[frozenset[str]]) -> None:
    if smallest_support(rows) < 3:
        assert reveals(rows, 3)


@given(st.lists(groups, min_size=1, max_size=4))
def test_whatever_is_released_in_whatever_order_speaks_of_no_fewer_than_three(
    rounds: list[list[frozenset[str]]],
) -> None:
    told: list[Told] = []
    for number, sets in enumerate(rounds):
        cells = [
            Cell(f"{number}/{index}", "x", dict.fromkeys(one, Fraction(1)))
            for index, one in enumerate(sets)
        ]
        told += [
            Told("x", frozenset(one.cell.contributions))
            for one in judge(cells, told, "ioc", SETTINGS)
            if one.value is not None
        ]
    rows = [one.contributors for one in told]
    assert not reveals(rows, 3)
    if rows:
        assert smallest_support(rows[:5]) >= 3
