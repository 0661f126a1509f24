"""The slow baseline: what each sensor usually says, followed slowly and able to go back."""

from dataclasses import dataclass, field

import numpy as np

from analytics.anomaly.model.model import Array
from analytics.anomaly.settings import DetectorSettings


@dataclass(slots=True)
class Level:
    """Exponentially weighted mean of d sensors as sum and count: a true mean while young."""

    settings: DetectorSettings
    total: Array
    count: Array
    decay: Array
    past: list[tuple[Array, Array]] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Array, settings: DetectorSettings) -> "Level":
        """Return the level after the rows (n·d)."""
        sensors = rows.shape[1]
        decay = np.full(sensors, 1 - 1 / settings.baseline_rows)
        level = cls(settings, np.zeros(sensors), np.zeros(sensors), decay)
        for row in rows:
            level.follow(row)
        return level

    @property
    def value(self) -> Array:
        """Return the level of each sensor, in its unit."""
        return self.total / self.count

    def follow(self, row: Array) -> None:
        """Move towards a row that is well."""
        self.total = self.total * self.decay + row
        self.count = self.count * self.decay + 1

    def remember(self) -> None:
        """Keep the level as it is, to go back to it."""
        self.past.append((self.total, self.count))
        if len(self.past) > self.settings.restore_rows:
            del self.past[0]

    def go_back(self) -> None:
        """Be what it was `restore_rows` ago, before the trouble began to move it."""
        if self.past:
            self.total, self.count = self.past[0]

    def leak(self, row: Array, doubt: Array) -> None:
        """Move a little towards a row in alarm; the more, the more a sensor wanders anyway."""
        speed = np.minimum(self.settings.leak * doubt, 1.0) / self.settings.baseline_rows
        self.total = self.total + speed * (row * self.count - self.total)

    def wander(self, doubt: Array) -> None:
        """Follow sensors that wander in proportion faster."""
        self.decay = 1 - doubt / self.settings.baseline_rows

    def move(self, value: Array) -> None:
        """Be `value` from now on, and young again."""
        self.count = np.minimum(self.count, float(self.settings.warm_rows))
        self.total = value * self.count
        self.past.clear()

    def shift(self, step: Array) -> None:
        """Be `step` farther on, as old as before."""
        self.total = self.total + step * self.count
        self.past.clear()
