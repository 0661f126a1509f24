"""What became of letters: each part a row or a rejection, or the whole letter raw; nothing else."""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import TupleRow

from store import Connection
from tests.hostile.letter import Letter, Part, RowKey
from tests.hostile.witness import ADDRESS

_OWN_ROWS = """
select tag.name, (extract(epoch from m.source_time) * 1000000)::bigint, m.value, m.quality
from {table} as m join tag using (tag_id) join edge using (edge_id)
where m.received_time >= %s and edge.code <> 'nhan-chung'
"""
_REJECTIONS = """
select epoch, row_id, tag_name, reason, raw from rejection where received_time >= %s
"""
# What was inspected or booked is itself the record.
_EVENTS = """
select key::text || coalesce(new::text, '') from master_data_event where recorded_at >= %s
union all select number from inspection
union all select number from scrap_booking
"""
_REPLACED = "unknown_tag"
_UNTOLD = {"odd node"}
"""Kinds that may change what tags the node has, and what they hold."""
_NODE_TAGS = {"cua/temperature", "cua/note"}
"""Of the node, what is sent with values that say which they are."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the database and the file beside the ingest hold of a round."""

    rows: frozenset[RowKey]
    refused: frozenset[tuple[str, int]]
    """Epoch and id of single rows that were rejected."""
    refused_tags: frozenset[str]
    raws: frozenset[bytes]
    events: str
    """Keys and contents of all documents' events."""

    def lacks(self, letters: Iterable[Letter]) -> list[str]:
        """Return in words what is neither stored nor kept raw."""
        told: dict[tuple[str, str, int], list[bool]] = defaultdict(list)
        missing = []
        for letter in letters:
            whole = letter.payload in self.raws
            if letter.event:
                if not (whole or letter.event in self.events):
                    missing.append(_named(letter))
            elif letter.parts is None:
                if not whole:
                    missing.append(_named(letter))
            else:
                for part in letter.parts:
                    there = whole or self._holds(part)
                    if part.row_id:
                        told[letter.topic, part.epoch, part.row_id].append(there)
                    elif not there:
                        missing.append(f"{_named(letter)}: {part.row}")
        # An id that comes with two contents is the first of them.
        for (topic, epoch, row_id), there_once in told.items():
            if not any(there_once):
                missing.append(f"id {row_id} of {epoch} on {topic}")
        return missing

    def _holds(self, part: Part) -> bool:
        if part.row is not None and (part.row in self.rows or part.row[0] in self.refused_tags):
            return True
        return (part.epoch, part.row_id) in self.refused

    def strange(self, letters: Iterable[Letter]) -> list[str]:
        """Return the rows that nobody sent."""
        sent = {part.row for letter in letters for part in letter.parts or ()}
        told = not any(letter.kind in _UNTOLD for letter in letters)
        return [
            f"nobody sent {row}"
            for row in self.rows
            if row not in sent and (told or row[0] not in _NODE_TAGS) and not _is_of_no_letter(row)
        ]


def _is_of_no_letter(row: RowKey) -> bool:
    """Whether a row may come of a letter whose content is not told: a device's or a node's."""
    name, _, value, _ = row
    if name.startswith("may-json/"):
        return True
    if name in _NODE_TAGS:
        # A node that dies leaves a mark of its silence.
        return value is None
    return name.partition("/")[0] in {"cua", "mai"}


def find(connection: Connection, since: datetime, kept_file: Path) -> Found:
    """Ask for everything that was received since a moment."""

    def ask(query: str, *values: object) -> Sequence[TupleRow]:
        return connection.execute(query.encode(), values).fetchall()

    rows = [
        row
        for table in ("measurement", "text_measurement")
        for row in ask(_OWN_ROWS.format(table=table), since)
    ]
    rejections = ask(_REJECTIONS, since)
    events = ask(_EVENTS, since)
    return Found(
        rows=frozenset((name, time_us, value, quality) for name, time_us, value, quality in rows),
        refused=frozenset((row[0], row[1]) for row in rejections if row[0] and row[1]),
        refused_tags=frozenset(row[2] for row in rejections if row[2] and row[3] == _REPLACED),
        raws=frozenset(bytes(row[4]) for row in rejections) | _kept(kept_file),
        events=" ".join(text for (text,) in events),
    )


def _kept(file: Path) -> frozenset[bytes]:
    if not file.exists():
        return frozenset()
    return frozenset(
        base64.b64decode(json.loads(line)["raw"]) for line in file.read_bytes().splitlines() if line
    )


def witness_problems(connection: Connection, sent_to: int) -> list[str]:
    """Return what is wrong with the witness's rows: each id is one row, with the value it had."""
    row = connection.execute(
        "select count(*), count(distinct value), coalesce(min(value), 0), coalesce(max(value), 0)"
        " from measurement join tag using (tag_id) join edge using (edge_id)"
        " where edge.code = %s and value <= %s",
        [ADDRESS.edge, sent_to],
    ).fetchone()
    assert row is not None
    if row != (sent_to, sent_to, 1.0, float(sent_to)) and sent_to:
        return [f"of the witness's {sent_to} rows there are (rows, different, least, most) {row}"]
    return []


def _named(letter: Letter) -> str:
    topic = letter.topic if len(letter.topic) < 80 else f"{letter.topic[:80]}…"
    return f"{letter.kind} on {topic}: {letter.payload[:120]!r} ({len(letter.payload)} bytes)"
