"""Records of the pilot: rows, and the calls on them within one transaction.

Whoever reads does so by the login of their enterprise or of the department, which see what
`store.access.tenant` lists; whoever writes, by the writer's, after the workflow has decided.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from psycopg.rows import class_row

from plant.settings import DatabaseSettings
from store.engine.connection import Connection, connect, store_errors
from store.engine.queries import queries

_Q = queries("assessment/record")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """A programme; `framework` is the edition of new assessments."""

    programme_id: int
    code: str
    name_vi: str
    year: int
    framework: str


@dataclass(frozen=True, slots=True)
class EnterpriseRow:
    """An enterprise of a programme."""

    programme_id: int
    enterprise: str
    name_vi: str
    tax_code: str
    sector: int
    size: str
    commune: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A version of a record; `content` is canonical JSON, `sha256` its digest."""

    record_id: int
    programme_id: int
    enterprise: str | None
    kind: str
    period: str
    version: int
    supersedes: int | None
    status: str
    content: str
    sha256: str
    made_by: str
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of a record; `hash` chains it to the one before."""

    record_id: int
    position: int
    from_status: str
    to_status: str
    who: str
    office: str
    at: datetime
    comment: str
    sha256: str
    hash: str


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A figure of a record, canonical JSON."""

    metric_code: str
    content: str
    sha256: str


@dataclass(frozen=True, slots=True)
class MachineRow:
    """A machine of an asset register."""

    code: str
    name_vi: str
    department: str
    maker: str
    model: str
    made_in: int | None
    work_unit: str | None


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """A file of a record, without its content; `size` in bytes."""

    attachment_id: int
    record_id: int
    name: str
    media_type: str
    sha256: str
    added_by: str
    added_at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """What an enterprise allows."""

    consent_id: int
    programme_id: int
    enterprise: str
    dataset: str
    receiver: str
    detail: str
    valid_from: date
    valid_to: date | None
    given_by: str
    given_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """An aggregate that passed disclosure control; `release_id` is a cursor."""

    release_id: int
    programme_id: int
    dataset: str
    row_key: str
    content: str
    sha256: str
    contributors: list[str]
    released_by: str
    released_at: datetime
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class PullRow:
    """What a consumer was given."""

    pull_id: int
    at: datetime
    consumer: str
    dataset: str
    way: str
    rows_given: int
    first_release: int | None
    last_release: int | None
    correlation: str


@dataclass(frozen=True, slots=True)
class FrameworkRow:
    """An imported criteria set as JSON."""

    edition: str
    document: str
    sha256: str
    added_by: str
    added_at: datetime


class PilotTransaction:
    """Reads and changes within one open transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The connection, for the calls of another module of this room."""
        return self._connection

    def do(self, query: str, values: Mapping[str, Any]) -> int:
        """Run a statement of `record.sql` by name; return how many rows it concerned."""
        return self._connection.execute(_Q[query], values).rowcount

    def number(self, query: str, values: Mapping[str, Any]) -> int:
        """Return the number that a statement answers."""
        row = self._connection.execute(_Q[query], values).fetchone()
        if row is None:
            raise LookupError(query)
        return int(row[0])

    def programmes(self) -> list[ProgrammeRow]:
        """Return programmes, the newest first."""
        return self._rows(ProgrammeRow, "programmes", {})

    def enterprises(self, programme_id: int) -> list[EnterpriseRow]:
        """Return the enterprises of a programme."""
        return self._rows(EnterpriseRow, "enterprises", {"programme_id": programme_id})

    def records(
        self, programme_id: int, enterprise: str | None = None, kind: str | None = None
    ) -> list[RecordRow]:
        """Return records, all versions, by enterprise, kind and period."""
        values = {"programme_id": programme_id, "enterprise": enterprise, "kind": kind}
        return self._rows(RecordRow, "records", values)

    def record(self, record_id: int, *, lock: bool = False) -> RecordRow | None:
        """Return a record; with `lock` nobody else changes it until the transaction ends."""
        rows = self._rows(RecordRow, "lock_record" if lock else "record", {"record_id": record_id})
        return rows[0] if rows else None

    def steps(self, record_id: int) -> list[StepRow]:
        """Return the way of a record."""
        return self._rows(StepRow, "steps", {"record_id": record_id})

    def evidence(self, record_id: int) -> list[EvidenceRow]:
        """Return the figures of a record by metric."""
        return self._rows(EvidenceRow, "evidence", {"record_id": record_id})

    def evidence_inputs(self, record_id: int) -> dict[str, str]:
        """Return what figures were computed from, by metric."""
        rows = self._connection.execute(_Q["evidence_inputs"], {"record_id": record_id})
        return dict(rows.fetchall())

    def machines(self, record_id: int) -> list[MachineRow]:
        """Return the machines of a register."""
        return self._rows(MachineRow, "machines", {"record_id": record_id})

    def attachments(self, record_id: int) -> list[AttachmentRow]:
        """Return the files of a record."""
        return self._rows(AttachmentRow, "attachments", {"record_id": record_id})

    def attachment(self, attachment_id: int) -> tuple[str, str, bytes, str] | None:
        """Return name, media type, content and digest of a file."""
        values = {"attachment_id": attachment_id}
        row = self._connection.execute(_Q["attachment"], values).fetchone()
        return None if row is None else (row[0], row[1], bytes(row[2]), row[3])

    def consents(self, programme_id: int, enterprise: str | None = None) -> list[ConsentRow]:
        """Return what was allowed."""
        values = {"programme_id": programme_id, "enterprise": enterprise}
        return self._rows(ConsentRow, "consents", values)

    def releases(
        self, dataset: str | None, after: int, as_of: datetime, most: int
    ) -> list[ReleaseRow]:
        """Return what was released after a cursor and until a moment, in its order."""
        values = {"dataset": dataset, "after": after, "as_of": as_of, "most": most}
        return self._rows(ReleaseRow, "releases", values)

    def pulls(self, most: int) -> list[PullRow]:
        """Return who was given what, the newest first."""
        return self._rows(PullRow, "pulls", {"most": most})

    def frameworks(self) -> list[FrameworkRow]:
        """Return the imported criteria sets."""
        return self._rows(FrameworkRow, "frameworks", {})

    def _rows(self, row: type[R], query: str, values: Mapping[str, Any]) -> list[R]:
        with self._connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(_Q[query], values).fetchall()


class PilotStore:
    """Records of a database, by one login; each transaction has a connection of its own."""

    def __init__(self, settings: DatabaseSettings, *, read_only: bool = False) -> None:
        self._settings = settings
        self._read_only = read_only

    @contextmanager
    def transaction(self) -> Iterator[PilotTransaction]:
        """Open a transaction, committed at its end.

        Raises StoreUnavailableError when the database is away, ConfigurationError where the login
        may not, DataError for what a rule of the database refuses.
        """
        with store_errors(self._settings), connect(self._settings) as connection:
            connection.read_only = self._read_only
            yield PilotTransaction(connection)
