"""Figures of many simulated days against the truth, with and without a day's outage.

`python -m bench oee_truth [--days 30] [--outage-hours 24]`.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from store import migrate
from tests.long_run import LongRun, differing, record
from tests.peers.postgres import PostgresServer
from tests.plants.simulated_plants import ORIGIN
from tests.truth_comparison import Agreement, compare


def main(arguments: Sequence[str] = ()) -> None:
    """Simulate, deliver, compare; raise SystemExit when anything disagrees."""
    parser = argparse.ArgumentParser(prog="bench oee_truth")
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--outage-hours", type=float, default=24.0)
    asked = parser.parse_args(list(arguments))
    with tempfile.TemporaryDirectory() as folder, PostgresServer.timescale() as server:
        begun = time.monotonic()
        truths = record(Path(folder), asked.days)
        print(f"simulated {asked.days:g} days twice over in {time.monotonic() - begun:.0f} s")
        begin = ORIGIN + timedelta(days=asked.days / 3)
        outage = begin, begin + timedelta(hours=asked.outage_hours)
        figures = []
        for span in (None, outage):
            settings = server.settings(server.create_database())
            migrate(settings)
            run = LongRun(settings, truths, asked.days)
            begun = time.monotonic()
            run.run(outage=span, step=timedelta(hours=2))
            name = "undisturbed" if span is None else f"{asked.outage_hours:g} h outage"
            print(f"{name}: delivered and computed in {time.monotonic() - begun:.0f} s", flush=True)
            if span is None:
                agreement = compare(run)
                report(agreement)
            figures.append(run.figures())
            # A month of readings is gigabytes.
            run.close()
        off = differing(*figures)
    print(f"rows that the outage changed: {off or 'none'}")
    if agreement.problems or off:
        raise SystemExit(1)


def report(found: Agreement) -> None:
    """Print how far figures and truth agree."""
    print(
        f"{found.shifts} machine-shifts, {found.exact_shifts} of them seen without blur;"
        f" {found.parts} parts; times at most {max(found.worst_time_ms, 0):g} ms beyond the blur;"
        f" worst OEE {found.worst_oee * 100:.4f} points; {len(found.problems)} disagreements",
        flush=True,
    )
    for problem in found.problems[:20]:
        print(f"  {problem}", flush=True)
