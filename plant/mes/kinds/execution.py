"""Which order a machine executed, and when."""

from collections.abc import Iterator
from typing import ClassVar, Self

from pydantic import Field, model_validator

from plant.mes.document import MesDocument, Reference, Target, check_order, place
from plant.mes.field import ItemCode, Moment, Text, UnitPath


class OrderRun(MesDocument):
    """An order on a machine: said when it begins, and said again with its end when it is over.

    The run that began last holds until its own end; an older one does not come back.
    """

    KIND: ClassVar[str] = "order-runs"
    KEY: ClassVar[tuple[str, ...]] = ("work_unit", "started_at")

    work_unit: UnitPath = Field(description="Path of the machine.")
    started_at: Moment = Field(description="When the order began there.")
    ended_at: Moment | None = Field(
        None, description="When it was over; it lasts until the next one, if left out."
    )
    order: Text = Field(description="Number of the order.")
    product: ItemCode | None = Field(
        None, description="Code of the product; that of the order, if left out."
    )
    lot: Text | None = Field(None, description="Number of the lot.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        check_order(self.started_at, self.ended_at, "started_at, ended_at")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield the machine, and the product or else the order that says which it is."""
        yield place(self.work_unit, "work_unit")
        if self.product is None:
            yield Reference(Target.ORDER, self.scope, self.order, "order")
        else:
            yield Reference(Target.PRODUCT, self.owner, self.product, "product")
