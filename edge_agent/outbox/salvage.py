"""What is whole in a damaged outbox file, in a new one beside it.

Every record has a checksum, so it does not matter how the file's own order was hurt: each page is
looked through, and what agrees with its checksum is whole. Ids that should be there and are not
are lost, and declared so. Where even the outbox's own progress is gone, or the reading position of
a source, a new epoch begins: the platform then compares what it has.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import msgspec

from edge_agent.outbox.file import open_file
from edge_agent.outbox.pages import Column, Pages, Record
from edge_agent.outbox.progress import Progress, new_epoch
from edge_agent.outbox.statements import statements
from edge_agent.outbox.stored_row import AS_OF, Places, entry_sum, row_sum
from edge_agent.outbox.tables import Tables
from plant.delivery.idset import IdSet
from plant.log import get_logger
from plant.measurement import Quality
from plant.native.message import DropReason

_Q = statements()
_QUALITIES = frozenset(Quality)
_log = get_logger()

RowColumns = tuple[int, int, int, Column, int, int, int | None]
"""As the table `row` has them."""


@dataclass(slots=True)
class _Found:
    """Entries of the small tables that agree with their checksums."""

    meta: dict[str, Column] = field(default_factory=dict)
    tags: dict[int, tuple[Column, ...]] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    placed_id: int = 0
    """Highest id that was given out when the reading positions were so."""
    displaced: bool = False
    """Some reading position is an earlier one: its source will be read again from there."""

    @property
    def places(self) -> Places:
        """The second copy of the reading positions; empty when it is lost."""
        try:
            return msgspec.json.decode(str(self.meta["places"]), type=Places)
        except (KeyError, msgspec.MsgspecError):
            return Places()

    def choose_cursors(self) -> None:
        """Take the newer copy of the reading positions, and note as of which id it is."""
        places, of_id = self.places, int(self.cursors.pop(AS_OF, "0"))
        if places.issued_id >= of_id:
            self.cursors |= places.cursors
        self.placed_id = max(places.issued_id, of_id)

    @property
    def unsummed_to(self) -> int:
        """Rows up to this id are of an older version of the file, without checksums."""
        known = self.meta.get("unsummed_to")
        return known if isinstance(known, int) else 0

    @property
    def progress(self) -> Progress | None:
        """The outbox's own progress; None when it is lost."""
        try:
            return msgspec.json.decode(str(self.meta["progress"]), type=Progress)
        except (KeyError, msgspec.MsgspecError):
            return None


def finish(file: Path) -> None:
    """Put a salvaged file in the place of the damaged one, which is kept under another name."""
    mended = _beside(file, ".mended")
    if not mended.exists():
        return
    for end in ("-wal", ""):
        damaged = file.with_name(file.name + end)
        if damaged.exists():
            damaged.replace(file.with_name(f"{file.name}.damaged{end}"))
    # Last: with the old log still beside it, SQLite would write damaged pages into the sound file.
    mended.replace(file)


def salvage(file: Path, kept_rows: int) -> bool:
    """Make a sound file of a damaged one; return False when nothing in it is ours.

    Raises sqlite3.Error or OSError when the disk has no room for it.
    """
    mending = _beside(file, ".mending")
    for end in ("", "-wal"):
        mending.with_name(mending.name + end).unlink(missing_ok=True)
    pages = Pages(file, _beside(file, "-wal"))
    with closing(open_file(mending, "full")) as connection:
        tables = Tables(connection)
        connection.execute("begin immediate")
        tables.prepare(file)
        found = _collected(pages, connection)
        if not (found.meta or found.tags or found.rows):
            connection.execute("rollback")
            return False
        progress = _settled(found, connection, kept_rows)
        tables.write_meta("progress", msgspec.json.encode(progress).decode())
        if found.cursors:
            tables.write_places(progress.issued_id, found.cursors, found.cursors)
        connection.execute("commit")
    lost = progress.because.get(DropReason.OUTBOX_DAMAGED)
    _log.error(
        "outbox_damaged",
        file=str(file),
        damaged_file=f"{file}.damaged",
        pending=progress.pending,
        lost=0 if lost is None else len(lost),
        mend="check the disk; what was whole is sent, the rest is reported as a gap",
    )
    # Once it is whole and closed. `.mending` is thrown away at the next try, `.mended` is believed.
    mending.replace(_beside(file, ".mended"))
    finish(file)
    return True


def _beside(file: Path, end: str) -> Path:
    return file.with_name(file.name + end)


def _collected(pages: Pages, connection: sqlite3.Connection) -> _Found:
    """Put every whole row into the new file, and return the rest of what is whole."""
    found = _Found()
    free = pages.free()
    doubtful: list[int] = []

    def newest() -> Iterator[Record]:
        for page in pages.hurt():
            yield from pages.records(page)[0]
        for number in pages.numbers():
            if free is None or number not in free:
                records, whole = pages.records(pages.page(number), number)
                yield from records
                if not whole:
                    doubtful.append(number)
        for number in doubtful:
            if number not in pages.continued:
                yield from pages.made_out(pages.page(number))

    _insert(connection, "salvage_row", _sorted_out(newest(), found), found)
    found.choose_cursors()
    progress = found.progress
    if progress is not None and not _wanting(found, progress, connection):
        return found
    older = _Found()
    rows = list(_sorted_out(_older(pages), older))
    found.meta = older.meta | found.meta
    found.tags = older.tags | found.tags
    older.choose_cursors()
    known = older.cursors
    found.displaced = not known.keys() <= found.cursors.keys()
    found.cursors = known | found.cursors
    progress = found.progress
    # Where rows were given up for want of room, others took their ids: an old page, or an unused
    # one, may hold a row under an id that is no longer its own.
    moved_to = max(progress.thinned_to) if progress else 0
    if moved_to and free is None:
        # Nor can the pages in use be told from those.
        connection.execute(_Q["delete_rows"], (moved_to,))
    _insert(connection, "salvage_missing_row", (row for row in rows if row[0] > moved_to), found)
    return found


