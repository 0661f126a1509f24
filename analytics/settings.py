"""Settings of the analytics service."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from analytics.anomaly.watch.settings import AnomalySettings
from plant.settings import DatabaseSettings, Port, ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """What the analytics service needs to run."""

    database: DatabaseSettings = DatabaseSettings()
    """Where measurements are read and figures written."""
    interval_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    """Seconds of wall time between two passes."""
    edge_silence_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds of wall time after which an edge that reports nothing counts as away."""
    grace: timedelta = timedelta(minutes=10)
    """Plant time after the end of a window before its figures may become final."""
    hours_per_pass: Annotated[int, Field(ge=1, le=10_000)] = 48
    """Hours of one work unit that one pass computes at most; the rest waits for the next pass."""
    unknown_fill: timedelta = timedelta(days=7)
    """How much silence after data older than all figures so far is filled as unknown."""
    anomaly: AnomalySettings = AnomalySettings()
    """Detection of anomalies."""
    metrics_host: str = "127.0.0.1"
    """Address on which Prometheus may read the counters."""
    metrics_port: Port | None = None
    """Port for Prometheus; none by default."""

    def away_after(self) -> timedelta:
        """Return the plant time after which an edge that reports nothing counts as away."""
        return self.plant_time(self.edge_silence_s)

    def plant_time(self, wall_s: float) -> timedelta:
        """Return the plant time that passes in wall seconds."""
        return timedelta(seconds=wall_s) * (self.clock.speed if self.clock else 1.0)
