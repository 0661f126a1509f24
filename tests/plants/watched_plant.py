"""A machine with sensors in a real database, watched by fleets as the service watches it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.watch.fleet import Fleet, Patience
from plant.settings import DatabaseSettings
from store import Connection, connect
from store.anomaly import model as model_store
from store.anomaly.model import ModelRow, Proposal
from tests.plants.figure_plant import SAW, FigurePlant, at

SENSORS = ("cua/current", "cua/vibration", "cua/oil")
STEP_S = 10


class WatchedPlant(FigurePlant):
    """The saw runs, with three sensors that say something every ten seconds."""

    def __init__(self, database: DatabaseSettings, unit: str = SAW) -> None:
        super().__init__(database)
        self.unit = unit
        for name in SENSORS:
            self.add_tag(name, unit)
        rows = self.rows(
            "select name, tag_id, work_unit_id from tag where name = any(%s)", [list(SENSORS)]
        )
        self.tags = {row["name"]: row["tag_id"] for row in rows}
        self.unit_id = int(rows[0]["work_unit_id"])
        self.write(unit, "state", [(0.0, "EXECUTE")])
        self.write(unit, "product", [(0.0, "truc")])

    def say(
        self, times: Sequence[datetime], values: NDArray[np.float64], names: Sequence[str] = SENSORS
    ) -> None:
        """Store readings, n·d, as if they came now."""
        with (
            self.connection.cursor() as cursor,
            cursor.copy(
                "copy measurement (tag_id, source_time, received_time, value, quality) from stdin"
            ) as copy,
        ):
            for moment, row in zip(times, values, strict=True):
                for name, value in zip(names, row, strict=True):
                    copy.write_row((self.tags[name], moment, moment, float(value), 0))

    def propose(
        self, train: tuple[float, float], trial: float, reason: str = "commissioning"
    ) -> int:
        """Ask for a model that learns some hours and is tried on those after it."""
        asked = Proposal(
            work_unit_id=self.unit_id,
            reason=reason,
            tag_ids=tuple(self.tags[name] for name in SENSORS),
            step_ms=STEP_S * 1000,
            settings={"learn_rows": 400},
            train_from=at(train[0]),
            # No ends of steps: nobody types those.
            train_to=at(train[1]) - timedelta(seconds=1.234),
            trial_to=at(trial) - timedelta(seconds=3.21),
        )
        return model_store.propose(self.connection, asked, at(trial), "an")

    def model(self, model_id: int) -> ModelRow:
        """Return a model as it is now."""
        found = {
            one.model_id: one for one in model_store.models_of(self.connection, [self.unit_id])
        }
        return found[model_id]

    def events(self) -> list[dict[str, Any]]:
        """Return every event, in order, without names of models."""
        return self.rows(
            "select kind, tag_id, start_time, opened_at, end_time, peak, severity, relearned,"
            " trial, causes, context from anomaly_event where kind <> 'silence'"
            " order by start_time, kind, tag_id"
        )


class Watch:
    """A process that watches, with a session of its own and a clock of the test's."""

    def __init__(self, database: DatabaseSettings) -> None:
        self.connection: Connection = connect(database, autocommit=True)
        self.now = at(0)
        patience = Patience(timedelta(seconds=30), timedelta(hours=100))
        self.fleet = Fleet(lambda: self.now, patience)

    def until(self, hours: float) -> None:
        """Let passes be made at a moment until nothing more comes of them."""
        self.now = at(hours)
        before = None
        while before is None or self._reach() != before:
            before = self._reach() if before is not None or self.fleet.charges else {}
            self.fleet.one_pass(self.connection)

    def _reach(self) -> dict[int, datetime]:
        return {model_id: charge.moment for model_id, charge in self.fleet.charges.items()}

    def close(self) -> None:
        """Die without a word."""
        self.connection.close()


def readings(hours: float, seed: int = 5) -> tuple[list[datetime], NDArray[np.float64]]:
    """Return times and values of a machine that is well: load drives current and vibration."""
    rng = np.random.default_rng(seed)
    count = round(hours * 3600 / STEP_S)
    load = rng.normal(size=count)
    values = np.stack(
        (
            10 + load + 0.2 * rng.normal(size=count),
            3 + 0.5 * load + 0.2 * rng.normal(size=count),
            40 + 0.3 * rng.normal(size=count),
        ),
        axis=1,
    )
    times = [at((place + 1) * STEP_S / 3600) for place in range(count)]
    return times, values


def part(hours: float) -> int:
    """Return which row begins after so many hours."""
    return round(hours * 3600 / STEP_S)
