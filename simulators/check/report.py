"""The result of a check: a table of what was expected and what was found."""

from dataclasses import dataclass

Cell = float | int | str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison; without a tolerance the two must be equal."""

    what: str
    place: str
    shift: str | None
    expected: Cell
    found: Cell
    tolerance: float | None
    ok: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All comparisons."""

    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether there is anything, and all of it agrees."""
        return bool(self.rows) and all(row.ok for row in self.rows)

    @property
    def failures(self) -> tuple[Row, ...]:
        """The comparisons that disagree."""
        return tuple(row for row in self.rows if not row.ok)


def exact(what: str, place: str, shift: str | None, expected: Cell, found: Cell) -> Row:
    """Return a comparison of two values that must be equal."""
    return Row(what, place, shift, expected, found, None, expected == found)


def near(
    what: str,
    place: str,
    shift: str | None,
    expected: float | None,
    found: float | None,
    tolerance: float,
    digits: int = 4,
) -> Row:
    """Return a comparison of two numbers; both absent is equal, one absent is not."""
    if expected is None or found is None:
        ok = expected is None and found is None
    else:
        ok = abs(expected - found) <= tolerance
    return Row(
        what, place, shift, _rounded(expected, digits), _rounded(found, digits), tolerance, ok
    )


def told(what: str, place: str, value: Cell, note: str) -> Row:
    """Return a row that is said for completeness and compares nothing."""
    return Row(what, place, None, value, value, None, True, note)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
