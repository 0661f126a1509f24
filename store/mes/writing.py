"""Writes master data and MES facts: all documents that come in together, or none of them.

Every way in ends here. A document is compared with what is stored under its key: new ones are
inserted, corrected ones replace what was there and leave an event with the old and the new, and
the hours of figures that depend on them become dirty, in the one transaction.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from plant.errors import DataError
from plant.mes.document import MesDocument, within
from plant.mes.parsing import Located, Origin, Parsed
from plant.mes.problem import Problem, Reason, Remark, Report
from plant.mes.site_calendar import circle
from plant.settings import DatabaseSettings
from store.engine.connection import STORE_REFUSED, Connection, connect, store_errors
from store.engine.migration import check_migrated
from store.engine.queries import queries
from store.mes.calendar import TouchedCalendars
from store.mes.effect import Effects
from store.mes.home import withdraw_statement
from store.mes.key import SeenKeys
from store.mes.reference import References
from store.mes.statement import (
    comparable,
    current_documents,
    key_list,
    put_statements,
)

_Q = queries("mes/mes")

BATCH = 2_000
"""Documents written by one statement."""
MOST_PROBLEMS = 200
"""Problems told one by one; the others are counted."""
ENOUGH_PROBLEMS = 10_000
"""Nobody mends more at once; where one is enough to write nothing, reading on is in vain."""
_TREES = {
    "stop-reasons": "reason_parents",
    "scrap-reasons": "scrap_reason_parents",
    "rework-reasons": "rework_reason_parents",
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who writes, from where, why and when: the head of every event."""

    who: str
    source: str
    now: datetime
    reason: str = ""


Within = Callable[[Connection, Report], None]
"""What else belongs to the same transaction; called before the commit, if there is one."""
Refused = Callable[[Sequence[Problem]], None]
"""Told of each refused document, where refused documents do not refuse the others."""


def write_documents(
    target: DatabaseSettings | Connection,
    parsed: Iterable[Parsed],
    provenance: Provenance,
    *,
    scope: str | None = None,
    preview: bool = False,
    refused: Refused | None = None,
    also: Within | None = None,
) -> Report:
    """Write documents in one transaction and return what became of them.

    One problem anywhere and nothing is written, unless `refused` is given: then sound documents
    are written and the others told to it. With `scope`, documents must belong to that enterprise
    or site, or to the enterprise of that site. A preview does everything and takes it back.

    Raises:
        DataError: the database refuses a value.
        StoreUnavailableError: the database cannot be reached; nothing was written.
    """
    if isinstance(target, DatabaseSettings):
        with store_errors(target), connect(target, autocommit=True) as connection:
            check_migrated(connection)
            return _write(connection, parsed, provenance, scope, preview, refused, also)
    return _write(target, parsed, provenance, scope, preview, refused, also)


class _NotFitError(Exception):
    """Takes the transaction back; never leaves this module."""


def _write(
    connection: Connection,
    parsed: Iterable[Parsed],
    provenance: Provenance,
    scope: str | None,
    preview: bool,
    refused: Refused | None,
    also: Within | None,
) -> Report:
    writer = _Writer(connection, provenance, scope, refused)
    try:
        with connection.transaction(force_rollback=preview):
            writer.put_all(parsed)
            report = writer.finish()
            if writer.must_fail:
                raise _NotFitError
            if also is not None:
                also(connection, report)
    except _NotFitError:
        return writer.report()
    return replace(report, committed=not preview)


@dataclass(slots=True)
class _Tally:
    documents: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    refused: int = 0
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)
    remark_count: int = 0
    remarks: list[Remark] = field(default_factory=list)
    hours: int = 0


