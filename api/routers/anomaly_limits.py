"""Alarm limits of single signals, figures of floods, and where events are told."""

from datetime import timedelta
from http import HTTPStatus

from fastapi import APIRouter, Response

from api.access.declaration import asks_for
from api.access.role import Right
from api.anomaly.wire import (
    ChannelChangeIn,
    ChannelIn,
    ChannelOut,
    FloodOut,
    LimitChangeIn,
    LimitIn,
    LimitOut,
    MadeOut,
)
from api.http.context import Context, ContextDep, tree_of
from api.http.origin import OwnPagesOnly
from api.http.problems import ProblemError
from api.http.windows import End, Start, window
from api.http.wire import Listing
from api.routers.anomalies import LONGEST, said_by
from api.routers.places import PlacePath
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from plant.errors import DataError
from plant.place import Level
from store.anomaly import limit as limit_store
from store.anomaly.limit import ChannelSaid, LimitSaid

router = APIRouter(prefix="/api/v1/anomalies", tags=["anomalies"])


@router.get("/limits", response_model=Listing[LimitOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_limits(
    *, context: ContextDep, place: PlacePath, form: ListingFormDep
) -> Response | Listing[LimitOut]:
    """Return the alarm limits of the machines at a place."""
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        rows = limit_store.limits(reading.connection, tree.unit_ids(found.path))
    names = [name for name in LimitOut.model_fields if name != "active"]
    data = [
        LimitOut(**{name: getattr(row, name) for name in names}, active=row.event_id is not None)
        for row in rows
    ]
    subject = ListingSubject("anomaly_limits", context.clock(), found)
    return form.file(data, LimitOut, subject) or Listing(data=data)


@router.post("/limits", dependencies=[OwnPagesOnly], status_code=HTTPStatus.CREATED)
@asks_for(Right.MASTER_DATA)
def add_limit(asked: LimitIn, context: ContextDep) -> MadeOut:
    """Set an alarm limit: with a deadband, delays, a priority, and times of day it holds in."""
    said = LimitSaid(
        work_unit_id=_place(context, asked.place, Level.WORK_UNIT),
        tag=asked.tag,
        side=asked.side,
        value=asked.value,
        deadband=asked.deadband,
        on_delay_s=asked.on_delay_s,
        off_delay_s=asked.off_delay_s,
        priority=asked.priority,
        windows=[{"from": f"{one.start:%H:%M}", "to": f"{one.end:%H:%M}"} for one in asked.windows],
    )
    try:
        return MadeOut(id=context.anomalies.add_limit(said, context.clock(), said_by("engineer")))
    except DataError as exc:
        raise ProblemError(
            HTTPStatus.NOT_FOUND, "unknown-signal", "Unknown signal", exc.detail
        ) from exc


@router.post("/limits/change", dependencies=[OwnPagesOnly])
@asks_for(Right.MASTER_DATA)
def change_limit(asked: LimitChangeIn, context: ContextDep) -> MadeOut:
    """Shelve a limit for a while, take that back, or remove it."""
    unit_id = _place(context, asked.place, Level.WORK_UNIT)
    now = context.clock()
    if asked.change == "remove":
        done = context.anomalies.remove_limit(asked.limit, unit_id, now)
    else:
        until = now + timedelta(minutes=asked.shelve_minutes) if asked.change == "shelve" else None
        done = context.anomalies.shelve_limit(asked.limit, unit_id, until, said_by("engineer"))
    if not done:
        raise _gone("limit")
    return MadeOut(id=asked.limit)


@router.get("/flood")
@asks_for(Right.FIGURES)
def show_flood(
    *, context: ContextDep, place: PlacePath, start: Start = None, end: End = None
) -> FloodOut:
    """Return how many alarms a place raised, in floods or not, and which raised most; a week."""
    now = context.clock()
    asked = window(start, end, now=now, default=timedelta(days=7), longest=LONGEST)
    with context.database.reading() as reading:
        units = tree_of(reading).unit_ids(tree_of(reading).get(place).path)
        found = limit_store.flood(reading.connection, units, asked.start, asked.end)
    return FloodOut.model_validate(found)


@router.get("/channels", response_model=Listing[ChannelOut], responses=FILES)
@asks_for(Right.MASTER_DATA)
def list_channels(
    *, context: ContextDep, place: PlacePath, form: ListingFormDep
) -> Response | Listing[ChannelOut]:
    """Return where events of a site are told; secrets are not shown."""
    with context.database.reading() as reading:
        site = tree_of(reading).of_level(place, Level.SITE)
    rows = context.anomalies.channels(site.place_id)
    data = [ChannelOut.model_validate(row) for row in rows]
    subject = ListingSubject("anomaly_channels", context.clock(), site)
    return form.file(data, ChannelOut, subject) or Listing(data=data)


@router.post("/channels", dependencies=[OwnPagesOnly], status_code=HTTPStatus.CREATED)
@asks_for(Right.MASTER_DATA)
def add_channel(asked: ChannelIn, context: ContextDep) -> MadeOut:
    """Have events of a site told: at once, or when nobody has looked at them for a while."""
    if asked.kind == "webhook":
        # Where it leads is looked at again each time it is called: names may move.
        scheme, _, rest = asked.target.partition("://")
        if scheme not in {"https", "http"} or not rest.partition("/")[0]:
            raise _bad_target("a webhook's address begins with https://")
    elif asked.kind == "mqtt":
        parts = asked.target.split("/")
        if set("+#\0") & set(asked.target) or any(not one or one[0] == "$" for one in parts):
            raise _bad_target("a topic has names between its slashes, without +, # and $")
    elif "@" not in asked.target or not asked.target.isprintable():
        raise _bad_target("this is no address of a mailbox")
    if (asked.quiet_from is None) != (asked.quiet_to is None):
        raise _bad_target("quiet hours have a beginning and an end")
    said = ChannelSaid(
        site_id=_place(context, asked.place, Level.SITE),
        kind=asked.kind,
        target=asked.target,
        secret=asked.secret,
        least_severity=asked.least_severity,
        quiet_from=asked.quiet_from,
        quiet_to=asked.quiet_to,
        escalate_after_s=asked.escalate_after_s,
        repeat_after_s=asked.repeat_after_s,
    )
    return MadeOut(id=context.anomalies.add_channel(said, context.clock(), said_by("engineer")))


@router.post("/channels/removal", dependencies=[OwnPagesOnly])
@asks_for(Right.MASTER_DATA)
def remove_channel(asked: ChannelChangeIn, context: ContextDep) -> MadeOut:
    """Tell a channel nothing any more."""
    site_id = _place(context, asked.place, Level.SITE)
    if not context.anomalies.remove_channel(asked.channel, site_id, context.clock()):
        raise _gone("channel")
    return MadeOut(id=asked.channel)


def _place(context: Context, path: str, level: Level) -> int:
    with context.database.reading() as reading:
        return tree_of(reading).of_level(path, level).place_id


def _gone(what: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.NOT_FOUND, f"unknown-{what}", "Not there", f"There is no such {what} here."
    )


def _bad_target(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-target", "Bad target", detail)
