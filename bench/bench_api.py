"""How fast the API answers: a hundred machines, a year stored, asked over HTTP at given rates.

`python -m bench api [--machines 100] [--days 365] [--seconds 20] [--json FILE]`. The service runs
in a process of its own, behind accounts, and is asked with tokens of engineers of the enterprise:
what is measured holds every check of who may see what. Beside each figure stands its target.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import urllib.parse
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bench.api.asking import Answers, alternately, steadily
from bench.api.service import Service, consumers, serving
from bench.api.year import FAST, LINE, SITE, START, counts, store_year
from bench.bench_oee import show
from plant.settings import DatabaseSettings
from store import connect
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer

_CONSUMERS = 10
_GZIP = "Accept-Encoding: gzip\r\n"
Figures = dict[str, float]


def main(arguments: Sequence[str] = ()) -> None:
    """Store the year, measure, print a table."""
    parser = argparse.ArgumentParser(prog="bench api")
    parser.add_argument("--machines", type=int, default=100)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each steady load")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    asked = parser.parse_args(list(arguments))
    figures: Figures = {}
    with (
        PostgresServer.timescale() as server,
        compose_database(server) as owner,
        tempfile.TemporaryDirectory() as name,
    ):
        end = store_year(owner, asked.machines, asked.days)
        with connect(owner) as connection:
            for table, number in counts(connection).items():
                show(f"rows of {table}", number, None)
        who = consumers(owner, _CONSUMERS)
        measure(figures, owner, end, Path(name), who, asked.machines, asked.seconds)
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure(
    figures: Figures,
    owner: DatabaseSettings,
    end: datetime,
    folder: Path,
    who: list[str],
    machines: int,
    seconds: float,
) -> None:
    """Measure everything on a year that is stored."""
    units = [f"{LINE}/may-{number}" for number in range(1, machines + 1)]
    month = {"start": _moment(end - timedelta(days=31)), "end": _moment(end)}
    oee = [_path("/api/v1/oee", place=place, kind="shift", **month) for place in [*units, SITE]]
    latest = [_path("/api/v1/tags", place=place) for place in units]
    with serving(owner, end, folder, accounts=True) as service:
        zipped = [one + _GZIP for one in who]
        rates = (("oee_month_by_shift", oee, 50, 100.0), ("latest_values", latest, 200, 20.0))
        for name, paths, rate, target in rates:
            asyncio.run(steadily(service.port, zipped, paths, rate, min(seconds, 3)))  # warm
            answers = asyncio.run(steadily(service.port, zipped, paths, rate, seconds))
            told(figures, name, rate, answers, target)
        for method in ("minmax", "lttb"):
            year = _path(
                "/api/v1/series",
                tag=FAST,
                start=_moment(START),
                end=_moment(end),
                points=2000,
                method=method,
            )
            (times,) = asyncio.run(alternately([(service.port, zipped[0])], [year], 25))
            figures[f"year_{method}_median_ms"] = statistics.median(times)
            figures[f"year_{method}_max_ms"] = max(times[1:])
            show(f"a year in 2,000 points, {method}, median (ms)", statistics.median(times), 150.0)
            show(f"a year in 2,000 points, {method}, slowest (ms)", max(times[1:]), 150.0)
        with serving(owner, end, folder, accounts=False) as plain:
            checks(figures, service, plain, who[0], oee, latest)
        exports(figures, service, who[0], end)


def told(figures: Figures, name: str, rate: int, answers: Answers, target: float) -> None:
    """Show what a steady load met with."""
    assert set(answers.statuses) == {200}, answers.statuses
    for share, word in ((0.5, "p50"), (0.99, "p99"), (1.0, "max")):
        figures[f"{name}_{word}_ms"] = value = answers.quantile(share)
        show(f"{name} at {rate} a second, {word} (ms)", value, target if word == "p99" else None)
    figures[f"{name}_bytes"] = answers.size / len(answers.due_to_done_ms)


def checks(
    figures: Figures, service: Service, plain: Service, who: str, oee: list[str], latest: list[str]
) -> None:
    """Show what knowing who asks costs: the same questions, by turns, with accounts and without."""
    for name, paths in (("oee", oee), ("latest", latest)):
        known, open_to_all = asyncio.run(
            alternately([(service.port, who), (plain.port, "")], paths, 1000)
        )
        # Of each question by itself: what comes between hits one of both, so the median of all.
        share = statistics.median(a - b for a, b in zip(known, open_to_all, strict=True))
        share /= statistics.median(known)
        figures[f"access_checks_share_{name}"] = share
        show(f"share of access checks in a request, {name}", share, 0.05)


def exports(figures: Figures, service: Service, who: str, end: datetime) -> None:
    """Show how much memory exports of everything take."""
    window = {"place": SITE, "start": _moment(START), "end": _moment(end)}
    for form in ("csv", "parquet"):
        idle = service.memory_mb()
        service.forget_most()
        path = _path(f"/api/v1/measurements.{form}", **window)
        answers = asyncio.run(steadily(service.port, [who], [path], 1, 1))
        assert set(answers.statuses) == {200}, answers.statuses
        above = service.memory_mb("VmHWM") - idle
        figures[f"export_{form}_gb"] = answers.size / 1e9
        figures[f"export_{form}_mb_per_s"] = answers.size / 1e6 / answers.took_s
        figures[f"export_{form}_above_idle_mb"] = above
        show(f"export as {form}: size (GB)", answers.size / 1e9, None)
        show(f"export as {form}: speed (MB/s)", answers.size / 1e6 / answers.took_s, None)
        show(f"export as {form}: memory above idle (MB)", above, 100.0)


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _path(path: str, **query: object) -> str:
    return f"{path}?{urllib.parse.urlencode(query)}"
