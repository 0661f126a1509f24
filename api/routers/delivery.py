"""How completely data arrived, and how much work waits."""

from fastapi import APIRouter

from api.context import ContextDep
from api.wire import DeliveryOut, Listing, ProgressOut

router = APIRouter(prefix="/api/v1", tags=["delivery"])


@router.get("/delivery")
def list_deliveries(context: ContextDep) -> Listing[DeliveryOut]:
    """Return, per edge and life of its outbox, what was issued and what is committed."""
    with context.database.reading() as reading:
        deliveries = reading.deliveries()
    return Listing(data=[DeliveryOut.model_validate(delivery) for delivery in deliveries])


@router.get("/progress")
def show_progress(context: ContextDep) -> ProgressOut:
    """Return how many hours wait to be computed again and how much was refused so far."""
    with context.database.reading() as reading:
        progress = reading.progress()
        edition = reading.edition()
    return ProgressOut(
        dirty_windows=progress.dirty_windows,
        rejections=progress.rejections,
        now=context.clock(),
        edition=edition,
    )
