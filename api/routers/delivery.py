"""How completely data arrived, and how much work waits."""

from fastapi import APIRouter, Response

from api.context import ContextDep
from api.listing_file import FILES, ListingFormDep, ListingSubject
from api.wire import DeliveryOut, Listing, ProgressOut

router = APIRouter(prefix="/api/v1", tags=["delivery"])


@router.get("/delivery", response_model=Listing[DeliveryOut], responses=FILES)
def list_deliveries(context: ContextDep, form: ListingFormDep) -> Response | Listing[DeliveryOut]:
    """Return, per edge and life of its outbox, what was issued and what is committed."""
    with context.database.reading() as reading:
        deliveries = reading.deliveries()
    data = [DeliveryOut.model_validate(delivery) for delivery in deliveries]
    subject = ListingSubject("delivery", context.clock())
    return form.file(data, DeliveryOut, subject) or Listing(data=data)


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
