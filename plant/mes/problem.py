"""What is wrong with documents, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a document is refused; the words beside it say what to do."""

    MALFORMED = "malformed"
    """What came in cannot be read at all."""
    MISSING = "missing"
    """A required field is not there."""
    UNKNOWN_FIELD = "unknown_field"
    """There is no such field."""
    WRONG_VALUE = "wrong_value"
    """The value is of the wrong type, out of range or contradicts another."""
    FORMULA = "formula"
    """A cell holds a formula, or a text that a spreadsheet would run as one."""
    DUPLICATE = "duplicate"
    """The same key stands twice in what came in."""
    OUTSIDE_SCOPE = "outside_scope"
    """It belongs to an enterprise or site that this way in may not speak for."""
    UNKNOWN_REFERENCE = "unknown_reference"
    """It names a place, product, order, lot, reason or shift that does not exist."""
    OVERLAPPING_SHIFTS = "overlapping_shifts"
    """Two shifts of a site would run at the same time."""
    CIRCLE = "circle"
    """Reasons are one another's parents."""
    IN_USE = "in_use"
    """It cannot be withdrawn, as other data refer to it."""
    NOTHING_THERE = "nothing_there"
    """It cannot be withdrawn, as it is not there."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    where: str
    """The cell (`D7`), document (`documents[2].seconds`) or element."""
    field: str
    """Name of the field, empty for the whole document."""
    reason: Reason
    words: str

    def __str__(self) -> str:
        field = f" ({self.field})" if self.field and not self.where.endswith(self.field) else ""
        return f"{self.where}{field}: {self.words}"


@dataclass(frozen=True, slots=True)
class Remark:
    """What was passed over without harm: a column, a total, an element that is not understood."""

    where: str
    words: str

    def __str__(self) -> str:
        return f"{self.where}: {self.words}"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of documents that came in together: all of them, or none."""

    documents: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    refused: int = 0
    """Documents with problems."""
    problem_count: int = 0
    problems: Sequence[Problem] = ()
    """The first of them."""
    remarks: Sequence[Remark] = ()
    """The first things that were passed over."""
    remark_count: int = 0
    hours_to_compute: int = 0
    """Hours of machines whose figures will be computed again."""
    committed: bool = False

    @property
    def fit(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem_count == 0

    def words(self) -> str:
        """Return the report in one sentence."""
        counts = (
            f"{self.documents} documents: {self.created} new, {self.changed} changed, "
            f"{self.unchanged} unchanged, {self.withdrawn} withdrawn"
        )
        if self.problem_count:
            return f"{counts}, {self.refused} refused for {self.problem_count} problems"
        return f"{counts}; {self.hours_to_compute} machine hours to compute again"
