"""A whole framework: a criteria set that people score, or dimensions that only orient."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from assessment.framework.criteria import (
    Caps,
    CapStep,
    Code,
    Component,
    Criterion,
    Document,
    OverallRule,
    Part,
    Pillar,
    PillarBand,
    Text,
    sound_caps,
)
from plant.errors import DataError

Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]


class _Described(Part):
    id: Code
    version: Version
    name_vi: Text
    decision: Text
    status_vi: Text
    uncertainties_vi: tuple[Text, ...] = ()
    """What is not certain; shown wherever the framework is."""

    @property
    def edition(self) -> str:
        """Identity and version, as a record names them."""
        return f"{self.id}@{self.version}"


class Dimension(Part):
    """A dimension of an orientation, with the names of its bands (`None`: not known)."""

    id: Code
    block: Text
    pillar: Text
    name_en: Text
    bands_en: tuple[Text | None, ...] = Field(min_length=2)


class Orientation(_Described):
    """Dimensions and names of bands. It has no points: nothing can convert it into a score."""

    kind: Literal["orientation"] = "orientation"
    dimensions: tuple[Dimension, ...]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _unique("chiều", (dimension.id for dimension in self.dimensions))
        return self


class CriteriaSet(_Described):
    """Pillars, components and criteria with the rules that give levels to declared points."""

    kind: Literal["scored"] = "scored"
    total_points: int = Field(ge=0)
    pillars: tuple[Pillar, ...]
    components: tuple[Component, ...]
    criteria: tuple[Criterion, ...]
    pillar_rule: tuple[PillarBand, ...]
    overall_rule: OverallRule | None
    telemetry_caps: Annotated[Caps, AfterValidator(sound_caps)]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _unique("trụ cột", (pillar.id for pillar in self.pillars))
        _unique("thành phần", (component.id for component in self.components))
        _unique("tiêu chí", (criterion.id for criterion in self.criteria))
        pillars = {pillar.id: pillar.max_points for pillar in self.pillars}
        components = {component.id: component.max_points for component in self.components}
        in_pillar: Counter[str] = Counter()
        in_component: Counter[str] = Counter()
        for component in self.components:
            if component.pillar not in pillars:
                raise ValueError(f"thành phần {component.id}: không có trụ cột {component.pillar}")
            in_pillar[component.pillar] += component.max_points
        for criterion in self.criteria:
            if criterion.component not in components:
                raise ValueError(
                    f"tiêu chí {criterion.id}: không có thành phần {criterion.component}"
                )
            in_component[criterion.component] += criterion.max_points
        _agree("thành phần", components, in_component)
        _agree("trụ cột", pillars, in_pillar)
        if sum(pillars.values()) != self.total_points:
            said, summed = self.total_points, sum(pillars.values())
            raise ValueError(f"tổng {said} điểm, các trụ cột có {summed}")
        self._sound_rules()
        return self

    def _sound_rules(self) -> None:
        bands = self.pillar_rule
        if bands and (bands[0].from_percent != 0 or bands[-1].to_percent != 100):
            raise ValueError("các mức trụ cột phải phủ từ 0 đến 100 %")
        for low, high in pairwise(bands):
            if low.level >= high.level or low.to_percent != high.from_percent:
                raise ValueError(f"mức trụ cột {high.level} không nối tiếp mức {low.level}")
            if low.to_included and high.from_included:
                raise ValueError(f"{low.to_percent} % thuộc cả hai mức {low.level} và {high.level}")
        levels = {band.level for band in bands}
        for step in self.overall_rule.steps if self.overall_rule else ():
            if step.pillars > len(self.pillars) or step.pillar_level not in levels:
                raise ValueError(f"mức chung {step.level}: đòi hỏi điều không thể đạt")

    @property
    def is_empty(self) -> bool:
        """Whether there is no criterion yet."""
        return not self.criteria

    def criterion(self, criterion_id: str) -> Criterion:
        """Return a criterion.

        Raises:
            DataError: There is none of this identity; the message names the framework.
        """
        for criterion in self.criteria:
            if criterion.id == criterion_id:
                return criterion
        raise DataError("unknown_criterion", f"{self.edition} không có tiêu chí {criterion_id!r}")

    def pillar_of(self, criterion_id: str) -> str:
        """Return the pillar of a criterion."""
        component = self.criterion(criterion_id).component
        return next(one.pillar for one in self.components if one.id == component)

    def telemetry_cap(
        self, criterion_id: str, confirmed: Iterable[Document] = ()
    ) -> tuple[int, Document | None]:
        """Return the highest level telemetry supports, and the document the next level needs.

        A step counts only if every step below it does: without a confirmed asset register, a
        staffing document lifts nothing. 0 and no document: telemetry says nothing of it.
        """
        steps: tuple[CapStep, ...] = self.telemetry_caps.get(
            self.criterion(criterion_id).telemetry, ()
        )
        have, level = set(confirmed), 0
        for step in steps:
            if step.needs is not None and step.needs not in have:
                return level, step.needs
            level = step.level
        return min(level, self.criterion(criterion_id).max_level), None


def _unique(what: str, ids: Iterable[str]) -> None:
    twice = [name for name, number in Counter(ids).items() if number > 1]
    if twice:
        raise ValueError(f"{what} có hai lần: {', '.join(twice)}")


def _agree(what: str, said: dict[str, int], summed: Counter[str]) -> None:
    for name, points in said.items():
        if points != summed[name]:
            raise ValueError(f"{what} {name}: ghi {points} điểm, cộng được {summed[name]}")


Framework = Annotated[CriteriaSet | Orientation, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[CriteriaSet | Orientation] = TypeAdapter(Framework)


def framework_from_json(text: str | bytes) -> CriteriaSet | Orientation:
    """Return the framework of a JSON document.

    Raises:
        DataError: It is not valid; every problem is named with its place.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in error['loc']) or 'tệp'}: {error['msg']}"
            for error in exc.errors()
        )
        raise DataError("framework_not_valid", problems) from exc
