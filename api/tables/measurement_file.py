"""Measurements as files of any length: Parquet piece by piece, a workbook by way of a file."""

import io
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from openpyxl import Workbook

from api.tables.file import harmless
from plant.clock import from_microseconds
from plant.measurement import Quality
from store.reading.export import NumberBlock, TextBlock

MOST_SHEET_ROWS = 1_048_575
"""Rows below the heading that a sheet holds."""
_ROWS_OF_A_GROUP = 131_072
_COLUMNS = ("tag", "source_time", "received_time", "value", "text", "quality")
_QUALITIES = tuple(quality.name.lower() for quality in Quality)

Block = NumberBlock | TextBlock


def parquet(blocks: Iterable[Block]) -> Generator[bytes]:
    """Yield a Parquet file: tag, source_time, received_time, value, text, quality.

    Times are microseconds in UTC; of `value` and `text` a row has the one that its tag has, or
    none.
    No more than a group of rows is in memory.
    """
    # Large, and seldom needed.
    import pyarrow as pa  # noqa: PLC0415 - as said above
    from pyarrow import parquet as pq  # noqa: PLC0415 - the same

    moment = pa.timestamp("us", tz="UTC")
    word = pa.dictionary(pa.int16(), pa.string())
    kinds = (
        pa.dictionary(pa.int32(), pa.string()),
        moment,
        moment,
        pa.float64(),
        pa.string(),
        word,
    )
    schema = pa.schema(list(zip(_COLUMNS, kinds, strict=True)))
    out = _Out()
    with pq.ParquetWriter(pa.PythonFile(out, mode="w"), schema, compression="zstd") as writer:
        held: list[Any] = []
        rows = 0
        for block in blocks:
            held.append(pa.Table.from_arrays(_arrays(pa, block, schema), schema=schema))
            rows += held[-1].num_rows
            if rows >= _ROWS_OF_A_GROUP:
                writer.write_table(_joined(pa, held), row_group_size=_ROWS_OF_A_GROUP)
                held, rows = [], 0
                yield from out.taken()
        if rows:
            writer.write_table(_joined(pa, held), row_group_size=_ROWS_OF_A_GROUP)
    yield from out.taken()


def _joined(pa: Any, tables: list[Any]) -> Any:
    # Each block has words of its own.
    return pa.concat_tables(tables).unify_dictionaries()


def _arrays(pa: Any, block: Block, schema: Any) -> list[Any]:
    qualities = pa.array(_QUALITIES)
    if isinstance(block, NumberBlock):
        size = len(block.source_us)
        columns = [
            pa.array(block.source_us).cast(schema.field(1).type),
            pa.array(block.received_us).cast(schema.field(2).type),
            pa.array(block.value, mask=block.absent),
            pa.nulls(size, pa.string()),
        ]
        quality = block.quality.astype(np.int16)
    else:
        size = len(block.rows)
        columns = [
            pa.array([row[0] for row in block.rows], schema.field(1).type),
            pa.array([row[1] for row in block.rows], schema.field(2).type),
            pa.nulls(size, pa.float64()),
            pa.array([row[2] for row in block.rows], pa.string()),
        ]
        quality = np.array([row[3] for row in block.rows], dtype=np.int16)
    tag = pa.DictionaryArray.from_arrays(np.zeros(size, np.int32), pa.array([block.tag]))
    return [tag, *columns, pa.DictionaryArray.from_arrays(quality, qualities)]


class _Out(io.RawIOBase):
    """What was written and not taken yet."""

    def __init__(self) -> None:
        self._held = io.BytesIO()

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Keep what is written."""
        return self._held.write(data)

    def taken(self) -> Iterator[bytes]:
        """Yield what has been written since."""
        written, self._held = self._held.getvalue(), io.BytesIO()
        if written:
            yield written


def write_workbook(blocks: Iterable[Block], file: Path, title: str, zone: ZoneInfo) -> None:
    """Write a workbook of one sheet: tag, time in the zone, value, quality, time of arrival.

    Its rows go through a file of their own, not through memory.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for letter, width in (("A", 40), ("B", 26), ("C", 18), ("D", 12), ("E", 26)):
        sheet.column_dimensions[letter].width = width
    sheet.append(["tag", f"source_time ({zone.key})", "value", "quality", "received_time"])
    for block in blocks:
        for source, received, value, quality in _rows(block):
            sheet.append(
                [
                    block.tag,
                    source.astimezone(zone).replace(tzinfo=None),
                    harmless(value) if isinstance(value, str) else value,
                    _QUALITIES[quality],
                    received.astimezone(zone).replace(tzinfo=None),
                ]
            )
    book.save(file)


def _rows(block: Block) -> Iterator[tuple[datetime, datetime, float | str | None, int]]:
    if isinstance(block, TextBlock):
        for source, received, text, quality in block.rows:
            yield source.astimezone(UTC), received.astimezone(UTC), text, quality
        return
    for source, received, value, absent, quality in zip(
        block.source_us.tolist(),
        block.received_us.tolist(),
        block.value.tolist(),
        block.absent.tolist(),
        block.quality.tolist(),
        strict=True,
    ):
        shown = None if absent or value != value else value  # noqa: PLR0124 - no cell holds NaN
        yield from_microseconds(source), from_microseconds(received), shown, quality
