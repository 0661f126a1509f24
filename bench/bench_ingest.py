"""How fast the ingest commits, against raw binary COPY of the same rows in the same run.

Native batches go through a real mosquitto with QoS 1 into TimescaleDB with its normal indexes,
ledger and rejections on. Rounds of both sides alternate, each into an empty table; each pair has a
ratio, and the median of these counts. Raw COPY is one transaction per 20,000 rows from blocks
encoded beforehand, on as many connections as there are workers, committed as the ingest commits
(`synchronous_commit = on`). CPU time per row tells the same
story on a machine that others load, too.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import yaml
from rich.console import Console
from rich.table import Table

from bench.doors import Door, answers, devices, pour, sparkplug, sparkplug_settings
from bench.ingest_figures import (
    Cpu,
    Figures,
    print_door,
    print_latency,
    print_messages,
    print_throughput,
    told_of,
)
from bench.load import EDGES, Load, plant
from bench.publisher import Order, Report, serve
from plant.clock import microseconds, system_clock
from plant.native.message import EdgeAddress
from plant.settings import DatabaseSettings
from store import load_plant, migrate
from store.delivery.binary_copy import number_blocks
from store.delivery.row import NumberColumns
from store.engine.queries import queries
from tests.peers.postgres import PostgresServer
from tests.peers.services import (
    BrokerFactory,
    MosquittoBroker,
    ServiceAbsentError,
    free_port,
    url_of,
)
from tests.waiting import wait_until

_BLOCK = 20_000
_TARGET_FLAT = 0.95
_ROWS_OF_FLAT = 400_000
_COPY = queries("delivery/store")["copy_numbers"]
_COMMIT_TO_DISK = queries("delivery/store")["commit_to_disk"]
_DAY_US = 86_400_000_000
_FILLERS = 2
_FILL = """
insert into measurement (tag_id, source_time, received_time, value, quality)
select %s, at, at, 70 + k %% 100 * 0.1, 0
from (
    select k, to_timestamp(%s - k) as at from generate_series(1, %s) as k
) as row
"""


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

    def forget_lives(self) -> None:
        """Make the next load the first life of every outbox: there is none to compare it with."""
        self.execute("truncate delivery_ledger")

    def backends(self) -> list[int]:
        """Return the ids of the database's processes that serve the ingests."""
        found = self.execute(
            "select pid from pg_stat_activity where application_name = 'nhipmay' and "
            "datname = current_database()"
        )
        return [pid for (pid,) in found]

    def broker_pids(self) -> list[int]:
        """Return the ids of the broker's processes: it may run within another one."""
        assert self.broker.process is not None
        found = [self.broker.process.pid]
        for children in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                parent = int(children.read_text().rpartition(")")[2].split()[1])
                if parent == found[0]:
                    found.append(int(children.parent.name))
        return found

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
        broker = factory(settings=["max_inflight_messages 4000", "max_queued_messages 0"])
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        yield Stage(database, broker, Path(folder))


