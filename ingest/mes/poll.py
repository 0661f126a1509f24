"""Reading a table of another system again and again."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from ingest.mes.settings import ForeignTableSettings
from plant.backoff import Backoff
from plant.errors import ConfigurationError, TransientError
from plant.mes import KINDS, Parsed, Problem, Report, parse
from plant.mes.document import field_types
from plant.mes.kinds.mapping import ImportMapping
from plant.mes.mapping.applying import document_values
from store import Connection
from store.mes.foreign import foreign_rows
from store.mes.store import MesStore, save_high_water
from store.mes.writing import BATCH, Provenance
from store.rejection.rejection import Rejection, write_rejections

log = structlog.get_logger()

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_LONGEST_DETAIL = 2_000
_NUMBERS = (int, float, Decimal)


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """One row of a query's answer."""

    number: int
    columns: Mapping[str, str]
    """Columns by the field they become."""

    def of(self, field: str) -> str:
        """Return `row 3, column order_no`."""
        column = self.columns.get(field.partition(".")[0])
        return f"row {self.number}" + (f", column {column}" if column else "")


@dataclass(slots=True)
class _Reading:
    """One reading of the table: its rows as documents, and what is to be remembered of it."""

    settings: ForeignTableSettings
    high_water: str | None
    highest: Any = None
    rows: int = 0
    recent: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Rows by number that may still be refused."""
    confirmed: ImportMapping | None = None
    """How rows are read, where a person confirmed it."""
    refused: list[tuple[dict[str, Any], Sequence[Problem]]] = field(default_factory=list)

    def documents(self) -> Iterator[Parsed]:
        """Yield the rows as documents."""
        settings = self.settings
        zone = ZoneInfo(settings.time_zone) if settings.time_zone else None
        mark = settings.high_water
        parameters = {"high_water": self.high_water} if mark else {}
        document_type = KINDS[settings.kind]
        types = field_types(document_type)
        rows = foreign_rows(
            settings.foreign, settings.query, parameters, timeout_s=settings.timeout_s
        )
        for row in rows:
            if self.rows == settings.max_rows:
                self._check_resumable()
                return
            self.rows += 1
            if self.confirmed is not None:
                yield self._by_mapping(self.confirmed, row)
                continue
            mapping = settings.mapping or {name: name for name in row}
            missing = [name for name in mapping.values() if name not in row]
            if missing or (mark and mark.column not in row):
                absent = ", ".join(missing or [mark.column if mark else ""])
                raise ConfigurationError(
                    f"{settings.name}: the query returns no column {absent}; it returns "
                    f"{', '.join(row)}"
                )
            if mark is not None:
                self._note(row[mark.column])
                if not settings.mapping and mark.column not in document_type.model_fields:
                    mapping.pop(mark.column, None)
            values: dict[str, Any] = dict(settings.constants)
            for name, column in mapping.items():
                value = as_document_value(row[column], zone)
                if value is not None:
                    # A database's number is that number, whatever two readers make of its text.
                    exact = types.get(name) == "number" and isinstance(row[column], _NUMBERS)
                    values[name] = float(row[column]) if exact else value
            self.recent[self.rows] = row
            # Rows are refused a batch at a time: those of two batches hold every row that may still
            # be.
            self.recent.pop(self.rows - 2 * BATCH, None)
            yield parse(document_type, values, ForeignRow(self.rows, mapping))

    def _by_mapping(self, mapping: ImportMapping, row: dict[str, Any]) -> Parsed:
        mark = self.settings.high_water
        if mark is not None:
            if mark.column not in row:
                raise ConfigurationError(f"{self.settings.name}: returns no column {mark.column}")
            self._note(row[mark.column])
        self.recent[self.rows] = row
        self.recent.pop(self.rows - 2 * BATCH, None)
        origin = ForeignRow(self.rows, {f: names[0] for f, names in mapping.columns.items()})
        given = {
            name: float(value) if isinstance(value, Decimal) else value
            for name, value in row.items()
        }
        values = document_values(mapping, given, origin)
        return values if isinstance(values, list) else parse(KINDS[mapping.kind], values, origin)

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Keep a row that cannot become a document."""
        # The words are those of `ForeignRow.of`.
        number = int(problems[0].where.removeprefix("row ").partition(",")[0])
        self.refused.append((self.recent[number], problems))

    def remember(self, connection: Connection, provenance: Provenance) -> None:
        """Write what was refused and how far was read."""
        write_rejections(connection, [self._rejection(*one, provenance) for one in self.refused])
        if self.highest is not None:
            mark = _as_mark(self.highest)
            save_high_water(connection, self.settings.name, mark, provenance)

    def _note(self, value: Any) -> None:
        if value is None:
            raise ConfigurationError(f"{self.settings.name}: the high-water column holds a null")
        if self.highest is None or value > self.highest:
            self.highest = value

    def _check_resumable(self) -> None:
        if self.settings.high_water is None:
            raise ConfigurationError(
                f"{self.settings.name}: the query returns more than {self.settings.max_rows} rows; "
                "give it a high_water column, or raise max_rows"
            )

    def _rejection(
        self, row: Mapping[str, Any], problems: Sequence[Problem], provenance: Provenance
    ) -> Rejection:
        raw = json.dumps(row, default=str, ensure_ascii=False, sort_keys=True).encode()
        detail = "; ".join(str(problem) for problem in problems)
        return Rejection(
            received_time=provenance.now,
            topic=provenance.source,
            reason=str(problems[0].reason),
            detail=detail.replace("\0", "\ufffd")[:_LONGEST_DETAIL],
            raw=raw,
            # The same row is refused again at each reading until somebody mends it.
            epoch=hashlib.sha256(raw).hexdigest()[:32],
            row_id=0,
            once=True,
        )


