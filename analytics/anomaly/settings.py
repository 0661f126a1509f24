"""What a detector is told: one set of settings for every machine and every data set."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """Settings of one detector; lengths are in rows of the grid, scores in units of the limit.

    A score of 1 is the largest deviation seen while all was well. The defaults were chosen as
    docs/explanations/anomaly.md tells; none of them was chosen with a label of the run it judges.
    """

    learn_rows: int = 400
    """Rows without a verdict before the first model."""
    warm_rows: int = 60
    """Rows that make the first baseline, before anything is compared with it."""
    baseline_rows: float = 1000.0
    """Memory of the slow baseline of a sensor that does not wander."""
    restore_rows: int = 60
    """On opening, the baseline goes back to what it was this many rows ago."""
    leak: float = 0.2
    """Speed of the baseline in alarm, as a part of its usual speed."""
    order: int = 1
    """Lags of the autoregressive model, if there are rows enough to fit them."""
    ridge: float = 0.01
    """Ridge of the autoregressive model, as a part of the mean energy of a lag."""
    shrink: float = 0.001
    """Part of a sensor's own variance added to the covariance, so that it can be inverted."""
    least_scale: float = 0.1
    """Least scale of a sensor, as a part of its standard deviation."""
    smoothing: tuple[float, ...] = (0.2, 0.07)
    """Weights of a new row in the charts of the mean: a quick one and a slow one."""
    spread_smoothing: float = 0.07
    """Weight of a new row in the chart of the spread."""
    spread_weight: float = 0.7
    """What the chart of the spread counts beside those of the mean."""
    spread_clip: float = 16.0
    """Largest square of a standardised residual that the chart of the spread takes."""
    sigmas: float = 3.0
    """Least limit of a chart, in its standard deviations."""
    doubt: float = 4.0
    """How much limits widen for sensors whose rows say little: exp(doubt / degrees of freedom)."""
    least_freedom: float = 3.0
    """Fewest degrees of freedom a sensor is given, so that no limit is infinite."""
    window_rows: int = 4000
    """Accepted rows that the model remembers."""
    block_rows: int = 30
    """Rows that are accepted or refused together."""
    refit_rows: int = 120
    """Accepted rows after which the model is fitted again."""
    warn: float = 1.33
    """Score from which an engineer may want to look."""
    alarm: float = 2.4
    """Score that opens an alarm."""
    stay: float = 0.75
    """Part of `alarm` below which an open alarm ends."""
    alone: float = 1.5
    """How much more one sensor that deviates alone must do so to open an alarm of a new model."""
    company: float = 0.5
    """Share of a sensor in a deviation up to which it is not alone; halfway to 1 it is."""
    young_rows: float = 3000.0
    """Rows a model remembers from which on it is young no more."""
    hold_rows: float = 600.0
    """Rows an alarm is held per unit of its mean score above `hold_score`, and at most."""
    hold_score: float = 2.25
    """Mean score that earns an alarm no time at all."""
    least_hold_rows: int = 40
    """Rows that every alarm may be held."""
    level_rows: int = 30
    """Rows whose mean is the new level, where an alarm was held too long."""
    known_levels: int = 3
    """Former levels that are remembered, and are no alarm when the machine goes back to them."""
    relearn_after: int = 3
    """Alarms held too long, one straight after another, after which all is learned again."""
    clip: float = 1e3
    """Deviations are cut off at this many scales: a broken sensor must not overflow."""

    @property
    def least_rows(self) -> int:
        """Rows of two baselines: below that nothing can be learned."""
        return 2 * self.warm_rows
