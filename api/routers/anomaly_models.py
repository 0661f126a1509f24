"""Models of machines: which signals, learning, trial, approval, and back."""

from datetime import timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from api.access.declaration import asks_for
from api.access.principal import CURRENT
from api.access.role import Right
from api.anomaly.suggestion import step_s, suggestions
from api.anomaly.wire import (
    DecisionIn,
    MadeOut,
    ModelIn,
    ModelOut,
    StateSignalOut,
    SuggestionOut,
    SuggestionsOut,
)
from api.http.context import ContextDep, tree_of
from api.http.origin import OwnPagesOnly
from api.http.problems import ProblemError
from api.http.windows import End, Start, window
from api.http.wire import Listing
from api.routers.anomalies import said_by
from api.routers.places import PlacePath
from api.routers.sign_in import caller_of
from api.tables.listing import FILES, ListingFormDep, ListingSubject
from plant.errors import DataError
from plant.place import Level
from store.anomaly import model as model_store
from store.anomaly import reading as reading_store
from store.anomaly.model import ModelRow, Proposal
from store.reading.reading import Reading

router = APIRouter(prefix="/api/v1/anomalies", tags=["anomalies"])

_ALIKE_WITHIN = timedelta(days=1)
_LONGEST = timedelta(days=31)
_AHEAD = timedelta(days=31)
_MOST_STATES = 12
_DEFAULT_ALARM, _DEFAULT_ROWS = 2.4, 1200


@router.get("/signals")
@asks_for(Right.FIGURES)
def suggest_signals(
    *, context: ContextDep, place: PlacePath, start: Start = None, end: End = None
) -> SuggestionsOut:
    """Return the signals of a machine: which to watch, and why not the others; of a day.

    Left out are counters, signals that never change or hardly speak, and those of which another
    says the same.
    """
    asked = window(start, end, now=context.clock(), default=timedelta(days=1), longest=_LONGEST)
    with context.database.reading() as reading:
        unit = tree_of(reading).of_level(place, Level.WORK_UNIT)
        rows = reading_store.signals(reading.connection, unit.place_id, asked.start, asked.end)
        telling = [row.tag_id for row in rows if row.least != row.most]
        since = max(asked.start, asked.end - _ALIKE_WITHIN)
        said = reading_store.text_tags(
            reading.connection, [unit.place_id], since, asked.end, _MOST_STATES + 1
        )
        alike = reading_store.alike(reading.connection, telling, since, asked.end)
    found = suggestions(rows, alike)
    chosen = {one.tag_id for one in found if one.chosen}
    return SuggestionsOut(
        signals=[SuggestionOut.model_validate(one) for one in found],
        # More of them are names of orders and the like.
        states=[
            StateSignalOut(tag=one.name, values=one.said)
            for one in said
            if 1 < len(one.said) <= _MOST_STATES
        ],
        step_s=step_s([row for row in rows if row.tag_id in chosen]),
        first_time=min((row.first_time for row in rows if row.first_time), default=None),
        last_time=max((row.last_time for row in rows if row.last_time), default=None),
    )


@router.get("/models", response_model=Listing[ModelOut], responses=FILES)
@asks_for(Right.FIGURES)
def list_models(
    *, context: ContextDep, place: PlacePath, form: ListingFormDep
) -> Response | Listing[ModelOut]:
    """Return the models of the machines at a place, newest first."""
    with context.database.reading() as reading:
        tree = tree_of(reading)
        found = tree.get(place)
        units = tree.unit_ids(found.path)
        rows = model_store.models_of(reading.connection, units)
        names = _tag_names(reading, units) | _text_names(reading, units)
    data = [_model(row, names) for row in reversed(rows)]
    subject = ListingSubject("anomaly_models", context.clock(), found)
    return form.file(data, ModelOut, subject) or Listing(data=data)


