"""Why machines stop and why parts fail: trees of reasons."""

from collections.abc import Iterator
from typing import ClassVar, Self

from pydantic import Field, model_validator

from plant.mes.document import MesDocument, Reference, place
from plant.mes.field import ItemCode, OptionalText, PlaceCode, Text


class ReasonDocument(MesDocument):
    """A reason in a tree; an operator picks a leaf."""

    enterprise: PlaceCode = Field(description="Code of the enterprise.")
    code: ItemCode = Field(description="Code of the reason, as machines or operators give it.")
    parent: ItemCode | None = Field(None, description="Code of the reason above it.")
    name_vi: Text = Field(description="Name in Vietnamese.")
    name_en: OptionalText = Field("", description="Name in English; the Vietnamese one if empty.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.parent == self.code:
            raise ValueError("parent: a reason is not its own parent")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield the enterprise; parents are looked at once the whole tree is there."""
        yield place(self.enterprise, "enterprise")


class StopReason(ReasonDocument):
    """A reason for a stop."""

    KIND: ClassVar[str] = "stop-reasons"
    KEY: ClassVar[tuple[str, ...]] = ("enterprise", "code")


class ScrapReason(ReasonDocument):
    """A reason for which a part is scrapped."""

    KIND: ClassVar[str] = "scrap-reasons"
    KEY: ClassVar[tuple[str, ...]] = ("enterprise", "code")


class ReworkReason(ReasonDocument):
    """A reason for which a part is worked on again."""

    KIND: ClassVar[str] = "rework-reasons"
    KEY: ClassVar[tuple[str, ...]] = ("enterprise", "code")
