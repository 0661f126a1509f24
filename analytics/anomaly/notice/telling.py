"""Limits are judged and messages go out: a loop of its own, as another side may be slow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal, cast
from zoneinfo import ZoneInfo

import structlog

from analytics.anomaly.notice.decision import decide, retry_at, within
from analytics.anomaly.notice.letter import RefusedError, send
from analytics.anomaly.notice.limit import Limit, Stand, Turn, judge
from analytics.anomaly.watch.machine import Machine, load_machines
from analytics.anomaly.watch.settings import AnomalySettings
from analytics.readings.interval import instant, millis
from plant.errors import TransientError
from plant.outgoing import OutgoingRefusedError
from store import Connection
from store.anomaly import event as event_store
from store.anomaly import limit as limit_store
from store.anomaly import reading as reading_store
from store.anomaly.event import EventRow
from store.anomaly.limit import Letter, LimitRow
from store.figure import source as figure_source

_log = structlog.get_logger()
_TOLD_SINCE = timedelta(days=7)
_AT_ONCE = 50
_PRIORITY = {"low": 100.0, "medium": 200.0, "high": 300.0}
_LONGEST = timedelta(hours=6)


def judge_limits(connection: Connection, now: datetime) -> int:
    """Judge what came of signals with limits; return how many alarms opened or ended.

    Readings are taken once, in the order of their source times, up to a moment that is a little
    past; later ones do not change what was told.
    """
    rows = limit_store.limits(connection)
    if not rows:
        return 0
    plant = figure_source.plant_source(connection)
    machines = load_machines(connection, plant, sorted({row.work_unit_id for row in rows}))
    turned = 0
    for row in rows:
        if row.work_unit_id in machines:
            turned += _judge(connection, row, machines[row.work_unit_id], now)
    return turned


def _judge(connection: Connection, row: LimitRow, machine: Machine, now: datetime) -> int:
    seen = row.seen_until or row.created_at
    until = min(now, seen + _LONGEST)
    if until <= seen:
        return 0
    numbers = reading_store.numbers(connection, [row.tag_id], seen, until)
    order = numbers.time_us.argsort(kind="stable")
    stand = Stand(
        None if row.beyond_since is None else millis(row.beyond_since),
        None if row.back_since is None else millis(row.back_since),
        row.event_id is not None,
    )
    side = cast('Literal["low", "high"]', row.side)
    limit = Limit(
        side,
        row.value,
        row.deadband,
        round(row.on_delay_s * 1000),
        round(row.off_delay_s * 1000),
    )
    stand, turns = judge(
        limit,
        stand,
        numbers.time_us[order] // 1000,
        numbers.values[order],
        millis(until),
        lambda moment: _heeded(row, instant(moment)),
    )
    event_id = row.event_id
    with connection.transaction():
        for turn in turns:
            if turn.opened:
                event_id = f"l{row.limit_id}-{turn.start_ms}"
                event_store.write_events(connection, [_event(connection, row, machine, turn)])
            elif event_id is not None:
                event_store.end_event(connection, event_id, instant(turn.moment_ms))
                event_id = None
        limit_store.stand(
            connection,
            row.limit_id,
            until,
            None if stand.beyond_ms is None else instant(stand.beyond_ms),
            None if stand.back_ms is None else instant(stand.back_ms),
            event_id,
        )
    return len(turns)


def _heeded(row: LimitRow, moment: datetime) -> bool:
    if row.shelved_until is not None and moment < row.shelved_until:
        return False
    local = moment.astimezone(ZoneInfo(row.zone)).time()
    return not row.windows or any(
        within(local, time.fromisoformat(one["from"]), time.fromisoformat(one["to"]))
        for one in row.windows
    )


def _event(connection: Connection, row: LimitRow, machine: Machine, turn: Turn) -> EventRow:
    start = instant(turn.start_ms)
    words = reading_store.texts(connection, machine.text_tags, start, start)
    return EventRow(
        event_id=f"l{row.limit_id}-{turn.start_ms}",
        work_unit_id=row.work_unit_id,
        model_id=None,
        kind="limit",
        tag_id=row.tag_id,
        start_time=start,
        opened_at=instant(turn.moment_ms),
        end_time=None,
        peak=0.0,
        severity=_PRIORITY[row.priority],
        relearned=False,
        trial=False,
        causes=[
            {
                "tag_id": row.tag_id,
                "share": 1.0,
                "deviation": 1.0 if row.side == "high" else -1.0,
                "actual": turn.value if turn.value == turn.value else row.value,
                "expected": row.value,
            }
        ],
        context=dict(machine.context(words, start)),
    )


@dataclass(slots=True)
class Told:
    """What became of messages: by outcome, how many."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: str) -> None:
        """Count one more."""
        self.counts[outcome] = self.counts.get(outcome, 0) + 1


def tell(connection: Connection, settings: AnomalySettings, now: datetime) -> Mapping[str, int]:
    """Write what has to be told and send what is due; return how many had which outcome.

    One message is one transaction: what was sent before a failure is not sent again, but for the
    one in hand; its name lets the other side see that.
    """
    limit_store.write_messages(connection, now - _TOLD_SINCE, now)
    told = Told()
    for _ in range(_AT_ONCE):
        with connection.transaction():
            found = limit_store.letters(connection, now, 1)
            if not found:
                break
            told.add(_settle(connection, settings, found[0], now))
    return told.counts


def _settle(
    connection: Connection, settings: AnomalySettings, letter: Letter, now: datetime
) -> str:
    outcome = decide(letter, now)
    message = letter.message_id
    if outcome.dropped is not None:
        limit_store.settle(connection, message, dropped=outcome.dropped)
        return outcome.dropped
    if outcome.later is not None:
        limit_store.settle(connection, message, due_at=outcome.later)
        return "later"
    try:
        send(letter, settings, now)
    except TransientError as exc:
        again = retry_at(letter.attempts, now)
        limit_store.settle(connection, message, due_at=again, error=str(exc))
        return "failed"
    except (OutgoingRefusedError, RefusedError, ArithmeticError, LookupError, ValueError) as exc:
        # Also what cannot be put into words or an envelope: the others are told all the same.
        _log.warning("anomaly_message_refused", channel=letter.kind, reason=str(exc))
        limit_store.settle(connection, message, dropped="refused", error=str(exc))
        return "refused"
    limit_store.settle(connection, message, sent_at=now)
    return "sent"
