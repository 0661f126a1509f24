"""Newest values and events as they come, for programs: server-sent events."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.role import Right
from api.anomaly.wire import EventOut
from api.http.context import Context, ContextDep, tree_of
from api.http.problems import too_many_tags
from api.http.wire import TagOut
from api.routers.places import PlacePath
from plant.errors import ConfigurationError, StoreUnavailableError
from store.anomaly import event as event_store
from store.reading.reading import QueryTooLongError

router = APIRouter(prefix="/api/v1", tags=["measurements"])

MOST_TAGS = 2_000
_EVENTS_WITHIN = timedelta(days=1)
_MOST_EVENTS = 200
_BEAT_S = 15.0
_STILL_THERE_S = 20.0
_MOST_LOOKS = 500
Entries = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """What there is of a place: newest values by tag, events by number, each as JSON tells it."""

    values: Entries
    events: Entries

    def since(self, before: "Look | None") -> "dict[str, list[Any]]":
        """Return what is new or another one, by the kind of message."""
        return {
            kind: [one for key, one in now.items() if then.get(key) != one]
            for kind, now, then in (
                ("values", self.values, before.values if before else {}),
                ("events", self.events, before.events if before else {}),
            )
        }


@dataclass(slots=True)
class _Slot:
    lock: Lock = field(default_factory=Lock)
    looked: float = float("-inf")
    look: Look | None = None


class Looks:
    """One look at the database for all who may see the same and listen to the same place."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = Lock()
        self._slots: dict[object, _Slot] = {}

    def look(self, place: str) -> Look:
        """Return what there is, at most `refresh_s` old.

        Raises the problems `unknown-place` and `too-many-tags`, and what reading raises.
        """
        principal = CURRENT.get()
        with self._lock:
            if len(self._slots) >= _MOST_LOOKS:
                self._slots.clear()
            # What one enterprise sees is not for another.
            key = (principal.reach, principal.within, place)
            slot = self._slots.setdefault(key, _Slot())
        with slot.lock:
            age = time.monotonic() - slot.looked
            if slot.look is None or age > self._context.settings.refresh_s:
                slot.look = self._read(place)
                slot.looked = time.monotonic()
            return slot.look

    def _read(self, place: str) -> Look:
        now = self._context.clock()
        with self._context.database.reading() as reading:
            tree = tree_of(reading)
            units = tree.unit_ids(tree.get(place).path)
            if reading.count_tags(units) > MOST_TAGS:
                raise too_many_tags(MOST_TAGS)
            tags = reading.tags(units)
            events = event_store.told_events(
                reading.connection,
                units,
                now - _EVENTS_WITHIN,
                now + _EVENTS_WITHIN,
                trial=False,
                open_only=False,
                limit=_MOST_EVENTS,
            )
        values = {}
        for tag in tags:
            last = TagOut.model_validate(tag).last
            if last is not None:
                values[tag.tag] = {"tag": tag.tag} | last.model_dump(mode="json")
        told = [EventOut.model_validate(row).model_dump(mode="json") for row in events]
        return Look(values, {one["event_id"]: one for one in told})


@router.get(
    "/changes",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Changes as they come."}},
)
@asks_for(Right.FIGURES)
def listen(request: Request, context: ContextDep, place: PlacePath) -> StreamingResponse:
    """Stream newest values and events at or below a place, of at most 2,000 tags.

    Message `values` carries `{"data": [{tag, source_time, received_time, value, quality}]}`,
    message `events` what `/anomalies/events` lists of the last day: first all there are, then what
    is new or another one. A value that another followed within `refresh_s` of the service is not
    told; `/measurements` has it. `beat` comes while nothing changes, `end` when session or token
    have ended.
    """
    looks: Looks = request.app.state.looks
    # An unknown place is an error now, not a stream that says nothing.
    looks.look(place)
    return StreamingResponse(
        _changes(context, looks, place),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _changes(context: Context, looks: Looks, place: str) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    before: Look | None = None
    said = asked = time.monotonic()
    principal, authentication = CURRENT.get(), context.authentication
    with context.metrics.open_streams.track_inprogress():
        while not context.ending.announced:
            now = time.monotonic()
            try:
                if now - asked > _STILL_THERE_S:
                    asked = now
                    if not await run_in_threadpool(authentication.lasts, principal):
                        yield "event: end\ndata:\n\n"
                        return
                look = await run_in_threadpool(looks.look, place)
            except (StoreUnavailableError, ConfigurationError, QueryTooLongError):
                # Nothing new is told meanwhile; the service's log says why.
                look = before or Look({}, {})
            for kind, found in look.since(before).items():
                if found:
                    content = json.dumps({"data": found}, ensure_ascii=False)
                    yield f"event: {kind}\ndata: {content}\n\n"
                    said = time.monotonic()
            before = look
            if time.monotonic() - said > _BEAT_S:
                yield "event: beat\ndata:\n\n"
                said = time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(context.ending.wait(), context.settings.refresh_s)
