"""Maintenance agreed beforehand."""

from collections.abc import Iterator
from typing import ClassVar, Self

from pydantic import Field, model_validator

from plant.mes.document import MesDocument, Reference, check_order, place, within
from plant.mes.field import Moment, OptionalText, PlacePath, SitePath, Text


class PlannedMaintenance(MesDocument):
    """Planned maintenance of a machine, or of all machines of a place: outside busy time."""

    KIND: ClassVar[str] = "planned-maintenance"
    KEY: ClassVar[tuple[str, ...]] = ("site", "number")

    site: SitePath = Field(description="Path of the site.")
    number: Text = Field(description="Number of the work order or plan.")
    place: PlacePath = Field(description="Path of the machine, line, area or site.")
    start: Moment = Field(description="When it begins.")
    end: Moment = Field(description="When it ends.")
    description: OptionalText = Field("", description="What is done.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        check_order(self.start, self.end, "start, end")
        if not within(self.place, self.site):
            raise ValueError(f"place: {self.place} is not in {self.site}")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield the place."""
        yield place(self.place, "place")
