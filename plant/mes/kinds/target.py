"""What a place is to reach."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from plant.mes.document import MesDocument, Reference, check_order, place
from plant.mes.field import ALWAYS, Moment, PlacePath, Positive


class OeeTarget(MesDocument):
    """The OEE that a place is planned to reach.

    Of machine, line, area, site and enterprise the nearest one with a target holds; the one that
    began last, until its own end.
    """

    KIND: ClassVar[str] = "oee-targets"
    KEY: ClassVar[tuple[str, ...]] = ("place", "valid_from")

    place: PlacePath = Field(description="Path of the machine, line, area, site or enterprise.")
    planned_oee: Annotated[Positive, Field(le=1)] = Field(
        description="Share of planned busy time, such as 0.75."
    )
    valid_from: Moment = Field(ALWAYS, description="From when it holds; always, if left out.")
    valid_to: Moment | None = Field(None, description="Until when; until the next, if left out.")

    @model_validator(mode="after")
    def _validity_is_ordered(self) -> Self:
        check_order(self.valid_from, self.valid_to, "valid_from, valid_to")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield the place."""
        yield place(self.place, "place")
