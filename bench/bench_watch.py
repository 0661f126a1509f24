"""How many machines one process watches in real time, from the database and back.

`python -m bench watch [--machines 100] [--seconds 60]`. Each machine has 16 sensors that speak
once a second; a pass comes as often as by default. Processor time of this process is counted,
and what the database spent beside it as wall time of the passes.
"""

import argparse
import resource
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from analytics.anomaly.state import VERSION
from analytics.anomaly.watch.fleet import Fleet, Patience
from analytics.anomaly.watch.scorer import Scorer, ScorerSettings
from analytics.anomaly.watch.settings import AnomalySettings
from bench.bench_anomaly import SENSORS, machine, show
from plant.settings import DatabaseSettings
from store import Connection, connect, migrate
from store.anomaly import model as model_store
from store.anomaly.model import Proposal
from tests.peers.postgres import PostgresServer

_START = datetime(2026, 3, 2, tzinfo=UTC)
_LEARNED = 1300
_PASS_S = round(AnomalySettings().interval_s)


def main(arguments: Sequence[str] = ()) -> None:
    """Watch machines for some seconds of data and print what that took."""
    parser = argparse.ArgumentParser(prog="bench watch")
    parser.add_argument("--machines", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args(list(arguments))
    with PostgresServer.timescale() as server:
        settings = server.settings(server.create_database())
        migrate(settings)
        with connect(settings, autocommit=True) as connection:
            _prepare(connection, asked.machines, asked.seconds)
        _watch(settings, asked.machines, asked.seconds)


def _prepare(connection: Connection, machines: int, seconds: int) -> None:
    """Make machines with live models, and what their sensors say from now on."""
    connection.execute(
        "insert into place (level, path, name_vi, name_en, time_zone) values"
        " ('enterprise', 'e', 'e', 'e', null), ('site', 'e/s', 's', 's', 'UTC')"
    )
    connection.execute(
        "insert into place (parent_id, level, path, name_vi, name_en)"
        " select place_id, 'area', 'e/s/a', 'a', 'a' from place where path = 'e/s'"
    )
    connection.execute(
        "update place set parent_id = (select place_id from place where path = 'e')"
        " where path = 'e/s'"
    )
    connection.execute(
        "insert into place (parent_id, level, path, name_vi, name_en, line_kind)"
        " select place_id, 'work_center', 'e/s/a/l', 'l', 'l', 'parallel' from place"
        " where path = 'e/s/a'"
    )
    connection.execute(
        "insert into place (parent_id, level, path, name_vi, name_en)"
        " select place_id, 'work_unit', 'e/s/a/l/m' || n, 'm', 'm'"
        " from place, generate_series(1, %s) n where path = 'e/s/a/l'",
        [machines],
    )
    connection.execute(
        "insert into edge (site_id, code) select place_id, 'x' from place where path = 'e/s'"
    )
    connection.execute(
        "insert into tag (site_id, work_unit_id, edge_id, name, value_type)"
        " select edge.site_id, unit.place_id, edge_id, unit.path || '/' || n, 'number'"
        " from edge, place unit, generate_series(1, %s) n where unit.level = 'work_unit'",
        [SENSORS],
    )
    rows = machine(_LEARNED + seconds)
    scorer = Scorer(SENSORS, ScorerSettings(hold_s=(60.0,) * SENSORS))
    times = int(_START.timestamp() * 1000) - 1000 * np.arange(_LEARNED)[::-1]
    places = np.tile(np.arange(SENSORS), _LEARNED)
    scorer.take(
        np.repeat(times, SENSORS),
        places,
        rows[:_LEARNED].ravel(),
        [(0, "-")],
        int(times[-1]),
    )
    content = scorer.to_bytes()
    units = connection.execute(
        "select work_unit_id, array_agg(tag_id order by tag_id) from tag group by 1"
    ).fetchall()
    begun = _START - timedelta(seconds=_LEARNED)
    for unit_id, tags in units:
        asked = Proposal(unit_id, "commissioning", tuple(tags), 1000, {}, begun, _START, _START)
        model_id = model_store.propose(connection, asked, _START, "bench")
        connection.execute(
            "update anomaly_model set status = 'ready' where model_id = %s", [model_id]
        )
        model_store.approve(connection, model_id, _START, "bench")
        model_store.save_state(connection, model_id, _START, "checkpoint", VERSION, content)
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "copy measurement (tag_id, source_time, received_time, value, quality) from stdin"
        ) as copy,
    ):
        for second, row in enumerate(rows[_LEARNED:], 1):
            moment = _START + timedelta(seconds=second)
            for _, tags in units:
                for tag_id, value in zip(tags, row, strict=True):
                    copy.write_row((tag_id, moment, moment, float(value), 0))
    connection.execute("analyze measurement")


def _watch(settings: DatabaseSettings, machines: int, seconds: int) -> None:
    now = _START
    fleet = Fleet(lambda: now, Patience(timedelta(0), timedelta(hours=1)))
    with connect(settings, autocommit=True) as connection:
        before = _resident_kb()
        fleet.one_pass(connection)
        each = (_resident_kb() - before) / machines
        began, spent = time.monotonic(), time.process_time()
        for second in range(_PASS_S, seconds + 1, _PASS_S):
            now = _START + timedelta(seconds=second)
            fleet.one_pass(connection)
        took, spent = time.monotonic() - began, time.process_time() - spent
        at = {charge.moment for charge in fleet.charges.values()}
        assert at == {now}, f"not all machines were brought to {now}: {at}"
    show(f"seconds of one core per second of {machines} machines", spent / seconds)
    show("the same by the clock, database included", took / seconds, 1.0)
    show("refits in it", fleet.metrics.refits)
    show("kB of this process per machine", each)
    show("machines in real time per process, at that rate", machines * seconds / took)
    show(
        "milliseconds of a core per machine and pass", spent / machines / (seconds / _PASS_S) * 1e3
    )


def _resident_kb() -> float:
    """Return what this process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1000
