"""OEE results per place and window, and the trail of final ones that changed."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from plant.kpi import BaseSums, OeeResult, ResultWindow
from store.engine.connection import Connection
from store.engine.queries import queries
from store.figure.derived import Provenance

_Q = queries("figure/result")


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A row of `oee_result`."""

    place_id: int
    window: ResultWindow
    result: OeeResult
    sums: BaseSums
    provenance: Provenance
    final: bool


@dataclass(frozen=True, slots=True)
class PublishedFigures:
    """Figures that were published as final."""

    values: dict[str, float | None]
    policy_version: int
    formula_version: str


@dataclass(frozen=True, slots=True)
class Restatement:
    """A published final figure that changed, and why."""

    place_id: int
    kind: str
    window_start: datetime
    figure: str
    old_value: float | None
    new_value: float | None
    cause: str
    restated_at: datetime


ResultKey = tuple[int, str, datetime]
PUBLISHED = (
    "availability",
    "effectiveness",
    "quality_ratio",
    "oee",
    "produced_quantity",
    "good_quantity",
    "pbt_ms",
    "apt_ms",
    "inspected_parts",
    "good_at_first_parts",
)


def open_results(
    connection: Connection, settled: Mapping[int, datetime], limit: int
) -> list[tuple[int, str, datetime, datetime]]:
    """Return place, kind, start and end of results that may become final now."""
    rows = connection.execute(
        _Q["open_results"],
        {"places": list(settled), "settled": list(settled.values()), "limit": limit},
    )
    return [(place, kind, start, end) for place, kind, start, end in rows]


def final_results(
    connection: Connection, keys: Sequence[ResultKey]
) -> dict[ResultKey, PublishedFigures]:
    """Return what was published as final under the keys."""
    rows = connection.execute(_Q["final_results"], _key_columns(keys))
    return {
        (row[0], row[1], row[2]): PublishedFigures(
            dict(zip(PUBLISHED, row[3:-2], strict=True)), *row[-2:]
        )
        for row in rows
    }


def write_results(
    connection: Connection,
    rows: Sequence[ResultRow],
    restatements: Sequence[Restatement],
    published: Collection[ResultKey],
) -> None:
    """Write results over what was there, and the trail of final figures that changed.

    What those `published` as final said before is kept where they say something else now.
    """
    values = [_result_values(row) for row in rows]
    with connection.cursor() as cursor:
        again = [one for row, one in zip(rows, values, strict=True) if _key(row) in published]
        cursor.executemany(_Q["keep_past"], again)
        cursor.executemany(_Q["upsert_result"], values)
        cursor.executemany(_Q["insert_restatement"], [asdict(each) for each in restatements])


def delete_replaced_shifts(
    connection: Connection,
    place_ids: Sequence[int],
    window: tuple[datetime, datetime],
    kept: Sequence[datetime],
    now: datetime,
) -> None:
    """Remove results of shifts that overlap the window but are not among the starts kept."""
    connection.execute(
        _Q["delete_replaced_shifts"],
        {
            "places": list(place_ids),
            "start": window[0],
            "end": window[1],
            "kept": list(kept),
            "now": now,
        },
    )


_RESULT_SUMS = (
    "pbt_ms",
    "apt_ms",
    "aust_ms",
    "adet_ms",
    "adot_ms",
    "unknown_ms",
    "produced_quantity",
    "good_quantity",
    "scrap_quantity",
    "rework_quantity",
    "failure_events",
    "energy_kwh",
    "inspected_parts",
    "good_at_first_parts",
)


def _key(row: ResultRow) -> ResultKey:
    return row.place_id, row.window.kind, row.window.start


# `dataclasses.asdict` copies every value; a late event feels that.
_RATIOS = tuple(field.name for field in fields(OeeResult))
_PROVENANCE = tuple(field.name for field in fields(Provenance))


def _result_values(row: ResultRow) -> dict[str, Any]:
    return {
        **{name: getattr(row.result, name) for name in _RATIOS},
        "missing": json.dumps(row.result.missing, sort_keys=True),
        "faults": list(row.result.faults),
        **{name: getattr(row.sums, name) for name in _RESULT_SUMS},
        "place_id": row.place_id,
        "kind": row.window.kind,
        "window_start": row.window.start,
        "window_end": row.window.end,
        "business_date": row.window.business_date,
        "shift": row.window.shift,
        **{name: getattr(row.provenance, name) for name in _PROVENANCE},
        "final": row.final,
    }


def _key_columns(keys: Sequence[ResultKey]) -> dict[str, Any]:
    return {
        "places": [place for place, _, _ in keys],
        "kinds": [kind for _, kind, _ in keys],
        "starts": [start for _, _, start in keys],
    }
