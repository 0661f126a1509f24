"""Models the service asks for itself: after maintenance, and when a product is new.

Such a model is learned and tried on history as any other, and waits for a person: nothing goes live
by itself. Each maintenance and each product is asked for once; a model that somebody prepares is
left alone.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from analytics.anomaly.watch.scorer import ScorerSettings
from store import Connection
from store.anomaly import model as model_store
from store.anomaly import reading as reading_store
from store.anomaly.model import ModelRow, Proposal

_log = structlog.get_logger()
SERVICE = "service"
"""Who asks, in the registry."""
_LEAST = timedelta(hours=8)
"""Learning from less tells nothing of a shift."""
_LONGEST = timedelta(days=31)
_SPARE = 4
"""Times the rows that a regime needs: a machine stands still, and makes several products."""
_OF_APPROVAL = {"as_approved", "products", "taken_back"}
_TRIAL = 0.25
"""Length of the trial, as a part of what is learned from."""


def propose_models(connection: Connection, rows: Sequence[ModelRow], now: datetime) -> int:
    """Ask for models where live ones rest on a machine as it is no more; return how many."""
    prepared = {row.work_unit_id for row in rows if row.status in {"learning", "ready"}}
    asked = 0
    for row in rows:
        if row.status != "live" or row.work_unit_id in prepared:
            continue
        for proposal, because in (
            *_after_maintenance(connection, row, now),
            *_of_products(connection, row, now),
        ):
            model_id = model_store.propose_once(connection, proposal, because, now, SERVICE)
            if model_id is not None:
                asked += 1
                _log.info(
                    "anomaly_model_proposed",
                    model=model_id,
                    place=row.place,
                    reason=proposal.reason,
                    because=because,
                )
                break
    return asked


def _after_maintenance(
    connection: Connection, row: ModelRow, now: datetime
) -> Iterator[tuple[Proposal, str]]:
    """Yield a model of the machine as it is since the last maintenance, once it ran for long."""
    span = learned_span(row)
    over = reading_store.maintenance_since(connection, row.work_unit_id, row.train_to, now)
    for number, end in over[:1]:
        if now - end >= span * (1 + _TRIAL):
            yield _proposal(row, "maintenance", end, end + span, now), number


def _of_products(
    connection: Connection, row: ModelRow, now: datetime
) -> Iterator[tuple[Proposal, str]]:
    """Yield models that have also learned a product which the live one met after its approval.

    From all that the live one learned from, or a month: a model of the new product alone would know
    the others no more.
    """
    approved = row.settings.get("products")
    learned = {name for name, missing in row.progress.get("regimes", {}).items() if missing <= 0}
    # Only what the live model has learned by itself was made for long enough.
    new = learned - set(learned if approved is None else approved)
    if not new:
        return
    span = learned_span(row)
    for product, since in reading_store.products_since(connection, row.work_unit_id, row.train_to):
        start = max(row.train_from, now - _LONGEST)
        end = since + (now - since) / (1 + _TRIAL)
        if product in new and now - since >= span and start < end:
            yield _proposal(row, "product", start, end, now), product


def learned_span(row: ModelRow) -> timedelta:
    """Return how long a model like this one has to learn."""
    rows = int(row.settings.get("learn_rows", ScorerSettings().learn_rows))
    needed = timedelta(milliseconds=rows * row.step_ms * _SPARE)
    return min(row.train_to - row.train_from, max(needed, _LEAST))


def _proposal(
    row: ModelRow, reason: str, start: datetime, end: datetime, now: datetime
) -> Proposal:
    kept = {name: value for name, value in row.settings.items() if name not in _OF_APPROVAL}
    return Proposal(
        work_unit_id=row.work_unit_id,
        reason=reason,
        tag_ids=tuple(row.tag_ids),
        step_ms=row.step_ms,
        settings=kept,
        train_from=start,
        train_to=end,
        trial_to=now,
    )
