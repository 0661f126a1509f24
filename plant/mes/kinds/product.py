"""Products, how long one item takes, and the way it takes through the machines."""

from collections.abc import Iterator
from typing import ClassVar, Self

from pydantic import Field, model_validator

from plant.mes.document import MesDocument, Reference, Target, check_order, place
from plant.mes.field import (
    ALWAYS,
    ItemCode,
    Moment,
    OptionalText,
    Ordinal,
    PlaceCode,
    Positive,
    Text,
    UnitPath,
)


class Product(MesDocument):
    """A product; its code is what machines and orders say."""

    KIND: ClassVar[str] = "products"
    KEY: ClassVar[tuple[str, ...]] = ("enterprise", "code")

    enterprise: PlaceCode = Field(description="Code of the enterprise.")
    code: ItemCode = Field(description="Code of the product.")
    name_vi: Text = Field(description="Name in Vietnamese.")
    name_en: OptionalText = Field("", description="Name in English; the Vietnamese one if empty.")

    def references(self) -> Iterator[Reference]:
        """Yield the enterprise."""
        yield place(self.enterprise, "enterprise")


class _OfProductAtMachine(MesDocument):
    work_unit: UnitPath = Field(description="Path of the machine.")
    product: ItemCode = Field(description="Code of the product.")

    def references(self) -> Iterator[Reference]:
        """Yield the machine and the product."""
        yield place(self.work_unit, "work_unit")
        yield Reference(Target.PRODUCT, self.owner, self.product, "product")


class PlannedRunTime(_OfProductAtMachine):
    """Planned run time per item (PRI, "ideal cycle time") of a product on a machine.

    The entry that began last holds until its own end; an older one does not come back.
    """

    KIND: ClassVar[str] = "planned-run-times"
    KEY: ClassVar[tuple[str, ...]] = ("work_unit", "product", "valid_from")

    seconds: Positive = Field(description="Seconds per item.")
    valid_from: Moment = Field(ALWAYS, description="From when it holds; always, if left out.")
    valid_to: Moment | None = Field(None, description="Until when; until the next, if left out.")
    source: OptionalText = Field("", description="Where the figure comes from: drawing, trial run.")

    @model_validator(mode="after")
    def _validity_is_ordered(self) -> Self:
        check_order(self.valid_from, self.valid_to, "valid_from, valid_to")
        return self


class RoutingStep(_OfProductAtMachine):
    """One step of the way of a product through a line, and what one item takes there."""

    KIND: ClassVar[str] = "routings"
    KEY: ClassVar[tuple[str, ...]] = ("work_unit", "product", "valid_from")

    position: Ordinal = Field(description="Place in the sequence; alternatives share a number.")
    parts_per_item: Positive = Field(
        1.0, description="Parts that this machine makes for one finished item."
    )
    parts_per_cycle: Positive = Field(
        1.0,
        description="Parts that one count of its counters is: 4 cavities are 4, two cycles for "
        "one part are 0.5.",
    )
    seconds: Positive | None = Field(
        None,
        description="Planned seconds of one cycle of the operation; used while the product has "
        "no planned run time here.",
    )
    valid_from: Moment = Field(ALWAYS, description="From when it holds; always, if left out.")
    valid_to: Moment | None = Field(None, description="Until when; until the next, if left out.")

    @model_validator(mode="after")
    def _validity_is_ordered(self) -> Self:
        check_order(self.valid_from, self.valid_to, "valid_from, valid_to")
        return self
