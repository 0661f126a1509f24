"""The registry of models: from proposal over trial to approval, and back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from plant.errors import DataError
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("anomaly/model")


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A row of `anomaly_model` with the path of its machine."""

    model_id: int
    work_unit_id: int
    place: str
    status: str
    reason: str
    tag_ids: list[int]
    step_ms: int
    settings: dict[str, Any]
    train_from: datetime
    train_to: datetime
    trial_to: datetime
    scored_until: datetime | None
    final_until: datetime | None
    rows_learned: int
    progress: dict[str, Any]
    data_hash: str | None
    false_per_day: float | None
    created_at: datetime
    created_by: str
    approved_at: datetime | None
    approved_by: str | None
    retired_at: datetime | None
    because: str
    """Of a model that the service asked for: number of the maintenance, or product."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A model that somebody asks for; `tag_ids` in the order of the detector's columns."""

    work_unit_id: int
    reason: str
    tag_ids: tuple[int, ...]
    step_ms: int
    settings: dict[str, Any]
    train_from: datetime
    train_to: datetime
    trial_to: datetime


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a model has come."""

    scored_until: datetime
    final_until: datetime | None
    rows_learned: int
    progress: dict[str, Any]
    data_hash: str | None
    false_per_day: float | None


def models(connection: Connection, statuses: list[str]) -> list[ModelRow]:
    """Return the models of some statuses, oldest first."""
    return _models(connection, {"statuses": statuses, "units": None})


def models_of(connection: Connection, units: list[int]) -> list[ModelRow]:
    """Return all models of work units, oldest first."""
    return _models(connection, {"statuses": None, "units": units})


def _models(connection: Connection, asked: dict[str, Any]) -> list[ModelRow]:
    with connection.cursor(row_factory=class_row(ModelRow)) as cursor:
        return cursor.execute(_Q["models"], asked).fetchall()


def propose(connection: Connection, asked: Proposal, now: datetime, who: str) -> int:
    """Enter a model to be learned and return its id; what was prepared before is refused.

    Raises DataError `anomaly_tags` when a tag is not a number of that machine.
    """
    with connection.transaction():
        row = connection.execute(
            _Q["foreign_tags"], {"unit": asked.work_unit_id, "tags": list(asked.tag_ids)}
        ).fetchone()
        # A signal named twice would be two columns of the detector, and weigh as two.
        if row is None or row[0] != len(set(asked.tag_ids)) or len(asked.tag_ids) != row[0]:
            raise DataError("anomaly_tags", "a signal is no number of this machine, or named twice")
        connection.execute(_Q["refuse_prepared"], {"unit": asked.work_unit_id, "now": now})
        made = connection.execute(_Q["propose"], _asked(asked, "", now, who)).fetchone()
    assert made is not None, "an insert returns its row"
    return int(made[0])


def propose_once(
    connection: Connection, asked: Proposal, because: str, now: datetime, who: str
) -> int | None:
    """Enter a model unless one is in preparation, or was asked for because of the same before."""
    made = connection.execute(_Q["propose_once"], _asked(asked, because, now, who)).fetchone()
    return None if made is None else int(made[0])


def _asked(asked: Proposal, because: str, now: datetime, who: str) -> dict[str, Any]:
    return {
        "unit": asked.work_unit_id,
        "reason": asked.reason,
        "because": because,
        "tags": list(asked.tag_ids),
        "step_ms": asked.step_ms,
        "settings": Jsonb(asked.settings),
        "train_from": asked.train_from,
        "train_to": asked.train_to,
        "trial_to": asked.trial_to,
        "now": now,
        "who": who,
    }


def approve(connection: Connection, model_id: int, now: datetime, who: str) -> bool:
    """Make a ready or retired model live in place of the one that is; False for any other.

    One that was live before goes on with what it knew, from now. Of one that is live, what it has
    become is approved.
    """
    with connection.transaction():
        asked = {"model": model_id, "now": now, "who": who}
        if connection.execute(_Q["approvable"], asked).fetchone() is None:
            return False
        # First: a machine has one live model at a time (index `anomaly_model_live`).
        connection.execute(_Q["retire_live"], asked)
        connection.execute(_Q["approve"], asked)
    return True


def as_approved(connection: Connection, model_id: int, now: datetime) -> bool:
    """Have a live model go on, from now, with what it knew when it was approved last."""
    asked = {"model": model_id, "now": now}
    return connection.execute(_Q["as_approved"], asked).rowcount == 1


def refuse(connection: Connection, model_id: int, now: datetime) -> bool:
    """Give up a model that is being prepared."""
    return connection.execute(_Q["refuse"], {"model": model_id, "now": now}).rowcount == 1


def advance(connection: Connection, models_to: list[tuple[int, Advance]]) -> None:
    """Say how far models have come; a learning one that is through its trial is ready."""
    with connection.cursor() as cursor:
        cursor.executemany(
            _Q["advance"],
            [
                {
                    "model": model_id,
                    "scored_until": to.scored_until,
                    "final_until": to.final_until,
                    "rows_learned": to.rows_learned,
                    "progress": Jsonb(to.progress),
                    "data_hash": to.data_hash,
                    "false_per_day": to.false_per_day,
                }
                for model_id, to in models_to
            ],
        )


def try_own(connection: Connection, model_id: int) -> bool:
    """Take a model for this session, unless another process has it."""
    row = connection.execute(_Q["try_own"], {"model": model_id}).fetchone()
    return bool(row and row[0])


def disown(connection: Connection, model_id: int) -> None:
    """Let another process have a model."""
    connection.execute(_Q["disown"], {"model": model_id})


def owners(connection: Connection) -> int:
    """Return how many sessions own models."""
    row = connection.execute(_Q["owners"]).fetchone()
    return int(row[0]) if row else 0


def save_state(
    connection: Connection, model_id: int, moment: datetime, kind: str, version: int, content: bytes
) -> None:
    """Keep what a model knows at a moment."""
    connection.execute(
        _Q["save_state"],
        {
            "model": model_id,
            "moment": moment,
            "kind": kind,
            "version": version,
            "content": content,
        },
    )


def load_state(
    connection: Connection, model_id: int, version: int, until: datetime | None = None
) -> tuple[datetime, bytes] | None:
    """Return the newest state of this version, or the newest not after a moment."""
    row = connection.execute(
        _Q["load_state"], {"model": model_id, "version": version, "until": until}
    ).fetchone()
    return None if row is None else (row[0], bytes(row[1]))


def approvals(connection: Connection, model_id: int) -> list[datetime]:
    """Return when people approved what a model knew, as far as that was kept; oldest first."""
    rows = connection.execute(_Q["approvals"], {"model": model_id}).fetchall()
    return [row[0] for row in rows]


def load_approved(
    connection: Connection, model_id: int, version: int, approved_at: datetime
) -> tuple[datetime, bytes] | None:
    """Return what a model knew when it was approved; None where that is of another version."""
    row = connection.execute(
        _Q["load_approved"], {"model": model_id, "version": version, "moment": approved_at}
    ).fetchone()
    return None if row is None else (row[0], bytes(row[1]))


def forget_states(connection: Connection, model_id: int, after: datetime) -> None:
    """Drop the checkpoints after a moment: they rest on rows that were not whole."""
    connection.execute(_Q["forget_states"], {"model": model_id, "after": after})


def thin_states(connection: Connection, model_id: int, keep: list[datetime]) -> None:
    """Drop all checkpoints but those of some moments."""
    connection.execute(_Q["thin_states"], {"model": model_id, "keep": keep})


def state_moments(connection: Connection, model_id: int) -> list[datetime]:
    """Return the moments of the checkpoints, oldest first."""
    rows = connection.execute(_Q["state_moments"], {"model": model_id}).fetchall()
    return [row[0] for row in rows]
