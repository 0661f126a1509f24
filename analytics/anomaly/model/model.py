"""What is normal: a ridge autoregression of the sensors, its residuals' covariance, the limits.

Only sums are kept (Gram matrices with a forgetting window), so a fit costs the same however long
the machine has run, and the model of a machine needs a few hundred kilobytes.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.settings import DetectorSettings

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Block:
    """Accepted rows: `lags` n·(p·d), `deviation` n·d, `residual` n·d, `means` n·L·d, `spread` n·d.

    `deviation` is the row minus its baseline in scales, `residual` what the autoregression left,
    `means` the L charts of the residual's mean, `spread` the chart of its spread.
    """

    lags: Array
    deviation: Array
    residual: Array
    means: Array
    spread: Array


@dataclass(slots=True)
class Model:
    """Fitted from accepted blocks; d sensors, order p, L charts of the mean."""

    settings: DetectorSettings
    sensors: int
    order: int
    lag_gram: Array = field(init=False)
    lag_target: Array = field(init=False)
    residual_gram: Array = field(init=False)
    rows: float = 0.0
    extremes: list[Array] = field(default_factory=list)
    spreads: list[Array] = field(default_factory=list)
    block_means: list[Array] = field(default_factory=list)
    block_squares: list[Array] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    weights: Array = field(init=False)
    covariance: Array = field(init=False)
    precision: Array = field(init=False)
    whitening: Array = field(init=False)
    standardising: Array = field(init=False)
    limits: Array = field(init=False)
    spread_limits: Array = field(init=False)
    doubt: Array = field(init=False)

    def __post_init__(self) -> None:
        width = self.order * self.sensors
        self.lag_gram = np.zeros((width, width))
        self.lag_target = np.zeros((width, self.sensors))
        self.residual_gram = np.zeros((self.sensors, self.sensors))
        self.weights = np.zeros((width, self.sensors))
        self.doubt = np.ones(self.sensors)

    def accept(self, block: Block) -> None:
        """Take a block into the sums; older rows fade with the window."""
        count = len(block.deviation)
        keep = max(1.0 - count / self.settings.window_rows, 0.0) if self.rows else 0.0
        self.lag_gram = self.lag_gram * keep + block.lags.T @ block.lags
        self.lag_target = self.lag_target * keep + block.lags.T @ block.deviation
        self.residual_gram = self.residual_gram * keep + block.residual.T @ block.residual
        self.rows = self.rows * keep + count
        size = self.settings.block_rows
        for start in range(0, count, size):
            part = slice(start, start + size)
            self.extremes.append(self._extremes(block.means[part]))
            self.spreads.append(block.spread[part].max(axis=0))
        self._remember_wandering(block.deviation)
        most = -(-self.settings.window_rows // size)
        del self.extremes[:-most], self.spreads[:-most]

    def widen(self, block: Block) -> None:
        """Take a block into the limits alone, and fit them."""
        size = self.settings.block_rows
        for start in range(0, len(block.deviation), size):
            part = slice(start, start + size)
            self.extremes.append(self._extremes(block.means[part]))
            self.spreads.append(block.spread[part].max(axis=0))
        self.fit()

    def _extremes(self, means: Array) -> Array:
        """Return of n·L·d charts the few rows of each scale that reach farthest: L·k·d."""
        reach = np.abs(means @ self.whitening).max(axis=2)
        few = np.argsort(-reach, axis=0, kind="stable")[:_FEW]
        return np.stack([means[few[:, scale], scale] for scale in range(means.shape[1])])

    def _remember_wandering(self, deviation: Array) -> None:
        size = _PART
        parts = len(deviation) // size
        cut = deviation[len(deviation) - parts * size :].reshape(parts, size, self.sensors)
        self.block_means += list(cut.mean(axis=1))
        self.block_squares += list((cut**2).mean(axis=1))
        most = self.settings.window_rows // size
        del self.block_means[:-most], self.block_squares[:-most]

    def remember_peak(self, score: float) -> None:
        """Keep the largest score of a block that was well."""
        self.peaks.append(score)
        del self.peaks[: -(self.settings.window_rows // self.settings.block_rows)]

    def solve(self, gram: Array, target: Array) -> Array:
        """Return the ridge weights (p·d)·d of a Gram matrix and its target."""
        if not len(gram):
            return target
        ridge = self.settings.ridge * float(np.mean(np.diag(gram))) + 1e-9
        return np.asarray(np.linalg.solve(gram + ridge * np.eye(len(gram)), target))

    def fit(self) -> None:
        """Weights, covariance, whitening and limits from the sums and the extremes."""
        settings = self.settings
        self.weights = self.solve(self.lag_gram, self.lag_target)
        self.whiten()
        self._widen()
        smoothing = np.array(settings.smoothing)[:, None]
        scaled = self.doubt[:, None] * self.whitening
        doubt = np.sqrt((scaled * (self.covariance @ scaled)).sum(axis=0))
        # A chart with the weight λ varies by √(λ / (2 − λ)) of what independent values do (Roberts
        # 1959).
        least = settings.sigmas * np.sqrt(smoothing / (2 - smoothing)) * doubt
        seen = np.abs(np.concatenate(self.extremes, axis=1) @ self.whitening).max(axis=1)
        # What was seen while all was well is no alarm, whatever the theory says.
        self.limits = np.maximum(least, seen)
        slow = settings.spread_smoothing
        # The square of a standard normal value has the variance 2.
        least_spread = settings.sigmas * np.sqrt(2 * slow / (2 - slow))
        self.spread_limits = np.maximum(least_spread, np.max(self.spreads, axis=0))

    def whiten(self) -> None:
        """Covariance, whitening and what standardises a residual, from the sums."""
        covariance = self.residual_gram / self.rows
        few = self.sensors / self.rows
        # With few rows for each sensor the covariance says little of pairs: it is drawn to its
        # diagonal.
        shrink = self.settings.shrink if few < 1 / 3 else few
        covariance = covariance + shrink * np.diag(np.diag(covariance))
        covariance += 1e-9 * np.eye(self.sensors)
        values, vectors = np.linalg.eigh(covariance)
        self.covariance = covariance
        self.whitening = vectors / np.sqrt(values)
        self.precision = self.whitening @ self.whitening.T
        # A precision of few rows flatters itself: by (n + d) / (n - d) for rows it has not seen;
        # and a residual minus its quick chart varies by 1 + λ / (2 - λ).
        quick = self.settings.smoothing[0]
        honest = (self.rows - self.sensors) / (self.rows + self.sensors) / (1 + quick / (2 - quick))
        self.standardising = self.precision * np.sqrt(max(honest, 0.1) / np.diag(self.precision))

    def _widen(self) -> None:
        """Limits of sensors that wander are those of Student's t for the rows they are worth.

        n rows of a sensor that is correlated over τ rows are worth n/τ (Geyer 1992: τ by the
        positive run of autocorrelations); exp(4/ν) is above the ratio of the 3σ quantiles of
        Student's t with ν degrees of freedom and of the normal.
        """
        means, squares = np.array(self.block_means), np.array(self.block_squares)
        count = len(means)
        if count < 2:
            return
        # Padded to twice its length: the transform would else join the end to the beginning.
        spectrum = np.fft.rfft(means, 2 * count, axis=0)
        correlation = np.fft.irfft(spectrum * np.conj(spectrum), axis=0)[:count]
        ratio = correlation[1:] / np.maximum(correlation[0], 1e-12)
        positive = np.cumprod(ratio > 0, axis=0)
        length = 1 + 2 * (ratio * positive).sum(axis=0)
        length *= _PART * (correlation[0] / count) / (squares.mean(axis=0) + 1e-12)
        freedom = count * _PART / np.maximum(length, 1.0) - 1
        freedom = np.maximum(freedom, self.settings.least_freedom)
        self.doubt = np.exp(self.settings.doubt / freedom)

    def spread_after(self, spread: Array, residual: Array) -> Array:
        """Return the chart of the spread (d) after a residual freed of its mean (d)."""
        square = np.minimum((residual @ self.standardising) ** 2, self.settings.spread_clip)
        return spread + self.settings.spread_smoothing * (square - 1 - spread)

    def answer(self, level: Array) -> Array:
        """Return the constant residual (d) that a constant deviation `level` (d) leaves."""
        return level - np.tile(level, self.order) @ self.weights


_FEW = 4
"""Rows of a block, per chart, that the limits are taken from."""
_PART = 10
"""Rows whose mean is one point of the chart of wandering."""
