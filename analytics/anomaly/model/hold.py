"""When an alarm opens, how long it may be held, and when it ends."""

from dataclasses import dataclass
from enum import Enum

from analytics.anomaly.settings import DetectorSettings


class Step(Enum):
    """What a row's score did to the alarm."""

    CALM = "calm"
    OPENED = "opened"
    HELD = "held"
    ENDED = "ended"
    EXPIRED = "expired"
    """Held longer than its strength earned: the level it stands on is taken for the new one."""


_CALM, _HELD = Step.CALM, Step.HELD
"""Looked up once, as in the detector."""


@dataclass(slots=True)
class Hold:
    """The alarm of one detector.

    An alarm freezes the baseline, so a false one could be held by drift for ever. It therefore
    has to earn its time: strong deviations may last, weak ones are learned soon.
    """

    settings: DetectorSettings
    open: bool = False
    rows: int = 0
    total: float = 0.0
    calm_rows: int = 0
    expired_in_a_row: int = 0

    def step(self, score: float, needed: float) -> Step:
        """Take the next row's score, and what it must exceed to open an alarm."""
        if not self.open:
            if score <= needed:
                self.calm_rows += 1
                if self.calm_rows > self.settings.restore_rows:
                    self.expired_in_a_row = 0
                return _CALM
            self.open, self.rows, self.total, self.calm_rows = True, 1, 0.0, 0
            return Step.OPENED
        self.total += score
        if score <= self.settings.alarm * self.settings.stay:
            self.open = False
            return Step.ENDED
        if self.rows >= self._earned():
            self.open = False
            self.expired_in_a_row += 1
            return Step.EXPIRED
        self.rows += 1
        return _HELD

    def _earned(self) -> float:
        settings = self.settings
        strength = self.total / self.rows / settings.hold_score - 1
        return min(max(settings.hold_rows * strength, settings.least_hold_rows), settings.hold_rows)