class _Writer:
    def __init__(
        self,
        connection: Connection,
        provenance: Provenance,
        scope: str | None,
        refused: Refused | None,
    ) -> None:
        self._connection = connection
        self._provenance = provenance
        self._scope = scope
        self._refused = refused
        self._tally = _Tally()
        self._seen = SeenKeys(connection)
        self._references = References(connection)
        self._calendars = TouchedCalendars(connection)
        self._effects = Effects(connection, provenance.now)
        self._trees: dict[tuple[str, str], dict[str, Origin]] = {}
        self._locked: set[str] = set()
        self._broken_whole = False

    @property
    def must_fail(self) -> bool:
        """Whether what was written must be taken back."""
        if self._refused is not None:
            return self._broken_whole
        return self._tally.problem_count > 0

    def put_all(self, parsed: Iterable[Parsed]) -> None:
        """Write all sound documents, batch by batch."""
        stream = iter(parsed)
        while batch := list(islice(stream, BATCH)):
            sound: list[Located] = []
            for one in batch:
                if isinstance(one, Remark):
                    self._tally.remark_count += 1
                    if len(self._tally.remarks) < MOST_PROBLEMS:
                        self._tally.remarks.append(one)
                    continue
                self._tally.documents += 1
                if isinstance(one, Located):
                    sound.append(one)
                else:
                    self._refuse(one)
            if self._refused is None and self._tally.problem_count >= ENOUGH_PROBLEMS:
                words = f"after {self._tally.problem_count} problems the rest was not read"
                self._refuse_whole(Problem("the file", "", Reason.MALFORMED, words))
                return
            for kind, group in groupby(sound, key=lambda one: one.document.KIND):
                self._put(kind, list(group))

    def finish(self) -> Report:
        """Look at what must hold for all documents together, and mark what has to be computed."""
        for problem in self._calendars.problems():
            self._refuse_whole(problem)
        for (kind, scope), origins in self._trees.items():
            self._check_tree(kind, scope, origins)
        if not self.must_fail:
            for site, hours in self._calendars.changed_hours().items():
                self._effects.add_hours(site, hours)
            self._tally.hours = self._effects.mark_all()
        return self.report()

    def report(self) -> Report:
        """Return what became of the documents so far."""
        tally = self._tally
        return Report(
            documents=tally.documents,
            created=tally.created,
            changed=tally.changed,
            unchanged=tally.unchanged,
            withdrawn=tally.withdrawn,
            refused=tally.refused,
            problem_count=tally.problem_count,
            problems=tuple(tally.problems),
            remark_count=tally.remark_count,
            remarks=tuple(tally.remarks),
            hours_to_compute=tally.hours,
        )

    # --- one batch of one kind ---

    def _put(self, kind: str, batch: list[Located]) -> None:
        self._lock(kind, batch)
        batch = self._without(self._outside(batch))
        batch = self._without(self._seen.repeated(batch))
        batch = self._without(self._references.missing(batch))
        if kind in {"time-zones", "shifts", "rotations", "holidays"}:
            for one in batch:
                self._calendars.touch(one)
        if kind in _TREES:
            for one in batch:
                tree = self._trees.setdefault((kind, one.document.scope), {})
                tree[one.document.key[-1]] = one.origin
        current = self._current(kind, [one.document for one in batch])
        self._store(kind, [one for one in batch if not one.withdrawn], current)
        self._take_back(kind, [one for one in batch if one.withdrawn], current)

    def _without(self, judged: Iterable[tuple[Located, list[Problem]]]) -> list[Located]:
        kept = []
        for one, problems in judged:
            if problems:
                self._refuse(problems)
            else:
                kept.append(one)
        return kept

    def _outside(self, batch: Sequence[Located]) -> Iterator[tuple[Located, list[Problem]]]:
        scope = self._scope
        for one in batch:
            theirs = one.document.scope
            if scope is None or within(theirs, scope) or theirs == scope.partition("/")[0]:
                yield one, []
            else:
                words = f"belongs to {theirs}; this way in speaks for {scope}"
                yield one, [Problem(one.origin.of(""), "", Reason.OUTSIDE_SCOPE, words)]

    def _lock(self, kind: str, batch: Sequence[Located]) -> None:
        names = {f"{kind} {one.document.scope}" for one in batch} - self._locked
        for name in sorted(names):
            self._connection.execute(_Q["lock_scope"], {"name": name})
        self._locked |= names

    def _current(
        self, kind: str, documents: Sequence[MesDocument]
    ) -> dict[tuple[str, ...], dict[str, Any]]:
        """Return what is stored under the documents' keys, as it would come in."""
        if not documents:
            return {}
        keys = [dict(zip(one.KEY, one.key, strict=True)) for one in documents]
        stored = current_documents(self._connection, kind, keys)
        return {documents[n].key: fields for n, fields in stored.items()}

    def _store(
        self,
        kind: str,
        batch: Sequence[Located],
        current: dict[tuple[str, ...], dict[str, Any]],
    ) -> None:
        changed: list[dict[str, Any]] = []
        events: list[dict[str, Any]] = []
        for one in batch:
            document, new = one.document, one.document.canonical()
            old = current.get(document.key)
            before = None if old is None else comparable(type(document), old)
            if old is not None and before == new:
                self._tally.unchanged += 1
                continue
            if old is None:
                self._tally.created += 1
            else:
                self._tally.changed += 1
            changed.append(new)
            if old is not None or not document.FACT:
                events.append(_event(document, before or old, new))
            self._effects.add(kind, before or old, new)
        if not changed:
            return
        parameters = {
            "documents": json.dumps(changed, ensure_ascii=False),
            "now": self._provenance.now,
            "source": self._provenance.source,
        }
        first, *others = put_statements(kind)
        written = self._connection.execute(first, parameters).rowcount
        if written != len(changed):
            raise DataError(STORE_REFUSED, f"{kind}: {written} of {len(changed)} were written")
        for statement in others:
            self._connection.execute(statement, parameters)
        self._record(kind, events)

    def _take_back(
        self,
        kind: str,
        batch: Sequence[Located],
        current: dict[tuple[str, ...], dict[str, Any]],
    ) -> None:
        used = self._in_use(kind, batch)
        gone: list[MesDocument] = []
        events = []
        for n, one in enumerate(batch):
            old = current.get(one.document.key)
            if old is None:
                words = "cannot be withdrawn: there is nothing under this key"
                self._refuse([Problem(one.origin.of(""), "", Reason.NOTHING_THERE, words)])
            elif n in used:
                words = "cannot be withdrawn: run times, orders, lots or records refer to it"
                self._refuse([Problem(one.origin.of(""), "", Reason.IN_USE, words)])
            else:
                gone.append(one.document)
                events.append(_event(one.document, old, None))
                self._effects.add(kind, old, None)
        if gone:
            self._connection.execute(withdraw_statement(kind), {"keys": key_list(gone)})
            self._tally.withdrawn += len(gone)
            self._record(kind, events)

    def _in_use(self, kind: str, batch: Sequence[Located]) -> set[int]:
        if kind != "products" or not batch:
            return set()
        keys = key_list([one.document for one in batch])
        return {n for (n,) in self._connection.execute(_Q["products_in_use"], {"keys": keys})}

    def _record(self, kind: str, events: Sequence[dict[str, Any]]) -> None:
        if events:
            self._connection.execute(
                _Q["record_events"],
                {
                    "now": self._provenance.now,
                    "who": self._provenance.who,
                    "source": self._provenance.source,
                    "reason": self._provenance.reason,
                    "kind": kind,
                    "events": json.dumps(events, ensure_ascii=False),
                },
            )

    def _check_tree(self, kind: str, scope: str, origins: dict[str, Origin]) -> None:
        def refuse(codes: Iterable[str], reason: Reason, words: str) -> None:
            any_of_them = next(iter(origins.values()))
            origin = next((origins[code] for code in codes if code in origins), any_of_them)
            problem = Problem(origin.of("parent"), "parent", reason, f"{kind}: {words}")
            self._refuse_whole(problem)

        parents: dict[str, str | None] = dict(
            self._connection.execute(_Q[_TREES[kind]], {"scope": scope}).fetchall()
        )
        for code, parent in parents.items():
            if parent is not None and parent not in parents:
                words = f"the parent '{parent}' of '{code}' does not exist in {scope}"
                refuse((code, parent), Reason.UNKNOWN_REFERENCE, words)
        round_about = circle(parents)
        if round_about:
            words = f"{' > '.join(round_about)} are one another's parents"
            refuse(round_about, Reason.CIRCLE, words)

    def _refuse(self, problems: Sequence[Problem]) -> None:
        tally = self._tally
        tally.refused += 1
        tally.problem_count += len(problems)
        room = MOST_PROBLEMS - len(tally.problems)
        tally.problems += problems[: max(room, 0)]
        if self._refused is not None:
            self._refused(problems)

    def _refuse_whole(self, problem: Problem) -> None:
        self._broken_whole = True
        self._tally.problem_count += 1
        self._tally.problems.append(problem)


def _event(
    document: MesDocument, old: dict[str, Any] | None, new: dict[str, Any] | None
) -> dict[str, Any]:
    action = "created" if old is None else "withdrawn" if new is None else "changed"
    return {
        "scope": document.scope,
        "key": dict(zip(document.KEY, document.key, strict=True)),
        "action": action,
        "old": old,
        "new": new,
    }
