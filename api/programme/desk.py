"""Who acts on records, and the desk that reads by their login and writes by the writer's."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from api.access.principal import CURRENT, Principal
from api.access.refusal import RightError
from api.access.role import Right
from api.http.context import Context
from api.http.problems import ProblemError
from assessment.programme import Actor, Desk, Office
from assessment.sharing import Releasing
from plant.errors import DataError
from store.assessment.record import PilotStore, PilotTransaction, ProgrammeRow, RecordRow

_OFFICES = (
    (Right.APPROVE, Office.APPROVER),
    (Right.REVIEW, Office.OFFICER),
    (Right.CONFIRM, Office.ENTERPRISE),
    (Right.DECLARE, Office.ENGINEER),
)


def actor_of(principal: Principal) -> Actor:
    """Return in what office somebody acts; raise RightError for who has none.

    Whoever has the one token of an installation has every right and is nobody by name: what people
    confirm needs accounts.
    """
    if principal.account_id is not None:
        for right, office in _OFFICES:
            # Offices of the department belong to who sees all enterprises, the others to one.
            of_department = office in {Office.APPROVER, Office.OFFICER}
            if principal.may(right) and of_department is (principal.enterprise is None):
                return Actor(principal.name, office, principal.enterprise)
    raise RightError(Right.DECLARE)


def reader_of(context: Context) -> PilotStore:
    """Return records as whoever asks may see them."""
    return PilotStore(context.reading_login(), read_only=True)


def _writer_of(context: Context) -> PilotStore:
    return PilotStore(context.settings.writing())


def desk_of(context: Context) -> Desk:
    """Return the desk of whoever asks."""
    return Desk(_writer_of(context), reader_of(context), context.clock)


def releasing_of(context: Context) -> Releasing:
    """Return what prepares and hands out releases; raise RightError but for the department."""
    if CURRENT.get().enterprise is not None:
        raise RightError(Right.PULL)
    return Releasing(_writer_of(context), reader_of(context), context.clock)


@contextmanager
def writing_of(context: Context) -> Iterator[PilotTransaction]:
    """Open a transaction that writes, for what has no workflow."""
    with _writer_of(context).transaction() as t:
        yield t


def newest(t: PilotTransaction) -> ProgrammeRow:
    """Return the newest programme; raise a problem where there is none."""
    found = t.programmes()
    if not found:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            "no-programme",
            "No programme",
            "There is no pilot programme yet: an officer of the department begins one.",
        )
    return found[0]


def record_of(t: PilotTransaction, record_id: int) -> RecordRow:
    """Return a record; raise a problem where there is none that whoever asks may see."""
    record = t.record(record_id)
    if record is None:
        raise unknown_record(record_id)
    return record


def unknown_record(record_id: int) -> ProblemError:
    """Return the error for a number that is no record's, or not theirs."""
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "unknown-record",
        "Unknown record",
        f"There is no record {record_id} that you may see.",
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the workflow refuses into a problem with its words."""
    try:
        yield
    except DataError as exc:
        raise refused(exc) from exc


def refused(exc: DataError) -> ProblemError:
    """Return the error for what the workflow refuses."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "record-refused", "Not accepted", exc.detail
    )