def poll(settings: ForeignTableSettings, store: MesStore, *, preview: bool = False) -> Report:
    """Read the table once and write what is new; rows that are wrong become rejections.

    What was read and how far are one transaction. Raises ConfigurationError for what a person
    must mend and StoreUnavailableError when one of the databases is away.
    """
    provenance = Provenance(
        who="nhipmay import --sql", source=f"sql:{settings.name}", now=settings.make_clock()()
    )
    mark = settings.high_water
    reading = _Reading(
        settings, (store.high_water(settings.name) or mark.initial) if mark else None
    )
    if settings.import_mapping:
        reading.confirmed = store.mapping(settings.enterprise, settings.import_mapping)
        if reading.confirmed.kind != settings.kind:
            raise ConfigurationError(f"{settings.import_mapping} is of {reading.confirmed.kind}")
        if settings.time_zone and not reading.confirmed.time_zone:
            update = {"time_zone": settings.time_zone}
            reading.confirmed = reading.confirmed.model_copy(update=update)
        reading.confirmed = reading.confirmed.with_defaults(settings.constants)
    return store.write(
        reading.documents(),
        provenance,
        preview=preview,
        refused=reading.refuse,
        also=lambda connection, _report: reading.remember(connection, provenance),
    )


def watch(settings: ForeignTableSettings, store: MesStore, stop: Event) -> None:
    """Read the table until `stop` is set, logging what changed and what is out of reach."""
    backoff = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
    available = True
    while not stop.is_set():
        try:
            report = poll(settings, store)
        except TransientError as exc:
            if available:
                log.warning("poll unavailable", poll=settings.name, reason=str(exc))
            available = False
            stop.wait(backoff.next_pause())
            continue
        if not available:
            log.info("poll available again", poll=settings.name)
        available = True
        backoff.reset()
        _tell(settings, report)
        stop.wait(settings.interval_s)


def _tell(settings: ForeignTableSettings, report: Report) -> None:
    if not report.committed:
        words = "; ".join(str(problem) for problem in report.problems[:3])
        log.warning("poll refused", poll=settings.name, problems=words)
    elif report.created or report.changed or report.refused:
        log.info(
            "poll written",
            poll=settings.name,
            created=report.created,
            changed=report.changed,
            refused=report.refused,
        )


def as_document_value(value: Any, zone: ZoneInfo | None) -> Any:
    """Return a database value as a document takes it: texts and lists of texts, None for null."""
    match value:
        case None | "":
            return None
        case bool():
            return "true" if value else "false"
        case Decimal() | int() | float():
            return _number(value)
        case datetime():
            if value.tzinfo is None and zone is not None:
                value = value.replace(tzinfo=zone)
            return value.isoformat()
        case date() | time():
            return value.isoformat()
        case list() | tuple():
            return [as_document_value(part, zone) for part in value]
        case dict():
            return {name: as_document_value(part, zone) for name, part in value.items()}
        case _:
            return str(value)


def _number(value: Decimal | float) -> str:
    if isinstance(value, float) and not value.is_integer():
        return repr(value)
    if isinstance(value, Decimal):
        try:
            whole = value == value.to_integral_value()
        except ArithmeticError:
            return str(value)
        return str(int(value)) if whole and abs(value) < 10**18 else format(value, "f")
    return str(int(value))


def _as_mark(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str | int | Decimal):
        return str(value)
    kind = type(value).__name__
    raise ConfigurationError(f"a high-water column is a time, a number or a text, no {kind}")
