"""What the edge agent needs and how fast it is: memory, outbox, and the drain of a long backlog.

The agent is the real `nhipmay edge` in a process of its own; its sources are real servers, too.
The backlog goes through a real mosquitto and the real ingest into TimescaleDB while live data come
in; those count from their source time until another connection sees them committed.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from bench.bench_ingest import Stage, ingests, stage
from bench.edge_process import EDGE, Memory, Platform, edge, tag
from bench.edge_source import MODBUS_TAGS, modbus, opcua
from edge_agent.outbox import Row, SqliteOutbox
from plant.clock import microseconds, system_clock
from plant.measurement import Quality
from tests.peers.services import BrokerFactory, ServiceAbsentError, url_of

_HOUR_ROWS = 200 * 3600
_LIVE_TAGS = 200
_WATCHED = 20
_GROUP = 4_000
"""What 40,000 measurements per second gather in the agent's 100 ms."""
_READ = 500
_LONGEST_LAG_S = 20
_MANY = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    figure: float
    target: float
    unit: str
    at_most: bool = False
    more: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.figure <= self.target if self.at_most else self.figure >= self.target


def resident(kind: str, seconds: float) -> Line:
    """Measure the agent's memory on one kind of source, after some seconds of work."""
    with tempfile.TemporaryDirectory() as name:
        factory = BrokerFactory()
        try:
            broker = factory()
            with closing(Platform(broker.port)) as platform:
                if kind == "opcua":
                    with opcua(1_000) as endpoint:
                        source = _opcua_source(endpoint, 1_000)
                        return _resident(Path(name), broker.port, source, seconds, platform)
                with modbus() as port:
                    source = _modbus_source(port, MODBUS_TAGS)
                    return _resident(Path(name), broker.port, source, seconds, platform)
        finally:
            factory.remove_all()


def live() -> Line:
    """Measure how long an agent takes from its start until each of many tags has come."""
    with tempfile.TemporaryDirectory() as name:
        factory = BrokerFactory()
        try:
            broker = factory()
            with closing(Platform(broker.port)) as platform, opcua(_MANY, changing=False) as there:
                source = _opcua_source(there, _MANY)
                start = time.monotonic()
                with edge(Path(name), broker.port, source) as process:
                    while len(platform.tags) < _MANY:
                        if time.monotonic() > start + 300 or process.poll() is not None:
                            raise TimeoutError(f"{len(platform.tags)} tags came")
                        time.sleep(0.01)
                    seconds = time.monotonic() - start
        finally:
            factory.remove_all()
    what = f"start until {_MANY:,} tags on OPC UA are live"
    more = f"signed and encrypted, load {os.getloadavg()[0]:.0f}"
    return Line(what, seconds, 10, "s", at_most=True, more=more)


def _opcua_source(endpoint: str, tags: int) -> dict[str, Any]:
    return {
        "driver": "opcua",
        "endpoint": endpoint,
        "security_policy": "auto",
        "trust": "first",
        "tags": [tag(k, f"nsu=urn:nhipmay:test;s=v{k}") for k in range(tags)],
    }


def _modbus_source(port: int, tags: int) -> dict[str, Any]:
    return {
        "driver": "modbus",
        "host": "127.0.0.1",
        "port": port,
        "poll_interval_s": 1,
        "tags": [tag(k, f"hr:{k}") for k in range(tags)],
    }


def _resident(
    folder: Path, port: int, source: dict[str, Any], seconds: float, platform: Platform
) -> Line:
    with edge(folder, port, source) as process:
        give_up = time.monotonic() + 60
        while not platform.rows:
            if time.monotonic() > give_up or process.poll() is not None:
                raise TimeoutError("the agent sends nothing")
            time.sleep(0.1)
        before, start = platform.rows, time.monotonic()
        largest = Memory(0, 0)
        while time.monotonic() < start + seconds:
            time.sleep(0.5)
            largest = max(largest, Memory.of(process.pid), key=lambda memory: memory.rss)
        rate = (platform.rows - before) / (time.monotonic() - start)
    is_opcua = source["driver"] == "opcua"
    what = (
        "RSS, 1,000 tags on OPC UA, encrypted" if is_opcua else f"RSS, {MODBUS_TAGS} tags on Modbus"
    )
    more = f"PSS {largest.pss:.0f} MB, {rate:,.0f} measurements/s"
    return Line(what, largest.rss, 90 if is_opcua else 50, "MB", at_most=True, more=more)


def outbox(rows: int) -> Line:
    """Measure append (durable), read and delete on ack, in groups as a busy agent has them."""
    start_us = microseconds(system_clock())
    groups = [
        [Row(f"may-1/t{k % 200}", start_us + first + k, k / 7, Quality.GOOD) for k in range(_GROUP)]
        for first in range(0, rows, _GROUP)
    ]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        box = SqliteOutbox(Path(name) / "outbox.sqlite", 2_000_000_000, 72)
        epoch, after = box.state().epoch, 0
        start, cpu = time.perf_counter(), time.process_time()
        for group in groups:
            box.append(group, start_us)
            while (found := box.read(after, _READ)) is not None:
                after = found.last_id
                box.mark_published(after)
            box.acknowledge(epoch, after)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        assert box.state().pending == 0
        box.close()
    more = f"groups of {_GROUP:,}, synchronous: full, CPU {cpu / rows * 1e6:.1f} µs/row"
    return Line("through the outbox", rows / seconds, 40_000, "rows/s", more=more)


