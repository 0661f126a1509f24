"""The agent's counters for Prometheus, all of one moment."""

from collections.abc import Iterator
from dataclasses import dataclass

from edge_agent.outbox import OutboxState
from edge_agent.selfstat import Counters
from plant.exposition import Family, counter, gauge


@dataclass(frozen=True, slots=True)
class Glance:
    """Counters, outbox and sources as they were at one moment of the agent's event loop."""

    counters: Counters
    """A copy."""
    outbox: OutboxState
    unreachable: int


class EdgeMetrics:
    """Shows the newest glance; taken in one thread, shown in another."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._glance: Glance | None = None

    def note(self, glance: Glance) -> None:
        """Keep a glance, in place of the one before."""
        self._glance = glance

    def collect(self) -> Iterator[Family]:
        """Yield the metrics.

        In each scrape

        - `readings = repeat + suppressed + refused + stored + waiting`, since the start, and
        - `outbox rows = confirmed + dropped + waiting`, of the present life of the outbox.
        """
        glance = self._glance
        if glance is None:
            return
        counters, outbox = glance.counters, glance.outbox
        yield counter("nhipmay_edge_readings", "Readings that drivers delivered.", counters.taken)
        yield Family(
            "nhipmay_edge_readings_settled",
            "counter",
            "What became of readings: taken before, within a deadband, too large, stored.",
            {
                "repeat": counters.repeats,
                "suppressed": counters.suppressed,
                "refused": counters.refused,
                "stored": counters.written,
            },
            "as",
        )
        yield gauge(
            "nhipmay_edge_readings_waiting", "Readings still in memory only.", counters.waiting
        )
        yield counter(
            "nhipmay_edge_outbox_rows", "Rows that this outbox has taken.", outbox.issued_id
        )
        yield Family(
            "nhipmay_edge_outbox_rows_settled",
            "counter",
            "Rows that the platform confirmed, or that a full outbox gave up.",
            {"confirmed": outbox.confirmed, "dropped": outbox.dropped},
            "as",
        )
        yield gauge("nhipmay_edge_outbox_rows_waiting", "Rows neither confirmed nor given up.",
                    outbox.pending)  # fmt: skip
        yield gauge("nhipmay_edge_outbox_bytes", "Room that the outbox takes.", outbox.used_bytes)
        yield gauge("nhipmay_edge_outbox_limit_bytes", "Room that it may take.", self._max_bytes)
        for name, words, value in (
            ("published", "Rows sent to the broker, repetitions included.", counters.published),
            ("resends", "Times that unconfirmed messages were sent again.", counters.resent),
            ("unreadable", "Rows or values that could not be read at all.", counters.unreadable),
            ("missed", "Readings that a source no longer had.", counters.missed),
            ("stamped", "Readings that carry the agent's time.", counters.stamped_by_agent),
            ("write_failures", "Writes that the disk did not take.", counters.write_failures),
        ):
            yield counter(f"nhipmay_edge_{name}", words, value)
        yield gauge(
            "nhipmay_edge_rejected", "Rows that the platform said it refuses.", counters.rejected
        )
        yield gauge(
            "nhipmay_edge_unreachable", "Tags or sources that cannot be read.", glance.unreachable
        )
