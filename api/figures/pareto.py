"""Stops by reason as the bars of a Pareto chart."""

from collections.abc import Sequence

from api.http.wire import ParetoOut
from api.words.catalogue import CATALOGUES
from store.reading.row import ParetoRow

UNASSIGNED = "unassigned"
"""The bar of stops that nobody has given a reason; always there, so that nobody forgets it."""


def with_shares(rows: Sequence[ParetoRow]) -> list[ParetoOut]:
    """Return the bars of a Pareto chart, longest first, `unassigned` among them whatever it is."""
    if all(row.reason != f"@{UNASSIGNED}" for row in rows):
        rows = [*rows, ParetoRow(f"@{UNASSIGNED}", None, None, 0.0, 0)]
    total = sum(row.duration_s for row in rows)
    bars = []
    reached = 0.0
    for row in rows:
        reached += row.duration_s
        code = row.reason.removeprefix("@")
        ours = row.reason.startswith("@")
        bars.append(
            ParetoOut(
                reason=code,
                name_vi=CATALOGUES["vi"].text(f"reason.{code}") if ours else row.name_vi or code,
                name_en=CATALOGUES["en"].text(f"reason.{code}") if ours else row.name_en or code,
                duration_s=row.duration_s,
                count=row.count,
                cumulative_share=reached / total if total else None,
            )
        )
    return bars
