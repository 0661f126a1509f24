"""What the analytics service counts about itself, for Prometheus."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from plant.exposition import Family, counter, gauge


@dataclass(frozen=True, slots=True)
class AnalyticsMetrics:
    """Everything since the start, as of the last pass; replaced as a whole."""

    passes: int = 0
    unit_hours: int = 0
    results: int = 0
    seconds: float = 0.0
    dirty_windows: int = 0
    """Found by the last pass."""
    complete: bool = False
    """Whether the last pass left nothing."""
    retries: int = 0
    database_up: bool = False

    def collect(self) -> Iterator[Family]:
        """Yield the metrics."""
        yield counter("nhipmay_analytics_passes", "Passes that were committed.", self.passes)
        yield counter(
            "nhipmay_analytics_unit_hours", "Hours of machines computed.", self.unit_hours
        )
        yield counter("nhipmay_analytics_results", "OEE results written.", self.results)
        yield counter("nhipmay_analytics_pass_seconds", "Time spent on passes.", self.seconds)
        yield counter(
            "nhipmay_analytics_retries", "Passes given up as the database went away.", self.retries
        )
        yield gauge(
            "nhipmay_analytics_dirty_windows",
            "Hours out of date that the last pass found.",
            self.dirty_windows,
        )
        yield gauge(
            "nhipmay_analytics_complete", "1 if the last pass left nothing to do.", self.complete
        )
        yield gauge(
            "nhipmay_analytics_database_up",
            "1 while the service works with the database.",
            self.database_up,
        )


class Watch:
    """Holds the metrics: replaced by the service's thread, read by the server's."""

    def __init__(self) -> None:
        self._metrics = AnalyticsMetrics()

    def collect(self) -> Iterator[Family]:
        """Yield the metrics of one moment."""
        return self._metrics.collect()

    def add(
        self, *, unit_hours: int, results: int, seconds: float, dirty_windows: int, complete: bool
    ) -> None:
        """Count a pass."""
        before = self._metrics
        self._metrics = replace(
            before,
            passes=before.passes + 1,
            unit_hours=before.unit_hours + unit_hours,
            results=before.results + results,
            seconds=before.seconds + seconds,
            dirty_windows=dirty_windows,
            complete=complete,
            database_up=True,
        )

    def lost(self) -> None:
        """Count that the database went away."""
        before = self._metrics
        self._metrics = replace(before, retries=before.retries + 1, database_up=False)
