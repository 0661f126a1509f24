"""Main figures of many places and windows as matrices, encoded without a model per number."""

from collections.abc import Sequence

import msgspec

from plant.kpi import Missing
from store.reading_row import PlaceRow
from store.result_table import ResultTable

REASONS = tuple(reason.value for reason in Missing)
# By `ResultTable.reason` + 2.
_REASON_WORDS: tuple[str | None, ...] = ("no_result", None, "no_data", *REASONS)
_FINAL: tuple[bool | None, ...] = (False, True, None)


def oee_table(places: Sequence[PlaceRow], table: ResultTable) -> bytes:
    """Return the JSON of `api.wire.OeeTableOut`; `table` was asked for with `REASONS`."""
    return msgspec.json.encode(
        {
            "places": [place.path for place in places],
            "windows": [
                {"start": start, "end": end, "shift": shift, "business_date": day}
                for start, end, shift, day in table.windows
            ],
            # NaN is written as null.
            "figures": {name: matrix.tolist() for name, matrix in table.figures.items()},
            "missing": [[_REASON_WORDS[code + 2] for code in row] for row in table.reason.tolist()],
            "final": [[_FINAL[code] for code in row] for row in table.final.tolist()],
        }
    )
