"""The ingest's counters for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.selfstat import Selfstat, Tally
from plant.errors import ConfigurationError


class SelfstatCollector(Collector):
    """Reads all counters at one moment, so that their sums agree in every scrape."""

    def __init__(self, selfstat: Selfstat) -> None:
        self._selfstat = selfstat

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; `received = written + duplicate + rejected + queued` in each."""
        snapshot = self._selfstat.snapshot()
        yield from _metrics("messages", snapshot.messages)
        yield from _metrics("measurements", snapshot.measurements)
        rejections = CounterMetricFamily(
            "nhipmay_ingest_rejections", "Rejected measurements and messages.", labels=["reason"]
        )
        for reason, number in snapshot.rejections.items():
            rejections.add_metric([reason], number)
        yield rejections
        events = CounterMetricFamily(
            "nhipmay_ingest_events", "Other things that happened.", labels=["event"]
        )
        for event, number in snapshot.events.items():
            events.add_metric([event], number)
        yield events
        yield CounterMetricFamily(
            "nhipmay_ingest_transactions", "Committed transactions.", snapshot.transactions
        )
        yield CounterMetricFamily(
            "nhipmay_ingest_messages_shed",
            "Messages over their site's quota, left to their edges to repeat; not received.",
            snapshot.shed,
        )
        yield CounterMetricFamily(
            "nhipmay_ingest_retries", "Transactions tried again.", snapshot.retries
        )


@contextmanager
def metrics_server(selfstat: Selfstat, host: str, port: int | None) -> Iterator[None]:
    """Serve `/metrics` while the context lasts; without a port do nothing.

    Raises ConfigurationError when the port is taken.
    """
    if port is None:
        yield
        return
    registry = CollectorRegistry()
    registry.register(SelfstatCollector(selfstat))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as exc:
        raise ConfigurationError(
            f"metrics cannot be served at {host}:{port}: {exc.strerror}; choose another "
            "`metrics_port`"
        ) from exc
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _metrics(what: str, tally: Tally) -> Iterator[Metric]:
    yield CounterMetricFamily(
        f"nhipmay_ingest_{what}_received", f"Received {what}.", tally.received
    )
    settled = CounterMetricFamily(
        f"nhipmay_ingest_{what}_settled", f"What became of the {what}.", labels=["as"]
    )
    settled.add_metric(["written"], tally.written)
    settled.add_metric(["duplicate"], tally.duplicate)
    settled.add_metric(["rejected"], tally.rejected)
    yield settled
    yield GaugeMetricFamily(
        f"nhipmay_ingest_{what}_queued", f"Received {what} that wait.", tally.queued
    )
