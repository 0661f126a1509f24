"""Data that stopped, and clocks that are wrong: alarms of their own, which need no model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from analytics.anomaly.watch.machine import Machine
from analytics.readings.interval import millis
from store import Connection
from store.anomaly import event as event_store
from store.anomaly import reading as reading_store
from store.anomaly.event import EventRow

ClockFault = Literal["offset", "future", "back"]
_SETTLED = 0.5
"""Part of the tolerance below which a clock that was wrong is right again."""


@dataclass(frozen=True, slots=True)
class Attention:
    """How long nothing may be said, and how wrong a clock may be; in plant time."""

    silent_after: timedelta
    clock_tolerance: timedelta
    away_after: timedelta = timedelta(seconds=30)
    """Silence of an edge after which what it said of its clock is past."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """How many machines say nothing, and how many clock faults there are."""

    silent: int
    clocks: int


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A clock that is wrong now."""

    unit_id: int
    fault: ClockFault
    tag_id: int | None
    since: datetime
    offset: timedelta | None
    """How far it is ahead; None where that was not told."""
    edge: str | None = None

    @property
    def key(self) -> tuple[int, str, int | None]:
        """Return what it is the same by, at the next look."""
        return self.unit_id, self.fault, self.tag_id if self.fault == "future" else None


def watch_silence(
    connection: Connection, machines: Mapping[int, Machine], now: datetime, attention: Attention
) -> Unheard:
    """Open an event for each machine that says nothing within its shifts, and end it when it does.

    One of which readings do arrive, but with times before those of others that came earlier, is not
    silent: its clock went back. Machines that never said anything are not expected to.
    """
    newest = reading_store.newest(connection, sorted(machines))
    kept = reading_store.maintained(connection, now)
    known = {one.work_unit_id: one for one in event_store.open_events(connection, "silence")}
    quiet = {unit for unit, last in newest.items() if now - last > attention.silent_after}
    lately = now - attention.silent_after
    turned = reading_store.turned_back(connection, sorted(quiet), attention.clock_tolerance, lately)
    speaking = {one.work_unit_id for one in turned}
    silent = 0
    with connection.transaction():
        for unit_id, last in newest.items():
            machine = machines[unit_id]
            is_silent = unit_id in quiet - speaking
            if not is_silent and unit_id in known:
                event_store.end_event(connection, known[unit_id].event_id, last)
            expected = machine.works_always or machine.shift(now) is not None
            if not is_silent or unit_id in kept or not expected:
                continue
            silent += 1
            if unit_id not in known:
                row = _event(connection, machine, "silence", None, last, now, now - last)
                event_store.write_events(connection, [row])
        back = [
            _Wrong(one.work_unit_id, "back", one.tag_id, one.newest, one.told - one.received)
            for one in turned
        ]
        clocks = _watch_clocks(connection, machines, now, attention, back)
    return Unheard(silent, clocks)


def _watch_clocks(
    connection: Connection,
    machines: Mapping[int, Machine],
    now: datetime,
    attention: Attention,
    back: list[_Wrong],
) -> int:
    """Open and end events of clocks: an edge's that is off, times to come, times that went back."""
    known = {}
    for event in event_store.open_events(connection, "clock"):
        fault = event.context.get("clock", "")
        tag_id = event.tag_id if fault == "future" else None
        if event.work_unit_id in machines:
            known[event.work_unit_id, fault, tag_id] = event
    units = sorted(machines)
    wrong = [*back]
    for unit_id, tag_id, since in reading_store.refused_times(
        connection, units, now - attention.silent_after, now
    ):
        wrong.append(_Wrong(unit_id, "future", tag_id, since, None))
    for one in reading_store.edge_clocks(connection, units, now - attention.away_after):
        offset = timedelta(milliseconds=one.offset_ms)
        was = (one.work_unit_id, "offset", None) in known
        if abs(offset) > attention.clock_tolerance * (_SETTLED if was else 1.0):
            wrong.append(_Wrong(one.work_unit_id, "offset", None, now, offset, one.edge))
    still = {one.key: one for one in wrong}
    for key, event in known.items():
        if key not in still:
            event_store.end_event(connection, event.event_id, now)
    new = [one for key, one in still.items() if key not in known]
    event_store.write_events(
        connection, [_clock_event(connection, machines[one.unit_id], one, now) for one in new]
    )
    return len(still)


def _clock_event(
    connection: Connection, machine: Machine, wrong: _Wrong, now: datetime
) -> EventRow:
    lasted = abs(wrong.offset) if wrong.offset is not None else timedelta(0)
    row = _event(connection, machine, "clock", wrong.tag_id, wrong.since, now, lasted)
    row = replace(row, event_id=f"c-{wrong.fault}-{wrong.tag_id or 0}-{row.event_id}")
    row.context["clock"] = wrong.fault
    if wrong.offset is not None:
        row.context["offset_s"] = round(wrong.offset.total_seconds(), 3)
    if wrong.edge is not None:
        row.context["edge"] = wrong.edge
    return row


def _event(
    connection: Connection,
    machine: Machine,
    kind: str,
    tag_id: int | None,
    start: datetime,
    now: datetime,
    severity: timedelta,
) -> EventRow:
    words = reading_store.texts(connection, machine.text_tags, start, start)
    return EventRow(
        event_id=f"{kind[0]}{machine.unit_id}-{millis(start)}",
        work_unit_id=machine.unit_id,
        model_id=None,
        kind=kind,
        tag_id=tag_id,
        start_time=start,
        opened_at=now,
        end_time=None,
        peak=0.0,
        severity=severity.total_seconds(),
        relearned=False,
        trial=False,
        causes=[],
        context=dict(machine.context(words, start)),
    )