def _wanting(found: _Found, progress: Progress, connection: sqlite3.Connection) -> bool:
    """Return whether anything that should be there was not found in the newest pages."""
    if len(found.cursors) < progress.sources:
        return True
    strange = connection.execute(_Q["strange_tags"]).fetchall()
    if any(tag not in found.tags for (tag,) in strange):
        return True
    held = _held(connection, progress.low_id)
    given_up = IdSet.of((first, last + 1) for first, last in progress.dropped_ranges)
    return bool(held.union(given_up).missing(progress.low_id + 1, progress.issued_id + 1))


def _older(pages: Pages) -> Iterator[Record]:
    for page, sound in pages.others():
        yield from pages.records(page)[0] if sound else pages.made_out(page)


def _insert(
    connection: sqlite3.Connection, statement: str, rows: Iterable[RowColumns], found: _Found
) -> None:
    remaining = iter(rows)
    while part := list(islice(remaining, 5_000)):
        found.rows += len(part)
        connection.executemany(_Q[statement], part)


def _sorted_out(records: Iterable[Record], found: _Found) -> Iterator[RowColumns]:
    """Yield whole rows, and note the whole entries of other tables; what is first stays."""
    for record in records:
        match record:
            case Record(
                int(id_), (None, int(tag), int(time_us), value, int(quality), int(taken_s), *rest)
            ):
                check = row_sum(id_, tag, time_us, value, quality)
                if rest == [check]:
                    yield id_, tag, time_us, value, quality, taken_s, check
                elif rest in ([], [None]) and quality in _QUALITIES:
                    yield id_, tag, time_us, value, quality, taken_s, None
            case Record(int(tag), (None, str(name), *newest, check)):
                if check == entry_sum("tag", tag, name, *newest):
                    found.tags.setdefault(tag, (name, *newest))
            case Record(None, (str(key), value, int(check))):
                # Nothing in a page says of which table its records are; the kind within the
                # checksum does.
                if check == entry_sum("meta", key, value):
                    found.meta.setdefault(key, value)
                elif check == entry_sum("cursor", key, value):
                    found.cursors.setdefault(key, str(value))
            case _:
                pass


def _settled(found: _Found, connection: sqlite3.Connection, kept_rows: int) -> Progress:
    """Fill the small tables, delete what is no longer needed, and return the progress."""
    connection.executemany(
        _Q["add_tag"],
        [(tag, *entry, entry_sum("tag", tag, *entry)) for tag, entry in found.tags.items()],
    )
    connection.executemany(
        _Q["write_cursor"],
        [(name, place, entry_sum("cursor", name, place)) for name, place in found.cursors.items()],
    )
    for key, value in found.meta.items():
        if key not in {"progress", "places"}:
            connection.execute(_Q["write_meta"], (key, value, entry_sum("meta", key, value)))
    connection.execute(_Q["delete_doubtful"], (found.unsummed_to,))
    progress = found.progress
    if progress is None or len(found.cursors) < progress.sources or found.displaced:
        return _new_life(progress, connection, len(found.cursors))
    connection.execute(_Q["delete_rows"], (progress.low_id - kept_rows,))
    held = _held(connection, progress.low_id)
    # Where its newest state is lost, the rows that the reading positions are behind tell more.
    highest = held.spans[-1][1] - 1 if held.spans else 0
    issued_id = max(progress.issued_id, found.placed_id, highest)
    whole = replace(
        progress,
        issued_id=issued_id,
        # Any of them may have been sent by now.
        known_id=issued_id,
        sent=True,
        shown=IdSet.of([(progress.low_id + 1, issued_id + 1)]),
    )
    missing = held.missing(progress.low_id + 1, issued_id + 1)
    return whole.losing(missing, DropReason.OUTBOX_DAMAGED)


def _new_life(progress: Progress | None, connection: sqlite3.Connection, sources: int) -> Progress:
    """Return the progress of a new epoch that begins with the first row that is whole."""
    low_id = progress.low_id if progress else 0
    # What was confirmed and is kept in case the platform loses it can come under this epoch only.
    for start, stop in _held(connection, 0).spans:
        if start <= low_id < stop:
            low_id = start - 1
    connection.execute(_Q["delete_rows"], (low_id,))
    held = _held(connection, low_id)
    fresh = Progress(
        new_epoch(),
        age_s=progress.age_s if progress else 0,
        sources=sources,
    )
    if not held.spans:
        return fresh
    shift, end = held.spans[0][0] - 1, held.spans[-1][1]
    connection.execute(_Q["shift_rows"], (shift,))
    missing = [(start - shift, stop - shift) for start, stop in held.missing(shift + 1, end)]
    issued = replace(fresh, issued_id=end - 1 - shift)
    return issued.losing(missing, DropReason.OUTBOX_DAMAGED)


def _held(connection: sqlite3.Connection, after_id: int) -> IdSet:
    spans: list[tuple[int, int]] = []
    for (id_,) in connection.execute(_Q["read_ids"], (after_id,)):
        if spans and spans[-1][1] == id_:
            spans[-1] = (spans[-1][0], id_ + 1)
        else:
            spans.append((id_, id_ + 1))
    return IdSet(tuple(spans))
