"""A recording whose content is known exactly, and what the database must hold of it."""

import csv
import math
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from plant.measurement import Quality

Value = float | str | None
Stored = tuple[str, datetime, Value, int]
"""Tag, source time, value, quality."""

LOW, HIGH = -50.0, 150.0
_TEXT = {"value_type": "text"}
STATES = {1: "EXECUTE", 2: "HELD"}
SOURCES: dict[str, dict[str, dict[str, Any]]] = {
    "process": {"temperature": {"unit": "Cel", "low": LOW, "high": HIGH}, "order": _TEXT},
    "counter": {"count": {"role": "good_count"}, "state": _TEXT | {"states": STATES}},
}
"""Columns of each recording, with what is said of their tags."""
_CADENCE = timedelta(milliseconds=10)


@dataclass(slots=True)
class Truth:
    """What one edge is given to read, and what must become of it."""

    prefix: str
    """The edge's code; it has a machine and tags of that name, as others may not share them."""
    stored: Counter[Stored] = field(default_factory=Counter)
    rejected: Counter[tuple[str, datetime]] = field(default_factory=Counter)
    """Tag and source time of what the platform has to refuse, with the reason `out_of_range`."""

    @property
    def rows(self) -> int:
        """How many measurements there are."""
        return self.stored.total() + self.rejected.total()

    def sources(self, folder: Path) -> dict[str, Any]:
        """Return the settings of the sources that read the recordings.

        There are two, so that the order in which an agent takes rows is another one each time.
        """
        common = {"driver": "csv", "time_column": "time", "rate": 1.0}
        return {
            name: {
                "file": str(folder / f"{self.prefix}-{name}.csv"),
                "tags": [
                    {
                        "name": self._tag(column),
                        "column": column,
                        "work_unit": f"xuong/day-chuyen/{self.prefix}",
                        **more,
                    }
                    for column, more in columns.items()
                ],
                **common,
            }
            for name, columns in SOURCES.items()
        }

    def _tag(self, column: str) -> str:
        return f"{self.prefix}/{column}"

    def record(self, folder: Path, seconds: float, random: np.random.Generator) -> None:
        """Write the recordings: an hour old, some seconds long, with what real ones have.

        Values out of range and values that are no number, codes without a name, cells left empty,
        and several values of one moment.
        """
        moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        count = 0
        with ExitStack() as files:
            tables = [
                csv.DictWriter(
                    files.enter_context(
                        (folder / f"{self.prefix}-{name}.csv").open(
                            "w", encoding="utf-8", newline=""
                        )
                    ),
                    ["time", *columns],
                    extrasaction="ignore",
                )
                for name, columns in SOURCES.items()
            ]
            for table in tables:
                table.writeheader()
            for k in range(round(seconds / _CADENCE.total_seconds())):
                # Of one moment there may be several values, but no two that are the same.
                again = k > 0 and random.random() < 0.05
                moment += timedelta(0) if again else _CADENCE
                count += 1 if again else int(random.integers(0, 2))
                temperature = self._temperature(moment, random, usual=again)
                order = f"Lệnh {k // 50}" if not again and random.random() < 0.2 else ""
                known = not again and random.random() < 0.2
                code = int(random.integers(1, 4)) if known else None
                self._note("count", moment, float(count), Quality.GOOD)
                if order:
                    self._note("order", moment, order, Quality.GOOD)
                if code is not None:
                    quality = Quality.GOOD if code in STATES else Quality.UNCERTAIN
                    self._note("state", moment, STATES.get(code, str(code)), quality)
                row = {
                    "time": moment.isoformat(),
                    "temperature": temperature,
                    "count": count,
                    "order": order,
                    "state": "" if code is None else code,
                }
                for table in tables:
                    table.writerow(row)

    def _temperature(self, moment: datetime, random: np.random.Generator, *, usual: bool) -> float:
        kind = 1.0 if usual else random.random()
        if kind < 0.02:
            self._note("temperature", moment, None, Quality.BAD)
            return math.nan
        if kind < 0.03:
            self.rejected[self._tag("temperature"), moment] += 1
            return 1000.0
        value = float(random.normal(70, 5))
        self._note("temperature", moment, value, Quality.GOOD)
        return value

    def _note(self, column: str, moment: datetime, value: Value, quality: Quality) -> None:
        self.stored[self._tag(column), moment, value, int(quality)] += 1
