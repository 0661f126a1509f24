"""Disclosure control: which sums over enterprises may be told, after all that was told.

No Vietnamese law names a group size or a rule of dominance: both are settings of the department.
The judgement of differences is complete for sums: whatever a reader adds, subtracts and scales, no
combination may be left that speaks of fewer enterprises than the smallest group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Final

from plant.errors import ConfigurationError

_MOST_GROUPS: Final = 200_000


@dataclass(frozen=True, slots=True)
class DisclosureSettings:
    """How few may be spoken of together, and how much one of them may make up."""

    least_group: int = 3
    least_group_open: int = 5
    """For whatever everybody may read."""
    largest_share: Fraction = Fraction(3, 4)
    step: int = 1
    """Sums are rounded to a multiple of it."""

    def __post_init__(self) -> None:
        if self.least_group < 2 or self.least_group_open < self.least_group or self.step < 1:
            raise ConfigurationError("Nhóm nhỏ nhất phải từ 2, của dữ liệu mở không nhỏ hơn nó.")
        if not 0 < self.largest_share <= 1:
            raise ConfigurationError("Tỷ trọng lớn nhất phải trong (0, 1].")

    def group_for(self, receiver: str) -> int:
        """Return the smallest group for a receiver."""
        return self.least_group_open if receiver == "open" else self.least_group


@dataclass(frozen=True, slots=True)
class Cell:
    """A sum to be told: its key, what it counts, and what each enterprise adds to it."""

    key: str
    figure: str
    """Sums of the same figure can be subtracted from each other, whatever their keys."""
    contributions: Mapping[str, Fraction]

    @property
    def total(self) -> Fraction:
        """The sum."""
        return sum(self.contributions.values(), Fraction(0))


@dataclass(frozen=True, slots=True)
class Told:
    """What was told before of a figure: over which enterprises."""

    figure: str
    contributors: frozenset[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A cell with its rounded value, or why it is not told."""

    cell: Cell
    value: Fraction | None
    reason_vi: str | None


def judge(
    cells: Sequence[Cell],
    told: Sequence[Told],
    receiver: str,
    settings: DisclosureSettings,
    public: frozenset[str] = frozenset(),
) -> list[Verdict]:
    """Return which cells may be told, in their order.

    `public` are enterprises whose own figures may be told (by their consent): who knows those can
    take them out of any sum, so groups are counted without them.
    """
    least = settings.group_for(receiver)
    reasons: dict[str, str] = {}
    for cell in cells:
        if why := _alone(cell, least, settings.largest_share, public):
            reasons[cell.key] = why
    kept: dict[str, list[frozenset[str]]] = {}
    for one in told:
        kept.setdefault(one.figure, []).append(one.contributors - public)
    # The largest groups first: what is left out is what says least.
    for cell in sorted(cells, key=lambda one: (-len(one.contributions), one.key)):
        if cell.key in reasons:
            continue
        before = kept.setdefault(cell.figure, [])
        candidate = frozenset(cell.contributions) - public
        if reveals([*before, candidate], least):
            words = "trừ cho số đã công bố sẽ lộ số của ít doanh nghiệp hơn mức cho phép"
            reasons[cell.key] = words
        else:
            before.append(candidate)
    return [
        Verdict(
            cell,
            None if cell.key in reasons else _rounded(cell.total, settings.step),
            reasons.get(cell.key),
        )
        for cell in cells
    ]


def reveals(groups: Sequence[frozenset[str]], least: int) -> bool:
    """Tell whether sums over groups combine to a sum over fewer than `least` enterprises.

    Combinations of the sums are the row space of the 0/1 matrix of groups. It has a vector whose
    support lies within a set T of columns exactly if the rank falls when those are struck out; it
    is enough to look at sets of `least - 1`.
    """
    rows = sorted({group for group in groups if group}, key=sorted)
    names = sorted({name for group in rows for name in group})
    if not rows or least < 2:
        return False
    # Enterprises that are in the same groups are one column: no sum tells them apart.
    classes: dict[tuple[bool, ...], list[str]] = {}
    for name in names:
        classes.setdefault(tuple(name in group for group in rows), []).append(name)
    columns = sorted(classes)
    sizes = [len(classes[column]) for column in columns]
    matrix = [[int(column[number]) for column in columns] for number in range(len(rows))]
    whole = _rank(matrix)
    looked_at = 0
    for number in range(1, least):
        for struck in combinations(range(len(columns)), number):
            if sum(sizes[one] for one in struck) >= least:
                continue
            looked_at += 1
            # What was not looked at is not told.
            if looked_at > _MOST_GROUPS:
                return True
            left = [
                [value for index, value in enumerate(row) if index not in struck] for row in matrix
            ]
            if _rank(left) < whole:
                return True
    return False


def _alone(cell: Cell, least: int, largest_share: Fraction, public: frozenset[str]) -> str | None:
    own = {name: value for name, value in cell.contributions.items() if name not in public}
    if not cell.contributions:
        return "không có doanh nghiệp nào góp số liệu"
    if not own:
        return None
    if len(own) < least:
        return f"dưới {least} doanh nghiệp góp số liệu"
    # Without their signs: losses beside gains would make the total small and every share large.
    sizes = [abs(value) for value in own.values()]
    total = sum(sizes, Fraction(0))
    if total and max(sizes) > largest_share * total:
        return f"một doanh nghiệp chiếm hơn {float(largest_share):.0%}"
    return None


def _rounded(value: Fraction, step: int) -> Fraction:
    return Fraction(round(value / step) * step) if step > 1 else value


def _rank(matrix: Sequence[Sequence[int]]) -> int:
    """Return the rank of a matrix, exactly."""
    rows = [[Fraction(value) for value in row] for row in matrix]
    rank = 0
    width = len(rows[0]) if rows else 0
    for column in range(width):
        pivot = next((at for at in range(rank, len(rows)) if rows[at][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for at in range(rank + 1, len(rows)):
            if rows[at][column]:
                factor = rows[at][column] / rows[rank][column]
                rows[at] = [
                    value - factor * head for value, head in zip(rows[at], rows[rank], strict=True)
                ]
        rank += 1
    return rank
