"""What corresponds to what in two frameworks. It leads a reader; it converts no score."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from assessment.framework.criteria import Code, Part, Text
from assessment.framework.framework import CriteriaSet, Orientation, Version
from plant.errors import DataError


class Relation(StrEnum):
    """How much of a criterion's question is asked on the other side."""

    SAME = "same"
    """The same question; still, its answer is declared again."""
    NARROWER = "narrower"
    """The other side asks a part of it."""
    WIDER = "wider"
    """The other side asks more."""
    RELATED = "related"
    """The questions touch."""
    ABSENT = "absent"
    """The other side does not ask it."""


class Correspondence(Part):
    """A criterion of one framework and what stands for it in the other."""

    criterion: Code
    others: tuple[Code, ...] = ()
    relation: Relation
    reason_vi: Text

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.relation is Relation.ABSENT) != (not self.others):
            raise ValueError(f"{self.criterion}: '{self.relation}' không hợp với {self.others}")
        return self


class Mapping(Part):
    """Correspondences from an edition of a framework to an edition of another.

    There is no way from here to points: after a change of framework a person answers anew, with the
    old answer and its evidence in sight.
    """

    id: Code
    version: Version
    source_edition: Text
    target_edition: Text
    made_by: Text
    correspondences: tuple[Correspondence, ...]

    def problems(
        self, source: CriteriaSet | Orientation, target: CriteriaSet | Orientation
    ) -> list[str]:
        """Return what is wrong or missing between two frameworks, in Vietnamese; [] if complete."""
        found = []
        if source.edition != self.source_edition:
            found.append(f"bảng đối chiếu đi từ {self.source_edition}, không phải {source.edition}")
        if target.edition != self.target_edition:
            found.append(
                f"bảng đối chiếu đi đến {self.target_edition}, không phải {target.edition}"
            )
        known, others = _ids(source), set(_ids(target))
        named = [one.criterion for one in self.correspondences]
        found += [
            f"{name}: có hai dòng" for name in sorted({n for n in named if named.count(n) > 1})
        ]
        found += [f"{name}: không có trong {source.edition}" for name in named if name not in known]
        found += [f"{name}: chưa được đối chiếu" for name in known if name not in named]
        found += [
            f"{one.criterion}: {other} không có trong {target.edition}"
            for one in self.correspondences
            for other in one.others
            if other not in others
        ]
        return found

    def of(self, criterion_id: str) -> Correspondence:
        """Return what stands for a criterion.

        Raises:
            DataError: The mapping says nothing of it; nothing is assumed then.
        """
        for one in self.correspondences:
            if one.criterion == criterion_id:
                return one
        raise DataError("not_mapped", f"{self.id} không đối chiếu tiêu chí {criterion_id!r}")


def _ids(framework: CriteriaSet | Orientation) -> Sequence[str]:
    if isinstance(framework, Orientation):
        return [dimension.id for dimension in framework.dimensions]
    return [criterion.id for criterion in framework.criteria]
