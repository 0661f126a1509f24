"""Places and tags."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import ContextDep, tree_of
from api.http.wire import Listing, PlaceOut, TagOut, told
from api.tables.listing import FILES, ListingFormDep, ListingSubject

router = APIRouter(prefix="/api/v1", tags=["places"])

PlacePath = Annotated[
    str, Query(max_length=400, description="Path of a place, such as `enterprise/site`.")
]


@router.get("/places", response_model=Listing[PlaceOut], responses=FILES)
@asks_for(Right.AGGREGATES)
def list_places(context: ContextDep, form: ListingFormDep) -> Response:
    """Return every place: parents before children, machines in the order of the flow."""
    with context.database.reading() as reading:
        places = reading.places()
    data = [PlaceOut.model_validate(place) for place in places]
    subject = ListingSubject("places", context.clock())
    return form.file(data, PlaceOut, subject) or told(Listing[PlaceOut](data=data))


@router.get("/tags", response_model=Listing[TagOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_tags(context: ContextDep, place: PlacePath, form: ListingFormDep) -> Response:
    """Return the tags at or below a place, each with its newest measurement."""
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        tags = reading.tags(tree.unit_ids(found.path))
    data = [TagOut.model_validate(tag) for tag in tags]
    subject = ListingSubject("tags", context.clock(), found)
    return form.file(data, TagOut, subject) or told(Listing[TagOut](data=data))
