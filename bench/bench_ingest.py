"""How fast the ingest commits, against raw binary COPY of the same rows in the same run.

Native batches go through a real mosquitto with QoS 1 into TimescaleDB with its normal indexes,
ledger and rejections on. Rounds of both sides alternate, each into an empty table, and the ratio
is that of the two best. Raw COPY is one transaction per 20,000 rows from blocks encoded
beforehand, on as many connections as there are workers.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import yaml
from rich.console import Console
from rich.table import Table

from bench.load import EDGES, Load, plant
from bench.publisher import Order, Report, serve
from plant.clock import microseconds, system_clock
from plant.native import EdgeAddress
from plant.settings import DatabaseSettings
from store import load_plant, migrate
from store.binary_copy import number_blocks
from store.queries import queries
from tests.postgres import PostgresServer
from tests.services import BrokerFactory, MosquittoBroker, ServiceAbsentError, url_of

_BLOCK = 20_000
_COPY = queries("delivery")["copy_numbers"]
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """The servers of a run."""

    database: DatabaseSettings
    broker: MosquittoBroker
    folder: Path

    def execute(self, statement: str, *values: str) -> list[tuple[int, ...]]:
        """Run one statement as the administrator."""
        with psycopg.connect(url_of(self.database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        """Throw all measurements away, indexes included."""
        self.execute("truncate measurement, text_measurement, dirty_window")

    def tag_ids(self) -> dict[EdgeAddress, list[int]]:
        """Return the ids of each edge's tags in the order of their declaration."""
        found: dict[EdgeAddress, list[int]] = {}
        for edge in EDGES:
            rows = self.execute(
                "select tag_id from tag join place on place_id = site_id "
                "where path = %s order by tag_id",
                edge.site_path,
            )
            found[edge] = [tag_id for (tag_id,) in rows]
        return found


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table."""

    workers: int
    batch: int
    rows: int
    ingest: list[float]
    """Committed measurements per second, by round."""
    raw: list[float]
    cpu_us: float
    """CPU time of the ingest processes per measurement, in microseconds."""
    publisher_share: float
    """Time until the broker had taken everything, of the time until all was committed."""

    @property
    def ratio(self) -> float:
        """Best against best: what disturbs a shared machine only ever slows down."""
        return max(self.ingest) / max(self.raw)


@contextmanager
def stage() -> Iterator[Stage]:
    """Start the servers."""
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer.timescale())
        factory = BrokerFactory()
        stack.callback(factory.remove_all)
        database = server.settings(server.create_database())
        migrate(database)
        load_plant(database, plant())
        broker = factory(settings=["max_inflight_messages 4000"])
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        yield Stage(database, broker, Path(folder))


@contextmanager
def ingests(on: Stage, workers: int) -> Iterator[list[int]]:
    """Run the ingest in as many processes; yield their ids."""
    processes = []
    for number in range(workers):
        password = on.database.password
        content = {
            "broker": {"port": on.broker.port},
            "database": on.database.model_dump(mode="json")
            | {"password": password.get_secret_value() if password else None},
            "workers": {"index": number, "count": workers},
            "instance": f"bench-{workers}-{number}",
            "log": {"level": "warning"},
        }
        file = on.folder / f"ingest-{number}.yaml"
        file.write_text(yaml.safe_dump(content))
        command = [sys.executable, "-m", "nhipmay", "ingest", "--settings", str(file)]
        processes.append(subprocess.Popen(command))
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def publish(on: Stage, load: Load, rate: float | None = None) -> Report:
    """Publish a load from a process of its own; return when all of it is committed."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,))
    process.start()
    there.close()
    here.send(Order(on.broker.port, load, rate))
    assert here.recv() == "ready"
    here.send("go")
    report: Report = here.recv()
    process.join()
    return report


def copy_raw(
    on: Stage, load: Load, tag_ids: dict[EdgeAddress, list[int]], connections: int
) -> float:
    """Copy the load's rows by raw binary COPY; return the seconds."""
    blocks = [b"".join(number_blocks([columns])) for columns in load.columns(tag_ids, _BLOCK)]

    def work(share: Sequence[bytes], connection: psycopg.Connection[tuple[object, ...]]) -> None:
        for block in share:
            with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                copy.write(block)

    with ExitStack() as stack:
        opened = [
            stack.enter_context(psycopg.connect(url_of(on.database), autocommit=True))
            for _ in range(connections)
        ]
        start = time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            for done in [
                pool.submit(work, blocks[k::connections], opened[k]) for k in range(connections)
            ]:
                done.result()
        return time.perf_counter() - start


