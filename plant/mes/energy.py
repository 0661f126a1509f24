"""Energy meters."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant.mes.document import MesDocument, Reference, check_order, place, within
from plant.mes.field import ALWAYS, Code, Moment, OptionalText, PlacePath, Positive, SitePath, Text


class EnergyMeter(MesDocument):
    """A meter: what it measures, where, and which tag carries its reading."""

    KIND: ClassVar[str] = "energy-meters"
    KEY: ClassVar[tuple[str, ...]] = ("site", "code", "valid_from")

    site: SitePath = Field(description="Path of the site.")
    code: Code = Field(description="Code of the meter.")
    name_vi: Text = Field(description="Name in Vietnamese.")
    name_en: OptionalText = Field("", description="Name in English.")
    place: PlacePath = Field(description="Path of the machine, line, area or site it measures.")
    tag: Text = Field(description="Name of the tag at the site that carries its reading.")
    carrier: Literal["electricity", "gas", "steam", "compressed_air", "water"] = Field(
        "electricity", description="What flows through it."
    )
    kwh_per_unit: Positive = Field(1.0, description="Kilowatt-hours per unit of the reading.")
    valid_from: Moment = Field(ALWAYS, description="From when it holds; always, if left out.")
    valid_to: Moment | None = Field(None, description="Until when; open, if left out.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        check_order(self.valid_from, self.valid_to, "valid_from, valid_to")
        if not within(self.place, self.site):
            raise ValueError(f"place: {self.place} is not in {self.site}")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield the place; tags come from the edges, perhaps later."""
        yield place(self.place, "place")
