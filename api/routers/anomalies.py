"""Events that detection found, and what people say of them."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.role import Right
from api.anomaly.wire import (
    EventDetailOut,
    EventOut,
    EventPage,
    PrecisionOut,
    RemarkIn,
    RemarkOut,
    SignalOut,
)
from api.http.context import ContextDep, tree_of
from api.http.origin import OwnPagesOnly
from api.http.problems import ProblemError
from api.http.windows import End, Start, window
from api.http.wire import Listing, Page
from api.routers.places import PlacePath
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from api.tables.paging import After, cursor, read_cursor
from plant.errors import DataError
from plant.place import Level
from store.anomaly import event as event_store
from store.anomaly import reading as reading_store
from store.anomaly.event import Remark

router = APIRouter(prefix="/api/v1/anomalies", tags=["anomalies"])

LONGEST = timedelta(days=93)
JUDGED_WITHIN = timedelta(days=90)
_AROUND = timedelta(minutes=10)
_LONGEST_CHART = timedelta(hours=12)


@router.get("/events", response_model=EventPage, responses=FILES)
@asks_for(Right.FIGURES)
def list_events(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    trial: Annotated[
        bool, Query(description="Those of history, which a model was tried on.")
    ] = False,
    open_only: Annotated[bool, Query(description="Without those somebody has judged.")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    after: After = None,
    form: ListingFormDep,
) -> Response | EventPage:
    """Return what was found at a place and below it, newest first; a day by default.

    `meta.next` leads to the next page. A window without `end` ends at each page's own present.
    """
    behind = read_cursor(after)
    now = context.clock()
    asked = window(start, end, now=now, default=timedelta(days=1), longest=LONGEST)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        rows = event_store.told_events(
            reading.connection,
            tree.unit_ids(found.path),
            asked.start,
            asked.end,
            trial=trial,
            open_only=open_only,
            limit=limit,
            behind=behind,
        )
    data = [EventOut.model_validate(row) for row in rows]
    subject = ListingSubject("anomaly_events", now, found, asked)
    going_on = cursor(rows[-1].start_time, rows[-1].event_id) if len(rows) == limit else None
    return form.file(data, EventOut, subject) or EventPage(data=data, meta=Page(next=going_on))


@router.get("/event")
@asks_for(Right.FIGURES)
def show_event(
    *, context: ContextDep, place: PlacePath, event: Annotated[str, Query(max_length=120)]
) -> EventDetailOut:
    """Return an event of a machine with small charts of the signals it names, in their order."""
    now = context.clock()
    with context.database.reading() as reading:
        units = tree_of(reading).unit_ids(tree_of(reading).get(place).path)
        rows = event_store.told_events(
            reading.connection, units, now - 40 * LONGEST, now + LONGEST, trial=None, event_id=event
        )
        if not rows:
            raise _unknown(event)
        (row,) = rows
        signals = [(int(one["tag_id"]), one["name"], one["unit"]) for one in row.causes]
        # What a rule tells of one signal names no share: its chart is that of the signal.
        if row.tag_id is not None and not signals:
            signals = [(row.tag_id, row.tag, row.tag_unit)]
        end = min(row.end_time or now, row.start_time + _LONGEST_CHART)
        charts = reading_store.small_charts(
            reading.connection,
            [tag_id for tag_id, _, _ in signals],
            row.start_time - _AROUND,
            end + _AROUND,
        )
    series = [
        SignalOut(
            tag=name or "",
            unit=unit or "",
            times=[moment for moment, _ in charts.get(tag_id, ())],
            values=[value for _, value in charts.get(tag_id, ())],
        )
        for tag_id, name, unit in signals
    ]
    return EventDetailOut(event=EventOut.model_validate(row), series=series)


@router.post("/remarks", dependencies=[OwnPagesOnly], status_code=HTTPStatus.CREATED)
@asks_for(Right.CLASSIFY)
def say(said: RemarkIn, context: ContextDep, response: Response) -> RemarkOut:
    """Acknowledge an event, put it off, call it no anomaly, or confirm it with its cause.

    Kept for good; the last word holds. What is called no anomaly is learned as normal.
    """
    now = context.clock()
    with context.database.reading() as reading:
        unit = tree_of(reading).of_level(said.place, Level.WORK_UNIT)
        known = event_store.told_events(
            reading.connection,
            [unit.place_id],
            now - 40 * LONGEST,
            now + LONGEST,
            trial=None,
            event_id=said.event,
        )
    if not known:
        raise _unknown(said.event)
    snoozed = None if said.snooze_minutes is None else now + timedelta(minutes=said.snooze_minutes)
    remark = Remark(
        client_id=said.client_id,
        event_id=said.event,
        verdict=said.verdict,
        said_at=now,
        said_by=said_by(said.role),
        snoozed_until=snoozed,
        cause=said.cause.strip(),
        stop_start=said.stop_start,
    )
    try:
        new = context.anomalies.remark(remark)
    except DataError as exc:
        raise _unknown(said.event) from exc
    if not new:
        response.status_code = HTTPStatus.OK
    return RemarkOut(client_id=said.client_id, repeated=not new)


@router.get("/precision", response_model=Listing[PrecisionOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_precision(
    *,
    context: ContextDep,
    place: PlacePath,
    start: Start = None,
    end: End = None,
    form: ListingFormDep,
) -> Response | Listing[PrecisionOut]:
    """Return per machine how right its events were, by what people said; 90 days by default."""
    now = context.clock()
    asked = window(start, end, now=now, default=JUDGED_WITHIN, longest=LONGEST)
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        units = tree.unit_ids(found.path)
        rows = event_store.precisions(reading.connection, units, asked.start, asked.end)
    data = [
        PrecisionOut(
            place=row.place,
            events=row.events,
            confirmed=row.confirmed,
            false=row.false,
            precision=row.confirmed / judged if (judged := row.confirmed + row.false) else None,
            lead_median_s=row.lead_median_s,
        )
        for row in rows
    ]
    subject = ListingSubject("anomaly_precision", now, found, asked)
    return form.file(data, PrecisionOut, subject) or Listing(data=data)


def said_by(role: str) -> str:
    """Return who speaks: an account's name, or as what somebody without one does."""
    principal = CURRENT.get()
    return principal.name if principal.account_id is not None else role


def _unknown(event: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "unknown-event",
        "Unknown event",
        f"There is no event {event!r} of this machine; GET /api/v1/anomalies/events lists them.",
    )
