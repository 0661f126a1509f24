"""Giving stops their reasons: what there is to choose from, and the choice."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import Context, ContextDep, tree_of
from api.http.origin import OwnPagesOnly
from api.http.problems import ProblemError, client_id_reused
from api.http.windows import Moment
from api.http.wire import ClassificationOut, Listing, ReasonOut
from api.routers.places import PlacePath
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from plant.errors import DataError
from plant.place import Level
from store.figure.classification import Classification

router = APIRouter(prefix="/api/v1", tags=["stops"])

USED_WITHIN = timedelta(days=90)
LONGEST_WAIT_S = 30 * 86_400.0


class ClassificationIn(BaseModel):
    """A reason for a stop, as somebody at the machine gives it."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID = Field(description="Made by the client; sending it again changes nothing.")
    place: Annotated[str, Field(max_length=400, description="Path of the machine.")]
    stop_start: Moment = Field(description="`start` of the stop, as GET /api/v1/stops gives it.")
    reason: Annotated[str, Field(max_length=64, description="A code of GET /api/v1/stop-reasons.")]
    comment: Annotated[str, Field(max_length=500)] = ""
    role: Literal["operator", "engineer", "supervisor"] = Field(
        default="operator", description="As what somebody speaks; never a name."
    )
    waited_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S)] = Field(
        default=0.0, description="Seconds since the choice was made, for one sent later."
    )


@router.get("/stop-reasons", response_model=Listing[ReasonOut], responses=FILES)
@asks_for(Right.OPERATE)
def list_reasons(
    context: ContextDep, place: PlacePath, form: ListingFormDep
) -> Response | Listing[ReasonOut]:
    """Return the reasons of the place's enterprise, those given most there lately first."""
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        path = found.path
        rows = reading.reason_choices(
            path.split("/", 1)[0], tree.unit_ids(path), context.clock() - USED_WITHIN
        )
    data = [ReasonOut.model_validate(row) for row in rows]
    subject = ListingSubject("stop-reasons", context.clock(), found)
    return form.file(data, ReasonOut, subject) or Listing(data=data)


@router.post(
    "/stops/classification",
    dependencies=[OwnPagesOnly],
    status_code=HTTPStatus.CREATED,
    responses={
        200: {"model": ClassificationOut, "description": "It was stored before; nothing changed."},
        403: {"description": "Another web site asked for it."},
        409: {"description": "The client_id stands for another choice."},
    },
)
@asks_for(Right.CLASSIFY)
def classify_stop(
    said: ClassificationIn,
    context: ContextDep,
    response: Response,
) -> ClassificationOut:
    """Store a reason for a stop; the latest one holds, and comes before the machine's own.

    Safe to send again: a `client_id` is stored once, and answered with 200 from then on.
    """
    with context.database.reading() as reading:
        tree = tree_of(reading)
        unit = tree.of_level(said.place, Level.WORK_UNIT)
        if not reading.knows_stop(unit.place_id, said.stop_start):
            raise _unknown_stop(said.place, said.stop_start)
    try:
        receipt = context.classifications.classify(
            Classification(
                unit_id=unit.place_id,
                stop_start=said.stop_start,
                reason_code=said.reason,
                role=said.role,
                client_id=said.client_id,
                classified_at=_tapped_at(context, said.waited_s),
                comment=said.comment,
            )
        )
    except DataError as exc:
        raise _refusal(exc, said) from exc
    if receipt.repeated:
        response.status_code = HTTPStatus.OK
    return ClassificationOut(
        classification_id=receipt.classification_id,
        client_id=said.client_id,
        place=said.place,
        stop_start=said.stop_start,
        reason=said.reason,
        repeated=receipt.repeated,
        holds=receipt.stop_start is not None,
    )


def _refusal(exc: DataError, said: ClassificationIn) -> Exception:
    match exc.reason:
        case "unknown_stop_reason":
            return _unknown_reason(said.reason)
        case "client_id_reused":
            return client_id_reused()
    return exc


def _tapped_at(context: Context, waited_s: float) -> datetime:
    # How long ago it was is known; what time a tablet believes it is need not be right.
    return context.clock() - context.plant_time(waited_s)


def _unknown_stop(place: str, moment: datetime) -> ProblemError:
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "unknown-stop",
        "Unknown stop",
        f"{place!r} did not stop at {moment.isoformat()}; GET /api/v1/stops lists its stops.",
    )


def _unknown_reason(reason: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "unknown-reason",
        "Unknown reason",
        f"{reason!r} is no reason of this enterprise; GET /api/v1/stop-reasons lists them.",
    )