def prefill(file: Path, rows: int) -> None:
    """Fill an outbox with a backlog that ends now, 200 tags at 1 Hz."""
    box = SqliteOutbox(file, 4_000_000_000, 1_000, "normal")
    now_us = microseconds(system_clock())
    names = [tag(k, "")["name"] for k in range(_LIVE_TAGS)]
    first_us = now_us - rows // _LIVE_TAGS * 1_000_000
    for done in range(0, rows, 20_000):
        portion = range(done, min(done + 20_000, rows))
        group = [
            Row(
                names[k % _LIVE_TAGS],
                first_us + k // _LIVE_TAGS * 1_000_000,
                float(k % 997),
                Quality.GOOD,
            )
            for k in portion
        ]
        box.append(group, now_us)
    box.close()


@contextmanager
def _watching(on: Stage) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(url_of(on.database), autocommit=True) as connection:
        yield connection


_COMMITTED = b"""
select coalesce(upper(range_intersect_agg(first)), 1) - 1
from (select unnest(committed) as first from delivery_ledger limit 1) ids where lower(first) = 1
"""
_NEWEST = b"""
select m.tag_id, m.source_time
from (select tag_id from tag where name = any(%s)) t
join lateral (
    select * from measurement m
    where m.tag_id = t.tag_id and m.source_time > greatest(%s, now() - interval '20 seconds')
) m on true
"""
_ALL = b"""
select count(*) from measurement join tag using (tag_id)
where name = any(%s) and source_time > %s and source_time < now() - interval '20 seconds'
"""


def backlog(hours: float) -> list[Line]:
    """Drain a backlog while live data come in."""
    rows = int(hours * _HOUR_ROWS)
    with stage() as on, modbus() as port, ingests(on, 1):
        print(f"filling an outbox with {rows:,} measurements …", flush=True)
        folder = on.folder / "edge"
        folder.mkdir()
        prefill(folder / "outbox.sqlite", rows)
        source = _modbus_source(port, _LIVE_TAGS)
        with (
            edge(folder, on.broker.port, source, max_bytes=4_000_000_000, max_hours=1_000),
            _watching(on) as connection,
        ):
            return _drained(connection, rows)


def _drained(connection: psycopg.Connection[tuple[object, ...]], rows: int) -> list[Line]:
    watched = [tag(k, "")["name"] for k in range(_WATCHED)]
    seen: dict[tuple[object, object], float] = {}
    first: tuple[float, int] | None = None
    give_up = time.monotonic() + 60 + rows / 2_000
    # Live data count once the drain has begun; before, the agent was not there to be quick.
    live_from = datetime.now(UTC)
    while True:
        found = connection.execute(_NEWEST, [watched, live_from]).fetchall()
        now = datetime.now(UTC)
        for key in found:
            moment = key[1]
            assert isinstance(moment, datetime)
            seen.setdefault((key[0], moment), (now - moment).total_seconds())
        done = connection.execute(_COMMITTED).fetchone()
        committed = int(str(done[0])) if done else 0
        if first is None and committed:
            first = time.monotonic(), committed
            live_from = datetime.now(UTC)
            seen.clear()
        if committed >= rows or time.monotonic() > give_up:
            break
        time.sleep(0.1)
    assert first is not None, "nothing was committed"
    seconds = time.monotonic() - first[0]
    speed = (min(committed, rows) - first[1]) / seconds
    lags = sorted(seen.values())
    # What came later than the look back reaches was never seen: it counts as the worst.
    total = connection.execute(_ALL, [watched, live_from]).fetchone()
    older = [key for key in seen if _older(key[1])]
    unseen = max(0, (int(str(total[0])) if total else 0) - len(older))
    lags += [float("inf")] * unseen
    p99 = lags[int(len(lags) * 0.99)] if lags else float("inf")
    times = speed / _LIVE_TAGS
    more = f"{rows:,} rows, {speed:,.0f} rows/s"
    return [
        Line("backlog drains", times, 150, "times real time", more=more),
        Line("live data meanwhile, p99", p99, 2, "s", at_most=True, more=f"{len(lags)} seen"),
    ]


def _older(moment: object) -> bool:
    assert isinstance(moment, datetime)
    return (datetime.now(UTC) - moment).total_seconds() > _LONGEST_LAG_S


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m bench edge", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each look at the memory")
    parser.add_argument("--rows", type=int, default=400_000, help="through the outbox")
    parser.add_argument("--hours", type=float, default=24, help="of backlog: 200 tags at 1 Hz")
    choices = ("opcua", "modbus", "live", "outbox", "backlog")
    parser.add_argument("--only", nargs="+", choices=choices, default=choices)
    given = parser.parse_args(arguments)
    lines: list[Line] = []
    try:
        for part in given.only:
            match part:
                case "outbox":
                    lines.append(outbox(given.rows))
                case "live":
                    lines.append(live())
                case "backlog":
                    lines += backlog(given.hours)
                case kind:
                    lines.append(resident(kind, given.seconds))
    except ServiceAbsentError as exc:
        print(exc, file=sys.stderr)
        return 1
    table = Table(title=f"The edge agent ({EDGE.edge})")
    for name in ("what", "measured", "target", "verdict", "more"):
        table.add_column(name)
    for line in lines:
        sign = "≤" if line.at_most else "≥"
        table.add_row(
            line.what,
            f"{line.figure:,.1f} {line.unit}"
            if line.figure < 100
            else f"{line.figure:,.0f} {line.unit}",
            f"{sign} {line.target:,.0f}",
            "met" if line.met else "missed",
            line.more,
        )
    Console().print(table)
    return 0
