"""Production orders and lots."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant.mes.document import MesDocument, Reference, Target, check_order, place, within
from plant.mes.field import ItemCode, LinePath, Moment, NotNegative, Positive, SitePath, Text


class ProductionOrder(MesDocument):
    """A production order (lệnh sản xuất) of a line."""

    KIND: ClassVar[str] = "orders"
    KEY: ClassVar[tuple[str, ...]] = ("site", "number")

    site: SitePath = Field(description="Path of the site.")
    number: Text = Field(description="Number of the order, as machines report it.")
    product: ItemCode = Field(description="Code of the product.")
    work_center: LinePath = Field(description="Path of the line.")
    planned_quantity: Positive = Field(description="Items to make.")
    planned_start: Moment | None = Field(None, description="When it is to begin.")
    planned_end: Moment | None = Field(None, description="When it is to be done.")
    status: Literal["planned", "released", "running", "finished", "cancelled"] = Field(
        "released", description="How far it is."
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        check_order(self.planned_start, self.planned_end, "planned_start, planned_end")
        if not within(self.work_center, self.site):
            raise ValueError(f"work_center: {self.work_center} is not in {self.site}")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield the line and the product."""
        yield place(self.work_center, "work_center")
        yield Reference(Target.PRODUCT, self.owner, self.product, "product")


class Lot(MesDocument):
    """A lot (lô): items of one product that belong together."""

    KIND: ClassVar[str] = "lots"
    KEY: ClassVar[tuple[str, ...]] = ("site", "number")

    site: SitePath = Field(description="Path of the site.")
    number: Text = Field(description="Number of the lot.")
    product: ItemCode = Field(description="Code of the product.")
    order: Text | None = Field(None, description="Number of the order that it belongs to.")
    quantity: NotNegative | None = Field(None, description="Items in it, once that is known.")
    started_at: Moment | None = Field(None, description="When its production began.")
    ended_at: Moment | None = Field(None, description="When its production was over.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        check_order(self.started_at, self.ended_at, "started_at, ended_at")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield the site, the product and the order."""
        yield place(self.site, "site")
        yield Reference(Target.PRODUCT, self.owner, self.product, "product")
        if self.order is not None:
            yield Reference(Target.ORDER, self.site, self.order, "order")
