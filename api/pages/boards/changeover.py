"""Changeovers: from the last good part of one product to the first good part of the next."""

from collections.abc import Iterable
from dataclasses import replace

from api.pages.boards.board import Inquiry, Section
from api.tables.table import Table
from store.reading.board_row import ChangeoverRow


def changeovers_section(q: Inquiry) -> Section:
    """Return every changeover of the place's machines, a category of its own beside setup."""
    found = joined(q.reading.boards.changeovers(q.unit_ids, q.window.start, q.end))
    lengths = [_length_s(one) for one in found]
    rows = tuple(
        (
            q.name_at(one.place),
            one.from_product,
            one.to_product,
            one.last_good,
            one.first_good,
            length,
        )
        for one, length in zip(found, lengths, strict=True)
    )
    columns = (
        q.column("machine"),
        q.column("from_product"),
        q.column("to_product"),
        q.column("last_good", "time"),
        q.column("first_good", "time"),
        q.column("time_s", "duration"),
    )
    f, title = q.formatter, q.words("title.changeovers")
    told = [length for length in lengths if length is not None]
    return Section(
        "changeovers",
        title,
        tables=(Table("changeovers", title, columns, rows),),
        facts=(
            (q.words("changeover_count"), f.number(len(found))),
            (q.words("changeover_mean"), f.duration(sum(told) / len(told) if told else None)),
        ),
        notes=(q.words("note.changeovers"),),
    )


def joined(rows: Iterable[ChangeoverRow]) -> list[ChangeoverRow]:
    """Return changes of product with those joined that no good part lies between."""
    found: list[ChangeoverRow] = []
    latest: dict[str, int] = {}
    for row in rows:
        place = latest.get(row.place)
        before = None if place is None else found[place]
        if (
            place is not None
            and before is not None
            and (before.last_good, before.first_good) == (row.last_good, row.first_good)
        ):
            found[place] = replace(before, to_product=row.to_product)
        else:
            latest[row.place] = len(found)
            found.append(row)
    return found


def _length_s(row: ChangeoverRow) -> float | None:
    if row.last_good is None or row.first_good is None:
        return None
    return (row.first_good - row.last_good).total_seconds()
