"""One row after another against a model that keeps learning: the inner loop."""

import numpy as np

from analytics.anomaly.model.explanation import shares
from analytics.anomaly.model.hold import Hold, Step
from analytics.anomaly.model.learning import learn
from analytics.anomaly.model.level import Level
from analytics.anomaly.model.model import Array, Block, Model
from analytics.anomaly.settings import DetectorSettings

# Looked up once, as in the detector.
_OPENED, _ENDED, _EXPIRED = Step.OPENED, Step.ENDED, Step.EXPIRED
_SWITCH_ROWS = 20
"""Rows on a level known from before, after which it is the level again."""
_SWITCH_SCORE = 1.5


class Live:
    """A model in use; d sensors, order p, L charts of the mean."""

    def __init__(
        self, settings: DetectorSettings, scale: Array, level: Level, model: Model, hold: Hold
    ) -> None:
        """Take a fitted model and the level that its deviations are from, in scales."""
        sensors = len(scale)
        self.settings = settings
        self.scale = scale
        self.level = level
        self.model = model
        self.hold = hold
        self.lags = np.zeros((model.order, sensors))
        self.means = np.zeros((len(settings.smoothing), sensors))
        self.spread = np.zeros(sensors)
        self.levels: list[Array] = []
        self.rows_elsewhere = 0
        self.recent = np.zeros((settings.level_rows, sensors))
        self.block: list[tuple[Array, ...]] = []
        self.block_is_well = True
        self.quarantine: list[tuple[Array, ...]] = []
        self.rows_since_fit = 0
        self.refits = 0
        """Since it was loaded: a figure of the process, no part of what is known."""
        self.peak = 0.0
        self.before = level.value
        self.deviation = np.zeros(sensors)
        self.expected = level.value
        self._smoothing = np.array(settings.smoothing)[:, None]

    @classmethod
    def learned(cls, rows: Array, settings: DetectorSettings) -> "Live":
        """Return what n·d rows, all finite, say is normal, ready for the next row."""
        first = learn(rows, settings)
        live = cls(settings, first.scale, first.level, first.model, Hold(settings))
        live.lags, live.means, live.spread = first.lags, first.means, first.spread
        live.recent = rows[-settings.level_rows :].copy()
        return live

    def complete(self, row: Array, known: np.ndarray) -> Array:
        """Return the row (d) with the sensors not `known` at what the others make likeliest."""
        base = self.level.value
        guess = self.lags.ravel() @ self.model.weights if self.model.order else 0.0 * base
        clip = self.settings.clip
        deviation = np.where(known, (row - base) / self.scale, 0.0)
        residual = np.where(known, np.clip(deviation, -clip, clip) - guess, 0.0)
        precision = self.model.precision
        missing = ~known
        pull = precision[np.ix_(missing, known)] @ residual[known]
        # The mean of some components of a normal distribution given the others, by its precision.
        residual[missing] = -np.linalg.solve(precision[np.ix_(missing, missing)], pull)
        return np.where(known, row, base + (guess + residual) * self.scale)

    def judge(self, row: Array, whole: bool) -> tuple[float, Step]:
        """Return the score of a row (d) and what became of the alarm."""
        settings, model = self.settings, self.model
        self.expected = self.level.value
        deviation = (row - self.expected) / self.scale
        # One wild value would else fill the charts, and the baseline, for as long as they remember.
        if np.abs(deviation).max() > settings.clip:
            deviation = np.clip(deviation, -settings.clip, settings.clip)
            row = self.expected + deviation * self.scale
        self.deviation = deviation
        self.recent[:-1] = self.recent[1:]
        self.recent[-1] = row
        lags = self.lags.ravel()
        residual = deviation - lags @ model.weights if model.order else deviation
        # Less the quick chart, as a level that has moved is no noise.
        self.spread = model.spread_after(self.spread, residual - self.means[0])
        self.means = self.means + self._smoothing * (residual - self.means)
        score = float((np.abs(self.means @ model.whitening) / model.limits).max())
        if self.levels and score > 1:
            score = self._nearest(score)
        noise = settings.spread_weight * float((self.spread / model.spread_limits).max())
        score = max(score, noise)
        if model.order:
            self.lags = np.concatenate((deviation[None], self.lags[:-1]))
        step = self.hold.step(score, self._needed(score))
        if step is _OPENED:
            self.level.go_back()
            self.before = self.level.value
            # What was about to be learned may be the beginning of the trouble.
            self.block, self.quarantine = [], []
        elif step is _ENDED:
            self.level.past.clear()
        elif step is _EXPIRED:
            self._settle()
        if self.hold.open:
            self.level.leak(row, model.doubt)
        else:
            self.level.remember()
            self.level.follow(row)
        self.block.append((lags, deviation, residual, self.means, self.spread))
        self.peak = max(self.peak, score)
        self.block_is_well &= whole and not self.hold.open
        if len(self.block) >= settings.block_rows:
            self._close_block()
        return score, step

    def interrupt(self) -> None:
        """Forget the rows just before, but not what is normal; an open alarm ends."""
        self.lags = np.zeros_like(self.lags)
        self.means = np.zeros_like(self.means)
        self.spread = np.zeros_like(self.spread)
        self.hold.open = False
        self.level.past.clear()
        self.block, self.block_is_well, self.quarantine = [], True, []
        self.rows_elsewhere, self.peak = 0, 0.0

    def resume(self, rows: Array) -> None:
        """After an absence: what wanders has gone on, what does not is where it was.

        n·d rows; a sensor goes to their mean by 1 - 1/doubt of the way.
        """
        mean = _means(rows)
        step = np.where(np.isfinite(mean), mean - self.level.value, 0.0)
        self.level.shift(step * (1 - 1 / self.model.doubt))

    def moved(self, before: Array, after: Array) -> float:
        """Return the largest step between the means of two blocks of rows, in scales."""
        steps = np.abs(_means(after) - _means(before)) / self.scale
        return float(np.nan_to_num(steps).max())

    def learn_normal(self, rows: Array) -> None:
        """Accept n·d rows, all finite, whatever they score: the charts they make are no alarm.

        Charts begin at zero with the first row, as deviations from the present level.
        """
        settings, model = self.settings, self.model
        deviations = np.clip((rows - self.level.value) / self.scale, -settings.clip, settings.clip)
        lags = np.zeros_like(self.lags)
        means, spread = np.zeros_like(self.means), np.zeros_like(self.spread)
        block = []
        for deviation in deviations:
            flat = lags.ravel()
            residual = deviation - flat @ model.weights if model.order else deviation
            spread = model.spread_after(spread, residual - means[0])
            means = means + self._smoothing * (residual - means)
            block.append((flat, deviation, residual, means, spread))
            if model.order:
                lags = np.concatenate((deviation[None], lags[:-1]))
        # Sums of what is normal would be drowned by a long deviation: only its reach counts.
        model.widen(Block(*(np.array(column) for column in zip(*block, strict=True))))

    def _needed(self, score: float) -> float:
        """Return what a score must exceed to open an alarm.

        How far a sensor wanders in hours cannot be known from some minutes: while a model is young,
        one that deviates alone has to deviate the more, the less of the deviation is others'. Two
        that do so at once are no chance, and where there is but one, nobody could bear it out.
        """
        settings, model = self.settings, self.model
        youth = 1 - model.rows / settings.young_rows
        if score <= settings.alarm or youth <= 0 or len(self.scale) == 1 or self.hold.open:
            return settings.alarm
        largest = float(shares(model, self.means, self.spread).max())
        apart = (largest - settings.company) / (1 - settings.company)
        return settings.alarm * (1 + settings.alone * youth * min(max(2 * apart, 0.0), 1.0))

    def _close_block(self) -> None:
        """Rows are learned from only when the block after them was well, too."""
        if not self.block_is_well:
            self.quarantine = []
        else:
            if self.quarantine:
                self._accept(self.quarantine)
            self.quarantine = self.block
            self.model.remember_peak(self.peak)
        self.block, self.block_is_well, self.peak = [], True, 0.0

    def _accept(self, rows: list[tuple[Array, ...]]) -> None:
        self.model.accept(Block(*(np.array(column) for column in zip(*rows, strict=True))))
        self.rows_since_fit += len(rows)
        if self.rows_since_fit >= self.settings.refit_rows:
            self.model.fit()
            self.level.wander(self.model.doubt)
            self.rows_since_fit = 0
            self.refits += 1

    def _settle(self) -> None:
        """Take the last rows for the level, and remember the one before."""
        middle = self.recent.mean(axis=0)
        step = (middle - self.before) / self.scale
        if self.settings.known_levels:
            # They are kept as steps from the present level, so all move with it.
            self.levels = [known + step for known in self.levels] + [step]
            del self.levels[: -self.settings.known_levels]
        # As deviations from the level to come, or the next prediction would begin with the whole
        # step.
        self.lags = self.lags - (middle - self.level.value) / self.scale
        self.level.move(middle)
        self.means = np.zeros_like(self.means)
        self.spread = np.zeros_like(self.spread)

    def _nearest(self, score: float) -> float:
        """Return the least score by any known level, and go back to one that fits for long."""
        best = None
        for place, step in enumerate(self.levels):
            means = self.means + self.model.answer(step)
            other = float((np.abs(means @ self.model.whitening) / self.model.limits).max())
            if other < score:
                score, best = other, place
        fits = best is not None and score < _SWITCH_SCORE
        self.rows_elsewhere = self.rows_elsewhere + 1 if fits else 0
        if best is not None and self.rows_elsewhere >= _SWITCH_ROWS:
            step = self.levels.pop(best)
            self.levels = [known - step for known in self.levels] + [-step]
            self.level.shift(-step * self.scale)
            self.lags = self.lags + step
            self.means = self.means + self.model.answer(step)
            self.block, self.block_is_well = [], True
            self.rows_elsewhere = 0
        return score


def _means(rows: Array) -> Array:
    """Return the mean of what each sensor said; NaN for silent ones."""
    known = np.isfinite(rows)
    count = known.sum(axis=0)
    total = np.where(known, rows, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
