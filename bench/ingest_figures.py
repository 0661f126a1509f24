"""What the ingest's benchmark found, and how it is shown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.doors import Door
from bench.publisher import Report

_TARGET = 0.80
_TARGET_BATCH = 200
_TARGET_P99_MS = 150


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table."""

    workers: int
    batch: int
    rows: int
    ingest: list[float]
    """Committed measurements per second, by round."""
    raw: list[float]
    """Raw COPY of the rows as they come."""
    ordered: list[float]
    """Raw COPY of the same rows, sorted beforehand as the index is: the least work there is."""
    cpu: "Cpu"
    publisher_waits: float
    """Share of the time in which the publisher waited for the others."""

    @property
    def rate(self) -> float:
        """Committed measurements per second, of the middle round."""
        return statistics.median(self.ingest)

    @property
    def ratios(self) -> list[float]:
        """Ingest against raw COPY, by round, the smallest first."""
        return sorted(own / raw for own, raw in zip(self.ingest, self.raw, strict=True))

    @property
    def ratio(self) -> float:
        """Of the middle round."""
        return statistics.median(self.ratios)

    @property
    def of_sorted(self) -> float:
        """Ingest against raw COPY of sorted rows, of the middle round."""
        pairs = zip(self.ingest, self.ordered, strict=True)
        return statistics.median(own / least for own, least in pairs)

    def figures(self) -> dict[str, float]:
        """Return what is written as JSON."""
        return {
            "rows_per_s": statistics.median(self.ingest),
            "copy_rows_per_s": statistics.median(self.raw),
            "sorted_copy_rows_per_s": statistics.median(self.ordered),
            "of_copy": self.ratio,
            "of_sorted_copy": self.of_sorted,
            "cpu_us_per_row": self.cpu.ingest,
            "cpu_us_per_message": self.cpu.ingest * self.batch,
            "publisher_waits": self.publisher_waits,
        }


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU time per measurement in microseconds, of the round that took the least."""

    ingest: float
    backend: float
    """Of the database's processes that serve the ingest."""
    broker: float
    raw: float
    """Of the database's processes that serve raw COPY."""

    @classmethod
    def least(cls, rounds: "Sequence[Cpu]") -> "Cpu":
        """Return the least of each: what disturbs a shared machine only ever adds."""
        return cls(
            *(
                min(getattr(one, name) for one in rounds)
                for name in ("ingest", "backend", "broker", "raw")
            )
        )


def print_throughput(console: Console, figures: Sequence[Figures]) -> None:
    table = Table(title="Committed measurements per second, against raw binary COPY")
    columns = "workers batch rows ingest COPY ratio spread target of|sorted"
    cpu = "CPU|ingest CPU|its·DB CPU|broker CPU|COPY"
    for name in [*columns.split(), *cpu.split(), "publisher|waits"]:
        table.add_column(name.replace("|", "\n").replace("·", " "), justify="right")
    for one in figures:
        verdict = "–" if one.batch < _TARGET_BATCH else "met" if one.ratio >= _TARGET else "missed"
        table.add_row(
            str(one.workers),
            str(one.batch),
            f"{one.rows:,}",
            f"{statistics.median(one.ingest):,.0f}",
            f"{statistics.median(one.raw):,.0f}",
            f"{one.ratio:.2f}",
            f"{one.ratios[0]:.2f}–{one.ratios[-1]:.2f}",
            verdict,
            f"{one.of_sorted:.2f}",
            *(f"{each:.1f}" for each in (one.cpu.ingest, one.cpu.backend, one.cpu.broker)),
            f"{one.cpu.raw:.1f}",
            f"{one.publisher_waits:.0%}",
        )
    console.print(table)
    console.print(
        f"ratio: of the middle round; the target is {_TARGET:.2f} from {_TARGET_BATCH} up"
    )
    console.print("CPU: microseconds per measurement, of the cheapest round")
    console.print("publisher waits: of the time until all was committed; if little, it is too slow")


def told_of(figures: Sequence[Figures]) -> dict[str, object]:
    """Return what is written as JSON, by number of workers and size of messages."""
    told: dict[str, dict[str, dict[str, float]]] = {}
    for one in figures:
        told.setdefault(str(one.workers), {})[str(one.batch)] = one.figures()
    return {"workers": told}


def print_latency(console: Console, report: Report, of: Figures) -> dict[str, float]:
    ordered = sorted(report.latency_s)
    p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
    verdict = "met" if p99 <= _TARGET_P99_MS else "missed"
    rate = of.rate / 2
    console.print(
        f"Source to committed, {of.batch} per message at {rate:,.0f} rows/s (half load): "
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms (target {_TARGET_P99_MS}: {verdict}), "
        f"longest {ordered[-1] * 1000:.0f} ms, {len(ordered)} messages",
        highlight=False,
    )
    return {"rows_per_s": rate, "p50_ms": p50, "p99_ms": p99, "longest_ms": ordered[-1] * 1000}


def print_door(console: Console, door: Door, seconds: float, cpu_s: float) -> dict[str, float]:
    values = len(door.messages) * door.values
    rate = values / seconds
    verdict = "met" if rate >= door.target else "missed"
    console.print(
        f"{door.name}, {door.values} values per message: {rate:,.0f} values/s "
        f"(target {door.target:,.0f}: {verdict}), {cpu_s / values * 1e6:.1f} µs of CPU per value",
        highlight=False,
    )
    return {"values_per_s": rate, "cpu_us_per_value": cpu_s / values * 1e6}
