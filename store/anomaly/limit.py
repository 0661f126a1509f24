"""Alarm limits of single tags, channels, and the messages that go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from plant.errors import DataError
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("anomaly/limit")


@dataclass(frozen=True, slots=True)
class LimitSaid:
    """A limit as somebody sets it; `windows` are local times of day, none: always."""

    work_unit_id: int
    tag: str
    side: str
    value: float
    deadband: float
    on_delay_s: float
    off_delay_s: float
    priority: str
    windows: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit in force, with where its judgement stands."""

    limit_id: int
    work_unit_id: int
    place: str
    tag_id: int
    tag: str
    unit: str
    zone: str
    side: str
    value: float
    deadband: float
    on_delay_s: float
    off_delay_s: float
    priority: str
    windows: list[dict[str, str]]
    shelved_until: datetime | None
    shelved_by: str | None
    created_at: datetime
    created_by: str
    seen_until: datetime | None
    beyond_since: datetime | None
    back_since: datetime | None
    event_id: str | None


@dataclass(frozen=True, slots=True)
class ChannelSaid:
    """A channel as somebody sets it up."""

    site_id: int
    kind: str
    target: str
    secret: str
    least_severity: float
    quiet_from: time | None
    quiet_to: time | None
    escalate_after_s: float | None
    repeat_after_s: float


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel without its secret."""

    channel_id: int
    site_id: int
    kind: str
    target: str
    least_severity: float
    quiet_from: time | None
    quiet_to: time | None
    escalate_after_s: float | None
    repeat_after_s: float


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is due, with all that its telling needs."""

    message_id: int
    step: str
    attempts: int
    kind: str
    target: str
    secret: str
    quiet_from: time | None
    quiet_to: time | None
    zone: str
    repeat_after_s: float
    told_before: datetime | None
    """When the channel was last told of an event of the same machine."""
    acknowledged: bool
    snoozed_until: datetime | None
    maintained: bool
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Flood:
    """Alarms of a site by ISA-18.2: how many people had to look at in ten minutes."""

    alarms: int
    per_hour: float
    most_in_10_min: int
    flooded_share: float
    """Part of all spans of ten minutes with more than ten alarms."""
    worst: list[dict[str, Any]]
    """{place, tag, kind, alarms}: the ten that raise most."""


def limits(connection: Connection, units: Sequence[int] | None = None) -> list[LimitRow]:
    """Return the limits in force of work units, or all."""
    with connection.cursor(row_factory=class_row(LimitRow)) as cursor:
        asked = {"units": None if units is None else list(units)}
        return cursor.execute(_Q["limits"], asked).fetchall()


def add_limit(connection: Connection, said: LimitSaid, now: datetime, who: str) -> int:
    """Set a limit; DataError `unknown_tag` where the machine has no such number."""
    row = connection.execute(
        _Q["add_limit"],
        {
            "unit": said.work_unit_id,
            "tag": said.tag,
            "side": said.side,
            "value": said.value,
            "deadband": said.deadband,
            "on_delay_s": said.on_delay_s,
            "off_delay_s": said.off_delay_s,
            "priority": said.priority,
            "windows": Jsonb(said.windows),
            "now": now,
            "who": who,
        },
    ).fetchone()
    if row is None:
        raise DataError("unknown_tag", f"the machine has no number {said.tag}")
    return int(row[0])


def remove_limit(connection: Connection, limit_id: int, unit_id: int, now: datetime) -> bool:
    """Take a limit of a machine away; what was seen of it stays."""
    asked = {"limit": limit_id, "unit": unit_id, "now": now}
    return connection.execute(_Q["remove_limit"], asked).rowcount == 1


def shelve_limit(
    connection: Connection, limit_id: int, unit_id: int, until: datetime | None, who: str
) -> bool:
    """Silence a limit of a machine until a moment."""
    asked = {"limit": limit_id, "unit": unit_id, "until": until, "who": who}
    return connection.execute(_Q["shelve_limit"], asked).rowcount == 1


def stand(
    connection: Connection,
    limit_id: int,
    seen_until: datetime,
    beyond_since: datetime | None,
    back_since: datetime | None,
    event_id: str | None,
) -> None:
    """Keep where the judgement of a limit stands."""
    connection.execute(
        _Q["stand"],
        {
            "limit": limit_id,
            "seen_until": seen_until,
            "beyond_since": beyond_since,
            "back_since": back_since,
            "event": event_id,
        },
    )


def add_channel(connection: Connection, said: ChannelSaid, now: datetime, who: str) -> int:
    """Add a channel."""
    row = connection.execute(
        _Q["add_channel"],
        {
            "site": said.site_id,
            "kind": said.kind,
            "target": said.target,
            "secret": said.secret,
            "least": said.least_severity,
            "quiet_from": said.quiet_from,
            "quiet_to": said.quiet_to,
            "escalate": said.escalate_after_s,
            "repeat": said.repeat_after_s,
            "now": now,
            "who": who,
        },
    ).fetchone()
    assert row is not None, "an insert returns its row"
    return int(row[0])


def remove_channel(connection: Connection, channel_id: int, site_id: int, now: datetime) -> bool:
    """Tell a channel nothing any more."""
    asked = {"channel": channel_id, "site": site_id, "now": now}
    return connection.execute(_Q["remove_channel"], asked).rowcount == 1


def channels_of(connection: Connection, site_id: int) -> list[ChannelRow]:
    """Return the channels of a site."""
    with connection.cursor(row_factory=class_row(ChannelRow)) as cursor:
        return cursor.execute(_Q["channels"], {"site": site_id}).fetchall()


def write_messages(connection: Connection, since: datetime, now: datetime) -> int:
    """Write what has to be told of events since a moment: once per channel, event and step."""
    return connection.execute(_Q["write_messages"], {"since": since, "now": now}).rowcount


def letters(connection: Connection, now: datetime, limit: int = 100) -> list[Letter]:
    """Return messages that are due; other processes leave them alone until the transaction ends."""
    with connection.cursor(row_factory=class_row(Letter)) as cursor:
        return cursor.execute(_Q["letters"], {"now": now, "limit": limit}).fetchall()


def settle(
    connection: Connection,
    message_id: int,
    *,
    sent_at: datetime | None = None,
    dropped: str | None = None,
    due_at: datetime | None = None,
    error: str | None = None,
) -> None:
    """Say what became of a message: sent, dropped, or tried again when it is due."""
    connection.execute(
        _Q["settle"],
        {
            "message": message_id,
            "sent_at": sent_at,
            "dropped": dropped,
            "due_at": due_at,
            "error": error,
        },
    )


def flood(connection: Connection, units: Sequence[int], start: datetime, end: datetime) -> Flood:
    """Return the figures of alarms of machines in `[start, end)`."""
    asked = {"units": list(units), "start": start, "end": end}
    row = connection.execute(_Q["flood"], asked).fetchone()
    worst = connection.execute(_Q["worst"], asked).fetchall()
    alarms, most, flooded = row if row is not None else (0, 0, 0)
    hours = max((end - start).total_seconds() / 3600, 1e-9)
    names = ("place", "tag", "kind", "alarms")
    return Flood(
        alarms=alarms,
        per_hour=alarms / hours,
        most_in_10_min=most,
        flooded_share=flooded / max(hours * 6, 1.0),
        worst=[dict(zip(names, one, strict=True)) for one in worst],
    )
