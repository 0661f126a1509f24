"""Energy meters."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from plant.mes.document import MesDocument, Reference, check_order, place, within
from plant.mes.field import (
    ALWAYS,
    ItemCode,
    Moment,
    NotNegative,
    OptionalText,
    PlacePath,
    Positive,
    SitePath,
    Text,
    UnitPath,
)


def _weights(value: Any) -> Any:
    """Return `path 2; path 1` as weights by path; anything else is left for the type to judge."""
    if not isinstance(value, str):
        return value
    found = {}
    for part in filter(None, (part.strip() for part in value.split(";"))):
        path, _, weight = part.partition(" ")
        if not weight or path in found:
            raise ValueError(f"{part!r} is no share; write: path 2; path 1, each machine once")
        found[path] = weight.strip()
    return found


class EnergyMeter(MesDocument):
    """A meter: what it measures, where, and which tag carries its reading.

    A meter of a line, an area or a site is divided among its machines, so that nothing is
    counted twice. A machine with a meter of its own takes nothing of another one's.
    """

    KIND: ClassVar[str] = "energy-meters"
    KEY: ClassVar[tuple[str, ...]] = ("site", "code", "valid_from")

    site: SitePath = Field(description="Path of the site.")
    code: ItemCode = Field(description="Code of the meter.")
    name_vi: Text = Field(description="Name in Vietnamese.")
    name_en: OptionalText = Field("", description="Name in English.")
    place: PlacePath = Field(description="Path of the machine, line, area or site it measures.")
    tag: Text = Field(description="Name of the tag at the site that carries its reading.")
    carrier: Literal["electricity", "gas", "steam", "compressed_air", "water"] = Field(
        "electricity", description="What flows through it; water is no energy and not counted."
    )
    reading: Literal["cumulative", "power"] = Field(
        "cumulative", description="Whether the tag shows a counter or the present power."
    )
    kwh_per_unit: Positive = Field(
        1.0,
        description="Kilowatt-hours per unit of the reading, or kilowatts per unit of power: "
        "0.001 for Wh and W.",
    )
    shares: Annotated[
        dict[UnitPath, NotNegative], BeforeValidator(_weights), Field(max_length=500)
    ] = Field(
        {},
        description="Weights of the machines that share it, by path; in a cell: `path 2; path 1`. "
        "Equal ones of all machines of the place, if left out.",
    )
    valid_from: Moment = Field(ALWAYS, description="From when it holds; always, if left out.")
    valid_to: Moment | None = Field(None, description="Until when; open, if left out.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        check_order(self.valid_from, self.valid_to, "valid_from, valid_to")
        if not within(self.place, self.site):
            raise ValueError(f"place: {self.place} is not in {self.site}")
        for path in self.shares:
            if not within(path, self.place):
                raise ValueError(f"shares: {path} is not in {self.place}")
        if self.shares and not any(self.shares.values()):
            raise ValueError("shares: at least one weight is above 0")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield the place and the machines; tags come from the edges, perhaps later."""
        yield place(self.place, "place")
        for path in self.shares:
            yield place(path, "shares")