@router.post("/models", dependencies=[OwnPagesOnly], status_code=HTTPStatus.CREATED)
@asks_for(Right.MASTER_DATA)
def propose_model(asked: ModelIn, context: ContextDep) -> MadeOut:
    """Have a model learned and tried on history; another in preparation is given up for it."""
    with context.database.reading() as reading:
        unit = tree_of(reading).of_level(asked.place, Level.WORK_UNIT)
        ids = {name: tag_id for tag_id, name in _tag_names(reading, [unit.place_id]).items()}
        texts = {name: tag_id for tag_id, name in _text_names(reading, [unit.place_id]).items()}
    now = context.clock()
    if asked.trial_to > now + _AHEAD:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "too-far-ahead",
            "Too far ahead",
            "`trial_to` may be 31 days from now at most: nobody can approve the model before.",
        )
    # A cycle that begins with a word is of a signal that says words.
    cuts = texts if isinstance(asked.cycle_begins, str) else ids
    unknown = [name for name in asked.signals if name not in ids]
    if asked.cycle is not None and asked.cycle not in cuts:
        unknown.append(asked.cycle)
    if unknown:
        raise _no_signals(f"The machine has no signal {unknown[0]!r} of that kind.")
    settings: dict[str, float | str] = {"alarm": asked.alarm, "learn_rows": asked.learn_rows}
    if asked.cycle is not None:
        settings["cycle_tag"] = cuts[asked.cycle]
        if asked.cycle_begins is not None:
            settings["cycle_begins"] = asked.cycle_begins
    proposal = Proposal(
        work_unit_id=unit.place_id,
        reason=asked.reason,
        tag_ids=tuple(ids[name] for name in asked.signals),
        step_ms=asked.step_s * 1000,
        settings=settings,
        train_from=asked.train_from,
        train_to=asked.train_to,
        trial_to=asked.trial_to,
    )
    try:
        made = context.anomalies.propose(proposal, now, said_by("engineer"))
    except DataError as exc:
        raise _no_signals(exc.detail) from exc
    return MadeOut(id=made)


@router.post("/models/decision", dependencies=[OwnPagesOnly])
@asks_for(Right.MASTER_DATA)
def decide(asked: DecisionIn, context: ContextDep, request: Request) -> MadeOut:
    """Approve a model that is ready, take back a retired one, or refuse one in preparation.

    Of a live one: approve what it has become, or go back to what was approved. Noted in the audit.
    """
    with context.database.reading() as reading:
        unit = tree_of(reading).of_level(asked.place, Level.WORK_UNIT)
        own = {row.model_id for row in model_store.models_of(reading.connection, [unit.place_id])}
    done = asked.model in own and _decided(asked, context)
    if not done:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "model-not-so-far",
            "Not possible now",
            "This machine has no such model, or it is not ready; look at the list of models again.",
        )
    if context.accounts is not None:
        target = f"model {asked.model} of {asked.place}"
        caller = caller_of(request)
        context.accounts.record(CURRENT.get(), "anomaly-model", target, asked.decision, caller)
    return MadeOut(id=asked.model)


def _decided(asked: DecisionIn, context: ContextDep) -> bool:
    now = context.clock()
    if asked.decision == "approve":
        return context.anomalies.approve(asked.model, now, said_by("engineer"))
    if asked.decision == "as_approved":
        return context.anomalies.as_approved(asked.model, now)
    return context.anomalies.refuse(asked.model, now)


def _tag_names(reading: Reading, units: list[int]) -> dict[int, str]:
    return {row.tag_id: row.name for row in reading_store.number_tags(reading.connection, units)}


def _text_names(reading: Reading, units: list[int]) -> dict[int, str]:
    return {row.tag_id: row.name for row in reading_store.text_names(reading.connection, units)}


def _model(row: ModelRow, names: dict[int, str]) -> ModelOut:
    whole = (row.trial_to - row.train_from).total_seconds()
    done = 0.0 if row.scored_until is None else (row.scored_until - row.train_from).total_seconds()
    return ModelOut(
        model_id=row.model_id,
        place=row.place,
        status=row.status,
        reason=row.reason,
        because=row.because,
        signals=[names.get(tag_id, str(tag_id)) for tag_id in row.tag_ids],
        cycle=names.get(int(row.settings.get("cycle_tag", 0))),
        cycle_begins=row.settings.get("cycle_begins"),
        step_s=row.step_ms / 1000,
        alarm=float(row.settings.get("alarm", _DEFAULT_ALARM)),
        learn_rows=int(row.settings.get("learn_rows", _DEFAULT_ROWS)),
        train_from=row.train_from,
        train_to=row.train_to,
        trial_to=row.trial_to,
        scored_until=row.scored_until,
        share_done=min(max(done / whole, 0.0), 1.0),
        rows_learned=row.rows_learned,
        missing=row.progress.get("regimes", {}),
        left_out={
            names.get(int(tag_id), tag_id): why
            for tag_id, why in row.progress.get("left_out", {}).items()
        },
        data_hash=row.data_hash,
        false_per_day=row.false_per_day,
        created_at=row.created_at,
        created_by=row.created_by,
        approved_at=row.approved_at,
        approved_by=row.approved_by,
        retired_at=row.retired_at,
    )


def _no_signals(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-signal", "Unknown signal", detail)
