"""Main figures of many places and windows as matrices, encoded without a model per number."""

from collections.abc import Sequence

import msgspec
import numpy as np

from plant.kpi import Missing
from store.reading.result_table import ResultTable
from store.reading.row import PlaceRow

REASONS = tuple(reason.value for reason in Missing)
# By `ResultTable.reason` + 2.
_REASON_WORDS = np.array(("no_result", None, "no_data", *REASONS), dtype=object)
_YES_NO = np.array((False, True, None), dtype=object)


def oee_table(places: Sequence[PlaceRow], table: ResultTable) -> bytes:
    """Return the JSON of `api.http.wire.OeeTableOut`; `table` was asked for with `REASONS`."""
    return msgspec.json.encode(
        {
            "places": [place.path for place in places],
            "windows": [
                {"start": start, "end": end, "shift": shift, "business_date": day}
                for start, end, shift, day in table.windows
            ],
            # NaN is written as null.
            "figures": {name: matrix.tolist() for name, matrix in table.figures.items()},
            "missing": _REASON_WORDS[table.reason + 2].tolist(),
            "final": _YES_NO[table.final].tolist(),
            "marked": _YES_NO[table.marked].tolist(),
        }
    )