def new_load(rows: int, batch: int) -> Load:
    """Return a load of yesterday, in an epoch of its own."""
    start = microseconds(system_clock()) // _DAY_US * _DAY_US - _DAY_US
    return Load(rows // batch * batch, batch, f"{time.time_ns():x}", start)


def throughput(
    on: Stage, workers: int, batch: int, rows: int, rounds: int, *, keep: bool
) -> Figures:
    """Measure both sides in turn; `keep` leaves what is stored already in place."""
    ingest, raw, shares, cpu = [], [], [], []
    with ingests(on, workers) as pids:
        # Edges and tags are known, code and caches warm, before anything is timed.
        publish(on, new_load(20 * batch, batch))
        tag_ids = on.tag_ids()
        for _ in range(rounds):
            if not keep:
                on.empty()
            load = new_load(rows, batch)
            before = _cpu_s(pids)
            report = publish(on, load)
            cpu.append((_cpu_s(pids) - before) / load.rows * 1e6)
            ingest.append(load.rows / report.seconds)
            shares.append(report.accepted_s / report.seconds)
            if not keep:
                ((count,),) = on.execute("select count(*) from measurement")
                assert count == load.rows, f"{load.rows} sent, {count} in the table"
                on.empty()
            raw.append(load.rows / copy_raw(on, load, tag_ids, workers))
    return Figures(workers, batch, rows, ingest, raw, min(cpu), statistics.median(shares))


def _cpu_s(pids: Sequence[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def latency(on: Stage, rate_rows: float, batch: int, seconds: float) -> Report:
    """Measure the way from source time to the ack of the commit, at a given rate."""
    on.empty()
    rate = rate_rows / batch
    with ingests(on, 1):
        publish(on, new_load(20 * batch, batch))
        return publish(on, new_load(int(rate * seconds) * batch, batch), rate)


def prefill(on: Stage, rows: int) -> None:
    """Store rows of the days before."""
    tag_ids = on.tag_ids()
    portion = 1_000_000
    for done in range(0, rows, portion):
        load = new_load(min(portion, rows - done), 200)
        earlier = Load(load.rows, 200, "", load.start_us - (done // portion + 1) * 1_250_000_000)
        copy_raw(on, earlier, tag_ids, 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m bench ingest", description=__doc__)
    parser.add_argument("--rows", type=int, default=600_000, help="per round at batch size 200")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 20, 200])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--latency", type=float, default=20, metavar="SECONDS", help="0: leave out")
    parser.add_argument("--stored", type=int, default=100, metavar="TIMES", help="0: leave out")
    parser.add_argument("--stored-rows", type=int, default=100_000, help="what it multiplies")
    given = parser.parse_args(arguments)
    console = Console()
    try:
        with stage() as on:
            figures = []
            for workers in given.workers:
                for batch in given.batches:
                    rows = {1: given.rows // 20, 20: given.rows // 4}.get(batch, given.rows)
                    one = throughput(on, workers, batch, rows, given.rounds, keep=False)
                    figures.append(one)
                    console.print(f"{workers} x {batch}: {one.ratio:.2f}", highlight=False)
            _print_throughput(console, figures)
            if given.latency:
                best = max(max(one.ingest) for one in figures if one.workers == given.workers[0])
                batch = max(given.batches)
                _print_latency(console, latency(on, best / 2, batch, given.latency), best / 2)
            if given.stored:
                _flat(console, on, given.stored, given.stored_rows, given.rounds)
    except ServiceAbsentError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


def _flat(console: Console, on: Stage, times: int, rows: int, rounds: int) -> None:
    on.empty()
    few = throughput(on, 1, 200, rows, rounds, keep=True)
    prefill(on, rows * times)
    many = throughput(on, 1, 200, rows, rounds, keep=True)
    table = Table(title=f"Cost with {times} times more rows stored (1 worker, batches of 200)")
    for name in ("stored before", "ingest rows/s", "of the empty table", "raw COPY rows/s"):
        table.add_column(name, justify="right")
    for label, one in (("0", few), (f"{rows * times:,}", many)):
        share = max(one.ingest) / max(few.ingest)
        table.add_row(label, f"{max(one.ingest):,.0f}", f"{share:.2f}", f"{max(one.raw):,.0f}")
    console.print(table)


def _print_throughput(console: Console, figures: Sequence[Figures]) -> None:
    table = Table(title="Committed measurements per second, against raw binary COPY")
    for name in (
        "workers",
        "batch",
        "rows",
        "ingest",
        "raw COPY",
        "ratio",
        "all rounds",
        "CPU",
        "taken",
    ):
        table.add_column(name, justify="right")
    for one in figures:
        rounds = " ".join(f"{own / raw:.2f}" for own, raw in zip(one.ingest, one.raw, strict=True))
        table.add_row(
            str(one.workers),
            str(one.batch),
            f"{one.rows:,}",
            f"{max(one.ingest):,.0f}",
            f"{max(one.raw):,.0f}",
            f"{one.ratio:.2f}",
            rounds,
            f"{one.cpu_us:.1f} µs",
            f"{one.publisher_share:.0%}",
        )
    console.print(table)
    console.print("CPU: of the ingest processes, per measurement")
    console.print("taken: when the broker had everything, of the time until all was committed")


def _print_latency(console: Console, report: Report, rate: float) -> None:
    ordered = sorted(report.latency_s)
    p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
    console.print(
        f"Source to committed, at {rate:,.0f} rows/s (half load): p50 {p50:.0f} ms, "
        f"p99 {p99:.0f} ms, longest {ordered[-1] * 1000:.0f} ms, {len(ordered)} messages",
        highlight=False,
    )
