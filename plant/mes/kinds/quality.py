"""Quality: what inspections found, and what was booked as scrap or rework after production."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant.mes.document import MesDocument, Reference, Target, place, within
from plant.mes.field import ItemCode, Moment, Ordinal, Positive, SitePath, Text, UnitPath

_REASON_OF = {"scrap": Target.SCRAP_REASON, "rework": Target.REWORK_REASON}


class QualityDocument(MesDocument):
    """What inspections and bookings share."""

    FACT: ClassVar[bool] = True
    KEY: ClassVar[tuple[str, ...]] = ("site", "number")

    site: SitePath = Field(description="Path of the site.")
    number: Text = Field(description="Number of the record.")
    work_unit: UnitPath = Field(description="Path of the machine that made the parts.")
    product: ItemCode = Field(description="Code of the product.")
    lot: Text | None = Field(None, description="Number of the lot.")
    order: Text | None = Field(None, description="Number of the order.")
    reason: ItemCode | None = Field(None, description="Code of the scrap or rework reason.")

    @property
    @abstractmethod
    def outcome(self) -> str:
        """`good`, `scrap` or `rework`."""

    @model_validator(mode="after")
    def _machine_is_of_the_site(self) -> Self:
        if not within(self.work_unit, self.site):
            raise ValueError(f"work_unit: {self.work_unit} is not in {self.site}")
        if self.reason is not None and self.outcome == "good":
            raise ValueError("reason: a good part has none")
        return self

    def references(self) -> Iterator[Reference]:
        """Yield machine, product, lot, order and reason."""
        yield place(self.work_unit, "work_unit")
        yield Reference(Target.PRODUCT, self.owner, self.product, "product")
        if self.lot is not None:
            yield Reference(Target.LOT, self.site, self.lot, "lot")
        if self.order is not None:
            yield Reference(Target.ORDER, self.site, self.order, "order")
        if self.reason is not None:
            yield Reference(_REASON_OF[self.outcome], self.owner, self.reason, "reason")


class Inspection(QualityDocument):
    """The inspection of one part (by serial number) or of a sample of a lot.

    It says what was found. It changes no counts: what the machine's counters did not know is a
    `scrap-bookings` document.
    """

    KIND: ClassVar[str] = "inspections"

    serial_number: Text | None = Field(None, description="Serial number of the one part.")
    attempt: Ordinal = Field(1, description="1 at first pass, 2 after the first rework, ...")
    result: Literal["good", "scrap", "rework"] = Field(description="What was found.")
    quantity: Positive = Field(1.0, description="Parts inspected; 1 with a serial number.")
    inspected_at: Moment = Field(description="When it was inspected.")
    produced_at: Moment | None = Field(None, description="When it was made, where that is known.")

    @property
    def outcome(self) -> str:
        """What was found."""
        return self.result

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.serial_number is None and self.lot is None:
            raise ValueError("serial_number: give the part's serial number, or the lot")
        if self.serial_number is not None and self.quantity != 1:
            raise ValueError("quantity: a serial number is one part")
        if self.produced_at is not None and self.produced_at > self.inspected_at:
            raise ValueError("produced_at, inspected_at: inspected before it was made")
        return self


class ScrapBooking(QualityDocument):
    """Parts that counted as good when they were made and turned out to be scrap or rework.

    It amends the window of production, not that of booking; both times are kept.
    """

    KIND: ClassVar[str] = "scrap-bookings"

    becomes: Literal["scrap", "rework"] = Field("scrap", description="What they turned out to be.")
    quantity: Positive = Field(description="Parts.")
    produced_at: Moment = Field(description="When they were made.")
    booked_at: Moment = Field(description="When it was booked.")

    @property
    def outcome(self) -> str:
        """What they turned out to be."""
        return self.becomes

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.produced_at > self.booked_at:
            raise ValueError("produced_at, booked_at: booked before it was made")
        return self
