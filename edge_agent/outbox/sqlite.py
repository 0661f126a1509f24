"""The outbox in an SQLite file: what survives is what was committed.

The file is in WAL mode and locked by one agent. With `synchronous=full` every commit is flushed
to the disk, so that `append` returns only when its rows survive a power cut (as far as the disk
itself tells the truth about flushing). With `normal` they survive a killed program, but a power
cut may take the commits since the last checkpoint; the file stays sound either way.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Literal

import msgspec

from edge_agent.outbox.contract import (
    KEPT_ROWS,
    OutboxState,
    Row,
    SetBack,
    Slice,
    TagMemory,
    mark_of,
)
from edge_agent.outbox.file import (
    UNREADABLE,
    DamagedError,
    claim,
    is_damage,
    open_error,
    open_file,
    run_error,
)
from edge_agent.outbox.opening import open_own, salvaged
from edge_agent.outbox.owner import ForeignOutboxError
from edge_agent.outbox.progress import Progress, new_epoch
from edge_agent.outbox.room import Room
from edge_agent.outbox.statements import statements
from edge_agent.outbox.tables import Tables
from edge_agent.outbox.thinning import RESERVED_ROWS
from edge_agent.priority import Priority
from plant.errors import ConfigurationError, TransientError
from plant.log import get_logger
from plant.native.message import DropReason

_Q = statements()
_log = get_logger()


class MendedError(TransientError):
    """The outbox file was damaged; what was whole of it has been saved: repeat the call."""


class SqliteOutbox:
    """Rows in an SQLite file; see the module for what survives what."""

    def __init__(
        self,
        file: Path,
        max_bytes: int,
        max_hours: float,
        synchronous: Literal["full", "normal"] = "full",
        kept_rows: int = KEPT_ROWS,
        reserved_rows: int = RESERVED_ROWS,
        owner: str | None = None,
    ) -> None:
        """Open or make the file; raise ConfigurationError when that cannot be done.

        With an `owner`, the path of an edge, a file with rows of another one is kept aside.
        """
        self._file = file
        self._owner = owner
        self._max_age_s = max_hours * 3600
        self._kept_rows = kept_rows
        self._synchronous = synchronous
        self._reserved_rows = reserved_rows
        self._max_bytes = max_bytes
        self._priorities: Mapping[str, Priority] = {}
        self._lock = RLock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._claim = claim(file)
            try:
                open_own(file, owner, kept_rows, self._open)
            except BaseException:  # whatever it is, the lock is another's to take
                self._claim.close()
                raise
        except OSError as exc:
            raise ConfigurationError(
                f"the outbox folder {file.parent} cannot be used: {exc.strerror}; "
                "make it writable for this user or set outbox.file elsewhere"
            ) from exc
        except sqlite3.Error as exc:
            raise open_error(exc, file) from exc

    def _open(self) -> None:
        self._connection = open_file(self._file, self._synchronous)
        self._tables = Tables(self._connection)
        self._room = Room(self._tables, self._max_bytes, self._max_age_s)
        self._room.priorities = self._priorities
        try:
            with self._connection:
                self._connection.execute("begin immediate")
                self._tables.prepare(self._file)
                self._tables.read_tags()
                self._cursors = self._tables.cursors()
                self._progress = self._stored_progress().opened()
                self._reopened = self._progress.issued_id > 0
                self._check_owner()
                self._store(self._progress)
        except (*UNREADABLE, ConfigurationError, ForeignOutboxError):
            self._connection.close()
            raise

    def _check_owner(self) -> None:
        """Write whose outbox it is, or raise ForeignOutboxError when it is another's."""
        known = self._tables.meta().get("owner")
        if self._owner is None or known == self._owner:
            return
        if known is not None:
            raise ForeignOutboxError(str(known), self._progress.pending)
        self._tables.write_meta("owner", self._owner)

    def _mend(self, cause: str) -> MendedError:
        """Save what is whole of a file that was found damaged; return what to tell the caller."""
        self._connection.close()
        try:
            salvaged(self._file, self._kept_rows)
            self._open()
        except (sqlite3.Error, OSError) as exc:
            raise ConfigurationError(
                f"the outbox {self._file} is damaged ({cause}) and what is whole of it cannot be "
                f"saved: {exc}; free disk space beside it and start again"
            ) from exc
        return MendedError(f"the outbox {self._file} was damaged ({cause}); it is mended now")

    def append(
        self, rows: Sequence[Row], now_us: int, cursors: Mapping[str, str] | None = None
    ) -> None:
        """See `Outbox.append`."""
        with self._changing() as before:
            progress = before.aged(now_us // 1_000_000, self._max_age_s)
            self._tables.add_rows(rows, before.issued_id + 1, progress.age_s, now_us)
            known = {**self._cursors, **(cursors or {})}
            if cursors:
                # In the transaction of the rows before them: a position without its rows would lose
                # these, rows without the position would be taken a second time.
                self._tables.write_places(before.issued_id + len(rows), cursors, known)
                progress = replace(progress, sources=len(known))
            self._store(self._room.made(progress.issued(len(rows))))
        # After the commit: what was not kept was not read.
        self._cursors = known

    def rank(self, priorities: Mapping[str, Priority]) -> None:
        """See `Outbox.rank`."""
        with self._lock:
            self._room.priorities = self._priorities = dict(priorities)

    def read(self, after_id: int, limit: int) -> Slice | None:
        """See `Outbox.read`."""
        with self._reading():
            # Once more where the first row was found damaged and given up.
            while (first_id := self._progress.first_missing(after_id)) <= self._progress.issued_id:
                rows = self._whole(first_id, limit)
                if rows:
                    self._show(first_id, first_id + len(rows) - 1)
                    return Slice(first_id, rows)
        return None

    def _whole(self, first_id: int, limit: int) -> list[Row]:
        """Return rows from an id on, up to the first that is not there or damaged.

        A damaged one in the first place is given up, and nothing returned.
        """
        found = self._tables.rows(_Q["read_rows"], first_id - 1, limit).fetchall()
        if not found or found[0][0] != first_id:
            raise DamagedError(f"row {first_id} is not there")
        rows: list[Row] = []
        for place, columns in enumerate(found, first_id):
            row = self._tables.row(*columns)
            if columns[0] != place or row is None:
                break
            rows.append(row)
        if not rows:
            _log.error("outbox_row_damaged", file=str(self._file), row=first_id)
            self.lose(first_id, first_id, DropReason.OUTBOX_DAMAGED)
        return rows

    def _show(self, first_id: int, last_id: int) -> None:
        """Let rows, and some more after them, keep their ids from now on."""
        if self._progress.is_shown(first_id, last_id):
            return
        shown = self._progress.showing(first_id, last_id + self._reserved_rows)
        try:
            with self._changing():
                self._store(shown)
        except MendedError:
            # The rows at hand are of the file as it was, and so is what would be shown of them.
            raise
        except TransientError:
            # A full disk takes no rows to thin either; the next commit that it takes has this.
            self._progress = shown

    def acknowledge(self, epoch: str, committed_to: int) -> int:
        """See `Outbox.acknowledge`."""
        with self._lock:
            if epoch != self._progress.epoch:
                return 0
            before = self._progress
            after = before.acknowledged(committed_to)
            if after != before:
                # Should a power cut take it, the platform skips what is sent again.
                with self._changing(durable=False):
                    self._prune(after)
                    self._store(after)
            return after.confirmed - before.confirmed

    def mark_published(self, up_to_id: int) -> None:
        """See `Outbox.mark_published`; only the first time in a life is worth a commit."""
        with self._lock:
            published = self._progress.published(up_to_id)
            if self._progress.sent:
                self._progress = published
                return
            with self._changing():
                self._store(published)

    def reopened(self) -> bool:
        """See `Outbox.reopened`."""
        with self._lock:
            return self._reopened

    def restored_from_old_image(self, epoch: str, committed_to: int) -> bool:
        """See `Outbox.restored_from_old_image`."""
        with self._lock:
            return self._progress.knows_too_much(epoch, committed_to)

    def platform_is_behind(self, epoch: str, committed_to: int) -> bool:
        """See `Outbox.platform_is_behind`."""
        with self._lock:
            return self._progress.is_ahead_of(epoch, committed_to)

    def take_set_back(self, committed_to: int) -> SetBack:
        """See `Outbox.take_set_back`."""
        with self._changing() as before:
            lowest = self._tables.number(_Q["lowest_id"]) or before.issued_id + 1
            # They were taken long ago, but it is now that they begin to wait.
            age = (before.age_s, committed_to, before.low_id)
            self._connection.execute(_Q["refresh_rows"], age)
            self._store(before.set_back(committed_to, lowest))
            return self._progress.set_back_from(before)

    def lose(self, first_id: int, last_id: int, reason: str) -> None:
        """See `Outbox.lose`."""
        with self._changing() as before:
            self._connection.execute(_Q["delete_between"], (first_id, last_id))
            self._store(before.losing([(first_id, last_id + 1)], reason))

    def renew_epoch(self) -> None:
        """See `Outbox.renew_epoch`."""
        with self._changing() as progress:
            renewed = progress.renewed()
            shift = progress.foreign_id
            self._connection.execute(_Q["delete_rows"], (shift,))
            self._connection.execute(_Q["shift_rows"], (shift,))
            self._tables.write_meta("forgotten", 1)
            if self._cursors:
                self._tables.write_places(renewed.issued_id, {}, self._cursors)
            self._store(renewed)
            self._reopened = False

    def state(self) -> OutboxState:
        """See `Outbox.state`."""
        try:
            return self._state()
        except MendedError:
            return self._state()

    def _state(self) -> OutboxState:
        with self._reading():
            progress = self._progress
            oldest = next(self._tables.rows(_Q["first_row"], progress.low_id), None)
            return OutboxState(
                epoch=progress.epoch,
                issued_id=progress.issued_id,
                acknowledged_id=progress.low_id,
                pending=progress.pending,
                confirmed=progress.confirmed,
                oldest_pending_us=oldest[0] if oldest else None,
                oldest_pending_age_s=progress.age_s - oldest[1] if oldest else 0,
                dropped=progress.dropped,
                dropped_ranges=progress.dropped_ranges,
                used_bytes=self._tables.used_bytes(),
                confirmed_id=progress.confirmed_id,
                lost=progress.because,
                set_backs=progress.set_backs,
            )

    def memory(self) -> dict[str, TagMemory]:
        """See `Outbox.memory`; it goes back no further than twice the rows that are kept."""
        try:
            return self._memory()
        except MendedError:
            return self._memory()

    def _memory(self) -> dict[str, TagMemory]:
        with self._reading():
            self._tables.read_tags()
            taken: dict[str, list[tuple[int, int]]] = {name: [] for name in self._tables.tag_ids}
            from_id = max(0, self._progress.issued_id - 2 * self._kept_rows)
            for columns in self._tables.rows(_Q["read_times"], from_id):
                row = self._tables.row(*columns)
                if row is not None:
                    taken[row.tag].append((row.time_us, mark_of(row.value, row.quality)))
            forgotten = from_id > 0 or bool(self._tables.meta().get("forgotten"))
            return {
                name: TagMemory(last, tuple(taken[name]), forgotten)
                for name, last in self._tables.newest.items()
            }

    def cursors(self) -> dict[str, str]:
        """See `Outbox.cursors`."""
        with self._lock:
            return dict(self._cursors)

    def close(self) -> None:
        """See `Outbox.close`."""
        with self._lock:
            self._connection.close()
            self._claim.close()

    @contextmanager
    def _changing(self, *, durable: bool = True) -> Iterator[Progress]:
        """One transaction; a failure leaves the outbox as it was.

        What need not be durable is on the disk with the next transaction that is.
        """
        with self._lock:
            before = self._progress
            try:
                if not durable:
                    # Before `begin`, as SQLite does not let it change within a transaction.
                    self._connection.execute("pragma synchronous = normal")
                self._connection.execute("begin immediate")
                yield before
                self._connection.execute("commit")
            except UNREADABLE as exc:
                self._progress = before
                if is_damage(exc):
                    raise self._mend(str(exc)) from exc
                self._undo()
                raise run_error(exc, self._file) from exc
            finally:
                if not durable:
                    self._connection.execute(f"pragma synchronous = {self._synchronous}")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except UNREADABLE as exc:
                if is_damage(exc):
                    raise self._mend(str(exc)) from exc
                raise run_error(exc, self._file) from exc

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("rollback")
        # Numbers that tags were given in the transaction are gone with it.
        self._tables.read_tags()

    def _stored_progress(self) -> Progress:
        meta = self._tables.meta()
        self._tables.unsummed_to = int(meta.get("unsummed_to", 0))
        if "progress" not in meta:
            return Progress(new_epoch())
        return msgspec.json.decode(str(meta["progress"]), type=Progress)

    def _store(self, progress: Progress) -> None:
        self._tables.write_meta("progress", msgspec.json.encode(progress).decode())
        self._progress = progress

    def _prune(self, progress: Progress) -> None:
        up_to = progress.low_id - self._kept_rows
        if up_to >= self._tables.number(_Q["lowest_id"]):
            self._tables.delete_up_to(up_to)