@contextmanager
def ingests(on: Stage, workers: int, **more: object) -> Iterator[list[int]]:
    """Run the ingest in as many processes, with more settings; yield their ids."""
    processes = []
    for number in range(workers):
        password = on.database.password
        content = {
            # No broker keeps messages for an ingest of an earlier measurement.
            "broker": {"port": on.broker.port, "session_expiry_s": 1},
            "database": on.database.model_dump(mode="json")
            | {"password": password.get_secret_value() if password else None},
            "workers": {"index": number, "count": workers},
            "instance": f"bench-{workers}w{number}",
            "log": {"level": "warning"},
            **more,
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
    on.forget_lives()
    here.send("go")
    report: Report = here.recv()
    process.join()
    return report


def copy_raw(
    on: Stage,
    load: Load,
    tag_ids: dict[EdgeAddress, list[int]],
    connections: int,
    *,
    ordered: bool = False,
) -> tuple[float, float]:
    """Copy the load's rows by raw binary COPY; return its seconds and the server's CPU seconds.

    `ordered` sorts them by tag and time first, which is not timed.
    """
    columns = load.columns(tag_ids, load.rows if ordered else _BLOCK)
    if ordered:
        columns = (part for whole in columns for part in _sorted_blocks(whole))
    blocks = [b"".join(number_blocks([part])) for part in columns]

    def work(share: Sequence[bytes], connection: psycopg.Connection[tuple[object, ...]]) -> None:
        for block in share:
            with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                copy.write(block)

    with ExitStack() as stack:
        opened = [
            stack.enter_context(psycopg.connect(url_of(on.database), autocommit=True))
            for _ in range(connections)
        ]
        for connection in opened:
            # What the ingest insists on; the servers of the tests leave it to be asked for.
            connection.execute(_COMMIT_TO_DISK)
        backends = [connection.info.backend_pid for connection in opened]
        before, start = cpu_s(backends), time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            for done in [
                pool.submit(work, blocks[k::connections], opened[k]) for k in range(connections)
            ]:
                done.result()
        return time.perf_counter() - start, cpu_s(backends) - before


def _sorted_blocks(rows: NumberColumns) -> Iterator[NumberColumns]:
    ordered = rows.only(np.lexsort((rows.source_us, rows.tag_id)))
    for low in range(0, len(rows), _BLOCK):
        yield ordered.only(np.arange(low, min(low + _BLOCK, len(rows))))


def new_load(rows: int, batch: int) -> Load:
    """Return a load of yesterday, in an epoch of its own."""
    return Load(rows // batch * batch, batch, f"{time.time_ns():x}", _noon_us())


def _noon_us() -> int:
    """Return noon of yesterday: half a day fits before it into the same part of the table."""
    return microseconds(system_clock()) // _DAY_US * _DAY_US - _DAY_US // 2


def throughput(
    on: Stage, workers: int, batch: int, rows: int, rounds: int, *, keep: bool
) -> Figures:
    """Measure both sides in turn; `keep` leaves what is stored already in place."""
    ingest, raw, ordered, shares, cpu = [], [], [], [], []
    with ingests(on, workers) as pids:
        # Edges and tags are known, code and caches warm, before anything is timed.
        publish(on, new_load(20 * batch, batch))
        tag_ids = on.tag_ids()
        watched = [pids, on.backends(), on.broker_pids()]
        for _ in range(rounds):
            if not keep:
                on.empty()
            load = new_load(rows, batch)
            before = [cpu_s(each) for each in watched]
            report = publish(on, load)
            spent = [cpu_s(each) - earlier for each, earlier in zip(watched, before, strict=True)]
            ingest.append(load.rows / report.seconds)
            shares.append(report.waited_s / report.seconds)
            if not keep:
                ((count,),) = on.execute("select count(*) from measurement")
                assert count == load.rows, f"{load.rows} sent, {count} in the table"
                on.empty()
            seconds, server_s = copy_raw(on, load, tag_ids, workers)
            raw.append(load.rows / seconds)
            if not keep:
                on.empty()
                ordered_s, _ = copy_raw(on, load, tag_ids, workers, ordered=True)
                ordered.append(load.rows / ordered_s)
            cpu.append(Cpu(*(one / load.rows * 1e6 for one in (*spent, server_s))))
    waits = statistics.median(shares)
    return Figures(workers, batch, rows, ingest, raw, ordered, Cpu.least(cpu), waits)


def cpu_s(pids: Sequence[int]) -> float:
    """Return the CPU seconds that these processes have used."""
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


def doors() -> Iterator[Door]:
    """Yield what does not come from our own edges, as much as takes some seconds."""
    yield sparkplug(40_000)
    yield devices(30_000)


def through(on: Stage, door: Door) -> tuple[Door, float, float]:
    """Measure one of them; return it with its seconds and the ingest's CPU seconds."""
    on.empty()
    port = free_port()
    with ingests(on, 1, metrics_port=port, sparkplug=sparkplug_settings()) as pids:
        wait_until(lambda: answers(port), what="the ingest's counters")
        seconds, cpu = pour(on.broker.port, door, port, lambda: cpu_s(pids))
    return door, seconds, cpu


def fill(on: Stage, rows: int) -> None:
    """Store so many rows of all tags, one a second each, that end where the loads begin."""
    tag_ids = [tag_id for ids in on.tag_ids().values() for tag_id in ids]
    each, more = divmod(rows, len(tag_ids))
    shares = [(tag_id, each + (k < more)) for k, tag_id in enumerate(tag_ids)]

    def work(share: Sequence[tuple[int, int]]) -> None:
        with psycopg.connect(url_of(on.database), autocommit=True) as connection:
            for tag_id, many in share:
                connection.execute(_FILL, (tag_id, _noon_us() // 1_000_000, many))

    with ThreadPoolExecutor(_FILLERS) as pool:
        for done in [pool.submit(work, shares[k::_FILLERS]) for k in range(_FILLERS)]:
            done.result()
    # What is written back later would be counted against those who are measured next.
    on.execute("checkpoint")
    ((count,),) = on.execute("select count(*) from measurement")
    assert count >= rows, f"{rows} filled in, {count} in the table"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark, print its tables, and write its figures where it is told to."""
    parser = argparse.ArgumentParser(prog="python -m bench ingest", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_200_000, help="per round at batch size 200")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 20, 200])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--latency", type=float, default=20, metavar="SECONDS", help="0: leave out")
    parser.add_argument("--doors", type=int, default=1, help="0: leave Sparkplug and devices out")
    parser.add_argument(
        "--stored-rows",
        type=int,
        default=10_000_000,
        metavar="N",
        help="measure again with so many stored; 0: leave out",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args(arguments)
    # Wide enough for the table even where there is no terminal.
    console = Console(width=160)
    try:
        with stage() as on:
            figures = []
            for workers in given.workers:
                for batch in given.batches:
                    rows = {1: given.rows // 40, 20: given.rows // 8}.get(batch, given.rows)
                    one = throughput(on, workers, batch, rows, given.rounds, keep=False)
                    figures.append(one)
                    console.print(f"{workers} x {batch}: {one.ratio:.2f}", highlight=False)
            print_throughput(console, figures)
            told = told_of(figures)
            told["cpu_us_beside_rows"] = print_messages(console, figures)
            if given.latency:
                told["latency"] = {
                    str(one.batch): print_latency(
                        console, latency(on, one.rate / 2, one.batch, given.latency), one
                    )
                    for one in figures
                    if one.workers == given.workers[0]
                }
            if given.doors:
                told |= {door.name: print_door(console, *through(on, door)) for door in doors()}
            if given.stored_rows:
                told["flat"] = _flat(console, on, given.stored_rows, given.rounds)
            if given.json:
                given.json.write_text(json.dumps(told, indent=2) + "\n")
    except ServiceAbsentError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


def _flat(console: Console, on: Stage, stored: int, rounds: int) -> dict[str, float]:
    on.empty()
    few = throughput(on, 1, 200, _ROWS_OF_FLAT, rounds, keep=True)
    on.empty()
    started = time.perf_counter()
    fill(on, stored)
    console.print(f"{stored:,} rows filled in within {time.perf_counter() - started:.0f} s")
    many = throughput(on, 1, 200, _ROWS_OF_FLAT, rounds, keep=True)
    table = Table(title=f"Cost with {stored:,} rows stored before (1 worker, 200 per message)")
    for name in ("stored before", "ingest", "share", "target", "COPY", "CPU ingest + its DB"):
        table.add_column(name, justify="right")
    for label, one in (("0", few), (f"{stored:,}", many)):
        share = one.rate / few.rate
        verdict = "met" if share >= _TARGET_FLAT else "missed"
        cpu = f"{one.cpu.ingest:.1f} + {one.cpu.backend:.1f}"
        raw = statistics.median(one.raw)
        table.add_row(label, f"{one.rate:,.0f}", f"{share:.2f}", verdict, f"{raw:,.0f}", cpu)
    console.print(table)
    console.print(f"target: {_TARGET_FLAT:.2f} of the throughput with nothing stored before")
    share = many.rate / few.rate
    return {"stored_rows": stored, "share": share, "rows_per_s": many.rate}
