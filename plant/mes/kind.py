"""All kinds of documents, by the name that files, topics and addresses use."""

import difflib

from plant.errors import ConfigurationError
from plant.mes.document import MesDocument
from plant.mes.kinds.energy import EnergyMeter
from plant.mes.kinds.execution import OrderRun
from plant.mes.kinds.maintenance import PlannedMaintenance
from plant.mes.kinds.mapping import ImportMapping
from plant.mes.kinds.order import Lot, ProductionOrder
from plant.mes.kinds.product import PlannedRunTime, Product, RoutingStep
from plant.mes.kinds.quality import Inspection, ScrapBooking
from plant.mes.kinds.reason import ReworkReason, ScrapReason, StopReason
from plant.mes.kinds.shift import Holiday, Shift, ShiftRotation, TimeZone
from plant.mes.kinds.target import OeeTarget

KINDS: dict[str, type[MesDocument]] = {
    document.KIND: document
    for document in (
        Product,
        PlannedRunTime,
        RoutingStep,
        ProductionOrder,
        Lot,
        OrderRun,
        TimeZone,
        Shift,
        ShiftRotation,
        Holiday,
        PlannedMaintenance,
        StopReason,
        ScrapReason,
        ReworkReason,
        Inspection,
        ScrapBooking,
        EnergyMeter,
        OeeTarget,
        ImportMapping,
    )
}
"""In the order in which they may refer to one another."""


def document_type(kind: str) -> type[MesDocument]:
    """Return the document type of a kind; raise ConfigurationError naming the nearest."""
    if kind in KINDS:
        return KINDS[kind]
    near = difflib.get_close_matches(kind, KINDS, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(KINDS)}"
    raise ConfigurationError(f"there is no kind '{kind}'; {hint}")
