"""How long the measurements of one transaction took from their source to its end."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.commit.new_rows import NewRows
from plant.delivery.lag import Counts, lag_counts


class Lags:
    """Gathers source times by edge while a transaction is being written."""

    def __init__(self) -> None:
        self._times: dict[int, list[NDArray[np.int64]]] = {}

    def note(
        self, parts: Sequence[NewRows], source_us: NDArray[np.int64], accepted: NDArray[np.bool_]
    ) -> None:
        """Take the accepted rows of some messages, whose columns are joined in their order."""
        for part, rows in zip(parts, _slices(len(part) for part in parts), strict=True):
            times = source_us[rows][accepted[rows]]
            if len(times):
                self._times.setdefault(part.edge.edge_id, []).append(times)

    def counts(self, now_us: int) -> dict[int, Counts]:
        """Return the histogram of each edge as of a moment (microseconds since 1970)."""
        return {
            edge_id: lag_counts(now_us - np.concatenate(times))
            for edge_id, times in self._times.items()
        }


def _slices(lengths: Iterable[int]) -> Iterable[slice]:
    start = 0
    for length in lengths:
        yield slice(start, start + length)
        start += length
