"""What the ingest's benchmark found, and how it is shown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.doors import Door
from bench.publisher import Report

_TARGET_RATES = {1: 25_000.0, 20: 200_000.0}
"""Measurements per second of one worker, by the size of messages."""
_TARGET_OF_SORTED = {200: 0.80}
_TARGET_BESIDE_US = 25
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

    @property
    def cpu_us_per_message(self) -> float:
        """CPU time of the ingest, its rows included."""
        return self.cpu.ingest * self.batch

    @property
    def verdict(self) -> str:
        """Whether the target is met, where there is one."""
        if self.workers > 1:
            return "–"
        if (rate := _TARGET_RATES.get(self.batch)) is not None:
            return _judged(self.rate >= rate)
        if (share := _TARGET_OF_SORTED.get(self.batch)) is not None:
            return _judged(self.of_sorted >= share)
        return "–"

    def figures(self) -> dict[str, float]:
        """Return what is written as JSON."""
        return {
            "rows_per_s": statistics.median(self.ingest),
            "copy_rows_per_s": statistics.median(self.raw),
            "sorted_copy_rows_per_s": statistics.median(self.ordered),
            "of_copy": self.ratio,
            "of_sorted_copy": self.of_sorted,
            "cpu_us_per_row": self.cpu.ingest,
            "cpu_us_per_message": self.cpu_us_per_message,
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


def _judged(met: bool) -> str:
    return "met" if met else "missed"


def print_throughput(console: Console, figures: Sequence[Figures]) -> None:
    table = Table(title="Committed measurements per second, against raw binary COPY")
    columns = "workers per|message rows ingest COPY sorted|COPY of|COPY spread of|sorted target"
    cpu = "CPU|ingest CPU|its·DB CPU|broker CPU|COPY"
    for name in [*columns.split(), *cpu.split(), "publisher|waits"]:
        table.add_column(name.replace("|", "\n").replace("·", " "), justify="right")
    for one in figures:
        table.add_row(
            str(one.workers),
            str(one.batch),
            f"{one.rows:,}",
            f"{one.rate:,.0f}",
            f"{statistics.median(one.raw):,.0f}",
            f"{statistics.median(one.ordered):,.0f}",
            f"{one.ratio:.2f}",
            f"{one.ratios[0]:.2f}–{one.ratios[-1]:.2f}",
            f"{one.of_sorted:.2f}",
            one.verdict,
            *(f"{each:.1f}" for each in (one.cpu.ingest, one.cpu.backend, one.cpu.broker)),
            f"{one.cpu.raw:.1f}",
            f"{one.publisher_waits:.0%}",
        )
    console.print(table)
    rates = ", ".join(f"{rate:,.0f}/s at {batch}" for batch, rate in _TARGET_RATES.items())
    shares = ", ".join(f"{share:.2f} of sorted at {b}" for b, share in _TARGET_OF_SORTED.items())
    console.print(f"targets of one worker: {rates}, {shares}; ratios are of the middle round")
    console.print("CPU: microseconds per measurement, of the cheapest round")
    console.print("publisher waits: of the time until all was committed; if little, it is too slow")


def print_messages(console: Console, figures: Sequence[Figures]) -> dict[str, dict[str, float]]:
    """Print what a message costs the ingest beside its rows; return it by workers and size.

    What a row costs is the slope between the smallest and the largest messages.
    """
    told: dict[str, dict[str, float]] = {}
    for workers in sorted({one.workers for one in figures}):
        own = sorted((one for one in figures if one.workers == workers), key=lambda one: one.batch)
        least, most = own[0], own[-1]
        if least.batch == most.batch:
            continue
        more_us = most.cpu_us_per_message - least.cpu_us_per_message
        row_us = more_us / (most.batch - least.batch)
        beside = {str(one.batch): one.cpu_us_per_message - row_us * one.batch for one in own}
        words = ", ".join(f"{us:.1f} µs at {batch}" for batch, us in beside.items())
        verdict = _judged(max(beside.values()) <= _TARGET_BESIDE_US)
        console.print(
            f"CPU per message beside its rows' own ({row_us:.2f} µs each), {workers} worker(s): "
            f"{words} (target {_TARGET_BESIDE_US}: {verdict})",
            highlight=False,
        )
        told[str(workers)] = beside
    return told


def told_of(figures: Sequence[Figures]) -> dict[str, object]:
    """Return what is written as JSON, by number of workers and size of messages."""
    told: dict[str, dict[str, dict[str, float]]] = {}
    for one in figures:
        told.setdefault(str(one.workers), {})[str(one.batch)] = one.figures()
    return {"workers": told}


def print_latency(console: Console, report: Report, of: Figures) -> dict[str, float]:
    ordered = sorted(report.latency_s)
    p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
    verdict = _judged(p99 <= _TARGET_P99_MS)
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
    verdict = _judged(rate >= door.target)
    console.print(
        f"{door.name}, {door.values} values per message: {rate:,.0f} values/s "
        f"(target {door.target:,.0f}: {verdict}), {cpu_s / values * 1e6:.1f} µs of CPU per value",
        highlight=False,
    )
    return {"values_per_s": rate, "cpu_us_per_value": cpu_s / values * 1e6}
