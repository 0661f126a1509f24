"""The pages of an SQLite file as they lie on the disk, for when SQLite itself cannot read it.

After https://www.sqlite.org/fileformat2.html. Nothing here trusts what it reads: whatever does not
parse is passed over, and who calls checks each record by its own checksum.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from os import SEEK_END
from pathlib import Path

PAGE_SIZES = tuple(512 << power for power in range(8))
_HEADER = 100
_LEAF_TABLE, _LEAF_INDEX, _INNER_TABLE, _INNER_INDEX = _KINDS = (0x0D, 0x0A, 0x05, 0x02)
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_INTEGER_SIZES = (0, 1, 2, 3, 4, 6, 8)
_MOST_COLUMNS = 12

Column = int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Record:
    """A stored record; `rowid` is None in a table without row ids."""

    rowid: int | None
    columns: tuple[Column, ...]


def header_is_sound(file: Path, *, has_wal: bool) -> bool:
    """Return whether the beginning of a file says what SQLite wrote for us; an empty one does.

    Checked are also fields that SQLite believes without a question, such as whether to look at
    the write-ahead log.
    """
    with file.open("rb") as opened:
        header = opened.read(_HEADER)
    if not header:
        return True
    if len(header) < _HEADER or header[:16] != b"SQLite format 3\0":
        return False
    reads, writes = header[18], header[19]
    return (
        _page_size(header) in PAGE_SIZES
        and reads == writes
        and reads in {1, 2}
        # 1 means a rollback journal: SQLite would not look at the log that lies beside the file.
        and not (reads == 1 and has_wal)
        # No reserved bytes; fractions of 64, 32 and 32, which the format fixes. The next two lines:
        # no vacuum by itself, and zeros where the format keeps room for later.
        and header[20:24] == b"\0\x40\x20\x20"
        and header[52:56] == header[64:68] == b"\0\0\0\0"
        and header[72:92] == bytes(20)
    )


def wal_is_sound(file: Path) -> bool:
    """Return whether a write-ahead log ends where its chain of checksums does.

    Else SQLite would silently leave out everything from the first damage on. A log that was cut
    off in its last transaction by a loss of power counts as damaged, too.
    """
    log = _Log(file)
    return not log.data or all(log.chained)


class Pages:
    """The newest sound version of each page of a file and its write-ahead log."""

    def __init__(self, file: Path, wal: Path) -> None:
        with file.open("rb") as opened:
            # A full outbox is larger than the memory of a gateway. Nothing else can be mapped
            # than what has bytes.
            size = opened.seek(0, SEEK_END)
            self._main = mmap(opened.fileno(), 0, access=ACCESS_READ) if size else b""
        self._log = _Log(wal)
        self.continued: set[int] = set()
        """Numbers of pages that hold the rest of a record that was read."""
        self.size = _page_size(self._main[:_HEADER])
        if self.size not in PAGE_SIZES or self._main[:16] != b"SQLite format 3\0":
            self.size = self._log.page_size or 4096
        self._latest = self._log.latest() if self._log.page_size == self.size else {}

    def numbers(self) -> range:
        """Return the numbers of the pages, from 1."""
        return range(1, max(len(self._main) // self.size, *self._latest, 0) + 1)

    def page(self, number: int) -> bytes:
        """Return a page; empty where there is none."""
        place = self._latest.get(number)
        if place is not None:
            return self._log.data[place : place + self.size]
        return self._main[(number - 1) * self.size : number * self.size]

    def hurt(self) -> Iterator[bytes]:
        """Yield damaged versions of pages that are newer than the newest sound one, newest first.

        Of such a page most is what was written last.
        """
        for number, place in self._log.hurt():
            if number in self.numbers() and place > self._latest.get(number, -1):
                yield self._log.data[place : place + self.size]

    def others(self) -> Iterator[tuple[bytes, bool]]:
        """Yield older versions of pages and damaged ones, the newest first, and whether sound."""
        for place, sound in self._log.places():
            yield self._log.data[place : place + self.size], sound
        for number in self._latest:
            yield self._main[(number - 1) * self.size : number * self.size], True

    def free(self) -> set[int] | None:
        """Return the numbers of unused pages, in which old rows may lie; None if that is lost."""
        header = self.page(1)[:_HEADER]
        if len(header) < _HEADER:
            return None
        trunk, count = struct.unpack(">II", header[32:40])
        found: set[int] = set()
        while trunk:
            page = self.page(trunk)
            if trunk in found or len(page) < self.size:
                return None
            found.add(trunk)
            trunk, leaves = struct.unpack(">II", page[:8])
            if leaves > self.size // 4 - 2:
                return None
            found.update(struct.unpack(f">{leaves}I", page[8 : 8 + 4 * leaves]))
        return found if len(found) == count else None

    def records(self, page: bytes, number: int = 0) -> tuple[list[Record], bool]:
        """Return the records of a page, and whether it makes sense as a whole.

        A page of other things than records, such as the rest of a long text, need not.
        """
        start = _HEADER if number == 1 else 0
        if len(page) < self.size:
            return [], not page
        kind = page[start]
        (cells,) = struct.unpack_from(">H", page, start + 3)
        first = start + (12 if kind in {_INNER_INDEX, _INNER_TABLE} else 8)
        if kind not in _KINDS or first + 2 * cells > self.size:
            return [], False
        if kind == _INNER_TABLE:
            return [], True
        skip = 4 if kind == _INNER_INDEX else 0
        places = struct.unpack_from(f">{cells}H", page, first)
        read = [self._record(page, place + skip, table=kind == _LEAF_TABLE) for place in places]
        records = [record for record in read if record is not None]
        return records, len(records) == cells

    def made_out(self, page: bytes) -> Iterator[Record]:
        """Yield whatever looks like a record anywhere in a page."""
        for place in range(len(page) - 4):
            for table in (True, False):
                record = self._record(page, place, table=table)
                if record is not None:
                    yield record

    def _record(self, page: bytes, place: int, *, table: bool) -> Record | None:
        try:
            length, place = _varint(page, place)
            rowid: int | None = None
            if table:
                rowid, place = _varint(page, place)
            payload = self._payload(page, place, length, table=table)
            return None if payload is None else Record(rowid, _columns(payload))
        except (IndexError, struct.error, ValueError):
            # Bytes that are no record.
            return None

    def _payload(self, page: bytes, place: int, length: int, *, table: bool) -> bytes | None:
        # `most`, `least` and `local` are X, M and K of the format's description of B-tree pages:
        # how much of a long record lies in its own page.
        most = self.size - 35 if table else (self.size - 12) * 64 // 255 - 23
        if length <= most:
            payload = page[place : place + length]
            return payload if 2 <= length == len(payload) else None
        # Nobody wrote such a length; to follow it could go round in the file for ever.
        if length > len(self._main) + len(self._log.data):
            return None
        least = (self.size - 12) * 32 // 255 - 23
        local = least + (length - least) % (self.size - 4)
        local = local if local <= most else least
        parts = [page[place : place + local]]
        numbers = []
        (following,) = struct.unpack_from(">I", page, place + local)
        left = length - local
        while left > 0:
            further = self.page(following)
            if not following or len(further) < self.size:
                return None
            numbers.append(following)
            (following,) = struct.unpack_from(">I", further)
            parts.append(further[4 : 4 + min(left, self.size - 4)])
            left -= self.size - 4
        self.continued.update(numbers)
        return b"".join(parts)


class _Log:
    """The frames of a write-ahead log that were written since it was begun anew."""

    def __init__(self, file: Path) -> None:
        self.data = file.read_bytes() if file.exists() else b""
        self.page_size = 0
        self.chained: list[bool] = []
        """By frame, up to the last one of this beginning: whether its checksum follows."""
        self._frames: list[tuple[int, int, int]] = []
        """Page number, pages after a commit (0 for none), and where the page lies."""
        if len(self.data) < _WAL_HEADER + _FRAME_HEADER:
            self.data = b""
            return
        magic, _, size, _, salt1, salt2, sum1, sum2 = struct.unpack_from(">8I", self.data)
        order = _WAL_MAGIC.get(magic, "<")
        checked = _checksum(self.data[:24], (0, 0), order) == (sum1, sum2)
        self.page_size = size if checked and size in PAGE_SIZES else 4096
        if not checked:
            salt1, salt2 = struct.unpack_from(">2I", self.data, _WAL_HEADER + 8)
        self._read((salt1, salt2), (sum1, sum2), order, whole=checked)

    def _read(
        self, salts: tuple[int, int], before: tuple[int, int], order: str, *, whole: bool
    ) -> None:
        step = _FRAME_HEADER + self.page_size
        found: list[tuple[tuple[int, int, int], bool, bool]] = []
        for place in range(_WAL_HEADER, len(self.data) - step + 1, step):
            number, commit, salt1, salt2, *sums = struct.unpack_from(">6I", self.data, place)
            follows = _checksum(self.data[place : place + 8], before, order)
            page = place + _FRAME_HEADER
            follows = _checksum(self.data[page : page + self.page_size], follows, order)
            # From what is stored, not from what was computed: so a frame behind a broken one can be
            # sound.
            before = (sums[0], sums[1])
            ours = (salt1, salt2) == salts
            found.append(((number, commit, page), follows == before and ours, ours))
        # Frames of an earlier beginning follow the last of this one.
        last = max((index for index, (_, _, ours) in enumerate(found) if ours), default=-1)
        self._frames = [frame for frame, _, _ in found[: last + 1]]
        self.chained = [whole, *(chained for _, chained, _ in found[: last + 1])]

    def latest(self) -> dict[int, int]:
        """Return by page number where its last sound and committed version lies."""
        sound = [frame for frame, chained in zip(self._frames, self.chained[1:], strict=True)
                 if chained]  # fmt: skip
        # What lies behind the last commit was promised to nobody.
        commits = [index for index, (_, commit, _) in enumerate(sound) if commit]
        committed = sound[: commits[-1] + 1] if commits else []
        return {number: place for number, _, place in committed}

    def hurt(self) -> Iterator[tuple[int, int]]:
        """Yield page numbers and places of the versions that are not sound, the newest first."""
        for (number, _, place), chained in zip(
            reversed(self._frames), reversed(self.chained), strict=False
        ):
            if not chained:
                yield number, place

    def places(self) -> Iterator[tuple[int, bool]]:
        """Yield where all versions of pages lie, the newest first, and whether each is sound."""
        for (_, _, place), chained in zip(
            reversed(self._frames), reversed(self.chained), strict=False
        ):
            yield place, chained


def _page_size(header: bytes) -> int:
    size = int.from_bytes(header[16:18], "big")
    # Two bytes cannot hold the largest size; the format writes 1 for it.
    return 65_536 if size == 1 else size


def _checksum(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = start
    for one, other in struct.iter_unpack(f"{order}2I", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def _varint(page: bytes, place: int) -> tuple[int, int]:
    """Return a number of one to nine bytes and the place after it."""
    value = 0
    for count in range(8):
        byte = page[place + count]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + count + 1
    value = value << 8 | page[place + 8]
    return value - (1 << 64) if value >= 1 << 63 else value, place + 9


def _columns(payload: bytes) -> tuple[Column, ...]:
    """Return the columns of a record; raise ValueError or IndexError for what is none."""
    size, place = _varint(payload, 0)
    kinds = []
    while place < size:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    if place != size or not 0 < len(kinds) <= _MOST_COLUMNS:
        raise ValueError("no record")
    columns: list[Column] = []
    for kind in kinds:
        column, place = _column(payload, place, kind)
        columns.append(column)
    if place != len(payload):
        raise ValueError("no record")
    return tuple(columns)


def _column(payload: bytes, place: int, kind: int) -> tuple[Column, int]:
    if kind == 0:
        return None, place
    if kind in {8, 9}:
        return kind - 8, place
    if kind == 7:
        (number,) = struct.unpack_from(">d", payload, place)
        return number, place + 8
    if kind < len(_INTEGER_SIZES):
        end = place + _INTEGER_SIZES[kind]
        return int.from_bytes(payload[place:end], "big", signed=True), end
    if kind < 12:
        raise ValueError("no record")
    end = place + (kind - 12) // 2
    if end > len(payload):
        raise ValueError("no record")
    raw = payload[place:end]
    # UnicodeDecodeError is a ValueError.
    return (raw.decode() if kind % 2 else raw), end
