"""Places and tags."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.context import ContextDep, tree_of
from api.wire import Listing, PlaceOut, TagOut

router = APIRouter(prefix="/api/v1", tags=["places"])

PlacePath = Annotated[
    str, Query(max_length=400, description="Path of a place, such as `enterprise/site`.")
]


@router.get("/places")
def list_places(context: ContextDep) -> Listing[PlaceOut]:
    """Return every place: parents before children, machines in the order of the flow."""
    with context.database.reading() as reading:
        places = reading.places()
    return Listing(data=[PlaceOut.model_validate(place) for place in places])


@router.get("/tags")
def list_tags(context: ContextDep, place: PlacePath) -> Listing[TagOut]:
    """Return the tags at or below a place, each with its newest measurement."""
    with context.database.reading() as reading:
        tree = tree_of(reading)
        tags = reading.tags(tree.unit_ids(tree.get(place).path))
    return Listing(data=[TagOut.model_validate(tag) for tag in tags])
