"""Main figures of many places and windows as matrices, encoded without a model per number."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from store.reading_row import PlaceRow

FIGURES = (
    "availability",
    "effectiveness",
    "quality_ratio",
    "oee",
    "coverage",
)
_COUNTS = ("pbt_ms", "produced_quantity", "good_quantity")


def oee_table(places: Sequence[PlaceRow], rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Return the JSON of `api.wire.OeeTableOut`; `rows` as `Reading.result_table` gives them."""
    windows = {(row[1], row[2]): (row[3], row[4]) for row in rows}
    ordered = sorted(windows)
    width = len(ordered)
    column: dict[tuple[datetime, datetime], int] = {key: at for at, key in enumerate(ordered)}
    line = {place.place_id: number for number, place in enumerate(places)}
    names = (*FIGURES, *_COUNTS)
    figures: dict[str, list[list[Any]]] = {name: [[None] * width for _ in places] for name in names}
    matrices = list(figures.values())
    missing: list[list[str | None]] = [["no_result"] * width for _ in places]
    final: list[list[bool | None]] = [[None] * width for _ in places]
    for place_id, start, end, _, _, a, e, q, oee, coverage, reason, pbt, made, good, done in rows:
        row, at = line[place_id], column[start, end]
        for matrix, value in zip(matrices, (a, e, q, oee, coverage, pbt, made, good), strict=True):
            matrix[row][at] = value
        missing[row][at] = reason
        final[row][at] = done
    return msgspec.json.encode(
        {
            "places": [place.path for place in places],
            "windows": [
                {"start": start, "end": end, "shift": shift, "business_date": day}
                for (start, end), (shift, day) in ((key, windows[key]) for key in ordered)
            ],
            "figures": figures,
            "missing": missing,
            "final": final,
        }
    )
