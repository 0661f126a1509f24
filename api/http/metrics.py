"""What the service counts about itself, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Counters of one app; each app has its own registry."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "nhipmay_api_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "nhipmay_api_request_seconds",
            "Time to answer a request; live streams last as long as somebody looks.",
            ["route"],
            registry=self._registry,
        )
        self.open_streams = Gauge(
            "nhipmay_api_open_streams", "Live pages connected.", registry=self._registry
        )
        self.database_up = Gauge(
            "nhipmay_api_database_up",
            "1 if the database answered the last question, else 0.",
            registry=self._registry,
        )

        self.certificate_reuse = Counter(
            "nhipmay_api_certificate_reuse",
            "Renewals asked for with a certificate that had been renewed: somebody has a copy.",
            registry=self._registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)
