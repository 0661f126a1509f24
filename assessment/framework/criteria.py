"""The parts of a criteria set: pillars, components, criteria, and the rules that give levels."""

import unicodedata
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


Text = Annotated[str, AfterValidator(_composed), Field(min_length=1, max_length=2000)]
"""Words as people read them: composed (NFC), not empty, without blanks around them."""

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,38}[A-Za-z0-9])?$")]
"""A short code of letters, digits, dots and hyphens."""

Level = Annotated[int, Field(ge=0, le=10)]


class Part(BaseModel):
    """A part of a framework: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Telemetry(StrEnum):
    """How far measured facts of a production line can say anything about a criterion."""

    DIRECT = "direct"
    """What is asked is what is measured."""
    PARTIAL = "partial"
    """A part of what is asked is measured."""
    INDIRECT = "indirect"
    """Context only; no level follows from it."""
    NONE = "none"
    """Nothing measured touches it."""


class Document(StrEnum):
    """A confirmed document without which telemetry supports no higher level."""

    ASSET_REGISTER = "asset_register"
    """The asset register, confirmed by the enterprise, covering all production departments."""
    STRATEGY_DECISION = "strategy_decision"
    """A decision or strategy document."""
    STAFFING_DOCUMENT = "staffing_document"
    """A document that names the staff or unit in charge."""


class Unknown(StrEnum):
    """What is not known of a criterion, so that no program may turn its answer into points."""

    RATIO_CUTOFFS = "ratio_cutoffs"
    """The cut-offs that turn a ratio into points."""
    OPTION_POINTS = "option_points"
    """The points of the options of the questionnaire."""
    LEVELS_TEXT = "levels_text"
    """What the levels mean."""


class Pillar(Part):
    """A pillar (trụ cột), the first division of a criteria set."""

    id: Code
    name_vi: Text
    name_en: Text | None = None
    max_points: int = Field(ge=0)


class Component(Part):
    """A component (chỉ số thành phần) of a pillar."""

    id: Code
    pillar: Code
    name_vi: Text
    max_points: int = Field(ge=0)


class Criterion(Part):
    """A criterion; its `points` are the allowed ones, the position of each is its level."""

    id: Code
    component: Code
    name_vi: Text
    name_en: Text | None = None
    points: tuple[int, ...] = Field(min_length=2, max_length=11)
    telemetry: Telemetry = Telemetry.NONE
    levels_vi: tuple[Text, ...] | None = None
    """The text of level 1 and above (level 0 is 'không có'), or the options of a questionnaire."""
    ratio_vi: Text | None = None
    unknown: Unknown | None = None
    note_vi: Text | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.points[0] != 0 or any(
            low >= high for low, high in zip(self.points, self.points[1:], strict=False)
        ):
            raise ValueError(f"{self.id}: điểm phải bắt đầu từ 0 và tăng dần, có {self.points}")
        if self.unknown is None and self.levels_vi is None:
            raise ValueError(f"{self.id}: không có mô tả mức thì phải ghi rõ điều chưa biết")
        levels = len(self.points) - 1
        if self.unknown is None and self.levels_vi is not None and len(self.levels_vi) != levels:
            raise ValueError(f"{self.id}: {len(self.levels_vi)} mô tả mức cho {levels} mức")
        return self

    @property
    def max_points(self) -> int:
        """The most points."""
        return self.points[-1]

    @property
    def max_level(self) -> int:
        """The highest level."""
        return len(self.points) - 1


class PillarBand(Part):
    """A level of a pillar: the shares of its maximum, in percent, that it holds."""

    level: Level
    name_vi: Text
    name_en: Text | None = None
    from_percent: int = Field(ge=0, le=100)
    from_included: bool
    to_percent: int = Field(ge=0, le=100)
    to_included: bool

    def holds(self, points: int, max_points: int) -> bool:
        """Return whether `points` of `max_points` lie in this band; exact, in whole numbers."""
        share, low, high = (
            points * 100,
            self.from_percent * max_points,
            self.to_percent * max_points,
        )
        above = share >= low if self.from_included else share > low
        below = share <= high if self.to_included else share < high
        return above and below


class OverallStep(Part):
    """An overall level: a total above some points, and enough pillars at or above a level."""

    level: Annotated[int, Field(ge=1, le=10)]
    above_points: int = Field(ge=0)
    pillars: int = Field(ge=1)
    pillar_level: Level


class OverallRule(Part):
    """The overall levels; the highest step that holds is taken.

    The text gives level 0 to totals up to `lowest_up_to_points`; a total above it for which no step
    holds is in no level of the text.
    """

    lowest_up_to_points: int = Field(ge=0)
    steps: tuple[OverallStep, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for low, high in zip(self.steps, self.steps[1:], strict=False):
            if not (
                low.level < high.level
                and low.above_points <= high.above_points
                and low.pillars <= high.pillars
                and low.pillar_level <= high.pillar_level
            ):
                raise ValueError(
                    f"mức {high.level} phải đòi hỏi hơn mức {low.level} ở mọi điều kiện"
                )
        return self


class CapStep(Part):
    """The highest level that telemetry supports once a document (if any) is confirmed."""

    level: Annotated[int, Field(ge=1, le=10)]
    needs: Document | None = None


Caps = dict[Telemetry, tuple[CapStep, ...]]


def sound_caps(caps: Any) -> Any:
    """Return `caps` if each list rises; raise `ValueError` otherwise."""
    for telemetry, steps in caps.items():
        levels = [step.level for step in steps]
        if levels != sorted(set(levels)):
            raise ValueError(f"trần bằng chứng của '{telemetry}' phải tăng dần, có {levels}")
    return caps
