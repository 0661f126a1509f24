"""What the detection counts about itself, for Prometheus."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from plant.exposition import Family, counter, gauge


@dataclass(slots=True)
class AnomalyMetrics:
    """Everything since the start; written by the service's threads, read by the server's."""

    passes: int = 0
    seconds: float = 0.0
    readings: int = 0
    rows: int = 0
    refits: int = 0
    judged_again: int = 0
    errors: int = 0
    proposals: int = 0
    models: dict[str, int] = field(default_factory=dict)
    """In the care of this process, by status."""
    set_aside: int = 0
    lag_s: float = 0.0
    silent: int = 0
    clocks: int = 0
    retries: int = 0
    database_up: bool = False
    messages: dict[str, int] = field(default_factory=dict)

    def collect(self) -> Iterator[Family]:
        """Yield the metrics."""
        yield counter("nhipmay_anomaly_passes", "Passes over the models.", self.passes)
        yield counter("nhipmay_anomaly_pass_seconds", "Time spent on passes.", self.seconds)
        yield counter("nhipmay_anomaly_readings", "Readings taken by models.", self.readings)
        yield counter(
            "nhipmay_anomaly_samples", "Rows of machines at work, learned or scored.", self.rows
        )
        yield counter("nhipmay_anomaly_refits", "Models fitted again.", self.refits)
        yield counter(
            "nhipmay_anomaly_judged_again",
            "Times a model went back, as more of an hour had come.",
            self.judged_again,
        )
        yield counter(
            "nhipmay_anomaly_errors", "Models set aside, as judging them failed.", self.errors
        )
        yield counter("nhipmay_anomaly_proposals", "Models the service asked for.", self.proposals)
        yield Family(
            "nhipmay_anomaly_models",
            "gauge",
            "Models in the care of this process.",
            dict(self.models),
            "status",
        )
        yield gauge("nhipmay_anomaly_set_aside", "Models that rest after an error.", self.set_aside)
        yield gauge(
            "nhipmay_anomaly_lag_seconds",
            "Plant time of which the live model farthest behind has not judged.",
            self.lag_s,
        )
        yield gauge("nhipmay_anomaly_silent_machines", "Machines whose data stopped.", self.silent)
        yield gauge("nhipmay_anomaly_wrong_clocks", "Clocks that are wrong.", self.clocks)
        yield Family(
            "nhipmay_anomaly_messages",
            "counter",
            "Messages to people, by what became of them.",
            dict(self.messages),
            "outcome",
        )
        yield counter(
            "nhipmay_anomaly_retries", "Passes given up as the database went away.", self.retries
        )
        yield gauge(
            "nhipmay_anomaly_database_up",
            "1 while the detection works with the database.",
            self.database_up,
        )

    def told(self, outcomes: Mapping[str, int]) -> None:
        """Count messages."""
        before = self.messages
        names = before.keys() | outcomes.keys()
        self.messages = {
            name: before.get(name, 0) + outcomes.get(name, 0) for name in sorted(names)
        }
