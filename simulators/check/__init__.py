"""Whether the API tells the truth: its answers against what the simulators recorded."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from plant.clock import microseconds
from simulators.check.client import ApiClient
from simulators.check.figures import figure_rows
from simulators.check.measurements import measurement_rows, stored_measurements
from simulators.check.report import Report, Row
from simulators.truth import TruthReader

__all__ = ["Report", "Row", "compare"]


def compare(
    api_url: str, truth_files: Iterable[Path], start: datetime, end: datetime, *, token: str = ""
) -> Report:
    """Compare the API with the truth of some plants in `[start, end)`.

    `start` should not be before the plants' origin. Shifts that are not over at `end` are compared
    as of `end`, so the API's clock must have stopped there. A shift that began before `start` is
    compared by counts and quality only: nobody recorded its beginning.

    Raises TransientError when the API does not answer and ConfigurationError when a file is no
    ground truth or there is none.
    """
    api = ApiClient(api_url, token)
    window = (microseconds(start), microseconds(end))
    rows: list[Row] = []
    for file in truth_files:
        with TruthReader(file) as truth:
            stored = stored_measurements(truth, api, *window)
            rows += measurement_rows(truth, stored, *window)
            truth.settle({row[0] for of_tag in stored.values() for row in of_tag}, *window)
            rows += figure_rows(truth, api, *window)
    if not rows:
        rows.append(Row("ground truth", api_url, None, "at least one plant", "none", None, False))
    return Report(tuple(rows))
