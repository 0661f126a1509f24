"""Data that stopped: an alarm of its own, which needs no model."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from analytics.anomaly.watch.machine import Machine
from analytics.readings.interval import millis
from store import Connection
from store.anomaly import event as event_store
from store.anomaly import reading as reading_store
from store.anomaly.event import EventRow


def watch_silence(
    connection: Connection, machines: Mapping[int, Machine], now: datetime, silent_after: timedelta
) -> int:
    """Open an event for each machine that says nothing within its shifts, and end it when it does.

    Returns how many are silent. A machine that never said anything is not expected to.
    """
    newest = reading_store.newest(connection, sorted(machines))
    kept = reading_store.maintained(connection, now)
    known = event_store.silences(connection)
    silent = 0
    with connection.transaction():
        for unit_id, last in newest.items():
            machine = machines[unit_id]
            is_silent = now - last > silent_after
            if not is_silent and unit_id in known:
                event_store.end_event(connection, known[unit_id], last)
            expected = machine.works_always or machine.shift(now) is not None
            if not is_silent or unit_id in kept or not expected:
                continue
            silent += 1
            if unit_id not in known:
                words = reading_store.texts(connection, machine.text_tags, last, last)
                event_store.write_events(
                    connection, [_event(unit_id, last, now, machine.context(words, last))]
                )
    return silent


def _event(unit_id: int, last: datetime, now: datetime, context: dict[str, str | None]) -> EventRow:
    return EventRow(
        event_id=f"s{unit_id}-{millis(last)}",
        work_unit_id=unit_id,
        model_id=None,
        kind="silence",
        tag_id=None,
        start_time=last,
        opened_at=now,
        end_time=None,
        peak=0.0,
        severity=(now - last).total_seconds(),
        relearned=False,
        trial=False,
        causes=[],
        context=dict(context),
    )
