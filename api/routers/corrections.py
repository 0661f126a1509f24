"""What people correct of what was derived: judgements of counters, where stops begin and end.

Each correction is kept for good, with who spoke and when; the figures are computed again from it.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import ContextDep, tree_of
from api.http.origin import OwnPagesOnly
from api.http.problems import ProblemError
from api.http.windows import End, Moment, Start, window
from api.http.wire import Listing, Time, Wire
from api.routers.places import PlacePath
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from plant.errors import DataError
from plant.place import Level
from store.figure.classification import Division
from store.figure.counter_judgement import VerdictSaid

router = APIRouter(prefix="/api/v1", tags=["corrections"])

LONGEST = timedelta(days=93)
MOST_ROWS = 10_000
Role = Annotated[
    Literal["operator", "engineer", "supervisor"],
    Field(description="As what somebody speaks; never a name."),
]


class JudgementOut(Wire):
    """A reading of a counter that is no plain growth; values in the unit of the counter."""

    place: str
    tag: str
    role: str
    moment: Time
    judgement: str = Field(
        description="`jitter`, `wrapped`, `reset`, `restored`, `implausible`, `returned`, "
        "`undecided`, or `corrected` by a person."
    )
    level: float = Field(description="What it is compared with.")
    shown: float
    counted: float
    doubt: float = Field(description="By how much another reading of the rules differs.")
    verdict: str | None = Field(description="What a person says of it.")
    comment: str | None
    said_by: str | None
    said_at: Time | None


class CorrectionOut(Wire):
    """What a person said, kept for good."""

    place: str
    tag: str | None = Field(description="Null where it is of a stop.")
    moment: Time = Field(description="Of the reading, or where a stop is divided or joined.")
    correction: str = Field(description="A verdict; `split`, `merge` or `none` of a stop.")
    comment: str
    said_by: str
    said_at: Time


class VerdictIn(BaseModel):
    """What a reading of a counter was, as a person says."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID = Field(description="Made by the client; sending it again changes nothing.")
    place: Annotated[str, Field(max_length=400, description="Path of the machine.")]
    tag: Annotated[str, Field(max_length=200)]
    moment: Moment = Field(description="`moment` of GET /api/v1/counters/judgements.")
    verdict: Literal["ignore", "count", "reset", "wrap", "nothing", "rules"] = Field(
        description="A misreading; really made; set to zero; over its modulus; nothing made and "
        "goes on from here; or take back what was said."
    )
    comment: Annotated[str, Field(max_length=500)] = ""
    role: Role = "engineer"


class DivisionIn(BaseModel):
    """Where a stop is divided, or joined to the one before it."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID = Field(description="Made by the client; sending it again changes nothing.")
    place: Annotated[str, Field(max_length=400, description="Path of the machine.")]
    moment: Moment = Field(description="Within a stop to divide it, its `start` to join it.")
    kind: Literal["split", "merge", "none"] = Field(description="`none` takes it back.")
    role: Role = "operator"


class KeptOut(Wire):
    """What became of a correction."""

    client_id: UUID
    repeated: bool = Field(description="It was stored before; nothing changed.")


@router.get("/counters/judgements", response_model=Listing[JudgementOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_judgements(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 1000,
    form: ListingFormDep,
) -> Response | Listing[JudgementOut]:
    """Return what counters showed that is no plain growth, and what was made of it.

    24 hours by default, newest first. A person may correct each: see POST /counters/verdicts.
    """
    now = context.clock()
    asked = window(start, end, now=now, default=timedelta(days=1), longest=LONGEST)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        rows = reading.judgements(tree.unit_ids(found.path), asked.start, asked.end, limit)
    data = [JudgementOut.model_validate(row) for row in rows]
    subject = ListingSubject("judgements", now, found, asked)
    return form.file(data, JudgementOut, subject) or Listing(data=data)


@router.get("/corrections", response_model=Listing[CorrectionOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_corrections(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 1000,
    form: ListingFormDep,
) -> Response | Listing[CorrectionOut]:
    """Return all that people corrected of readings and stops, also what was taken back.

    Of the last 24 hours by default, the latest word first.
    """
    now = context.clock()
    asked = window(start, end, now=now, default=timedelta(days=1), longest=LONGEST)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        rows = reading.corrections(tree.unit_ids(found.path), asked.start, asked.end, limit)
    data = [CorrectionOut.model_validate(row) for row in rows]
    subject = ListingSubject("corrections", now, found, asked)
    return form.file(data, CorrectionOut, subject) or Listing(data=data)


@router.post("/counters/verdicts", dependencies=[OwnPagesOnly], status_code=HTTPStatus.CREATED)
@asks_for(Right.MASTER_DATA)
def judge_reading(said: VerdictIn, context: ContextDep, response: Response) -> KeptOut:
    """Store what a judged reading was; the hour is computed again, finals restated with the cause.

    Kept for good; the last word holds. Safe to send again: a `client_id` is stored once.
    """
    unit_id = _unit(context, said.place)
    verdict = VerdictSaid(
        unit_id,
        said.tag,
        said.moment,
        said.verdict,
        said.comment,
        said.role,
        said.client_id,
        context.clock(),
    )
    try:
        new = context.classifications.judge(verdict)
    except DataError as exc:
        raise _not_found("not-judged", "No such judgement", str(exc)) from exc
    return _kept(said.client_id, response, new=new)


@router.post("/stops/divisions", dependencies=[OwnPagesOnly], status_code=HTTPStatus.CREATED)
@asks_for(Right.CLASSIFY)
def divide_stop(said: DivisionIn, context: ContextDep, response: Response) -> KeptOut:
    """Divide a stop at a moment, join it to the one before it, or take that back.

    The stops follow when analytics has derived them again, in a moment.
    """
    unit_id = _unit(context, said.place)
    division = Division(unit_id, said.moment, said.kind, said.role, said.client_id, context.clock())
    try:
        new = context.classifications.divide(division)
    except DataError as exc:
        raise _not_found("unknown-stop", "Unknown stop", str(exc)) from exc
    return _kept(said.client_id, response, new=new)


def _unit(context: ContextDep, place: str) -> int:
    with context.database.reading() as reading:
        return tree_of(reading).of_level(place, Level.WORK_UNIT).place_id


def _kept(client_id: UUID, response: Response, *, new: bool) -> KeptOut:
    if not new:
        response.status_code = HTTPStatus.OK
    return KeptOut(client_id=client_id, repeated=not new)


def _not_found(kind: str, title: str, detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, kind, title, detail)
