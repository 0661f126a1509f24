"""Figures of many simulated days against the truth, with and without a day's outage.

`python -m bench oee-truth [--days 30] [--outage-hours 24]`.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from store import migrate
from tests.long_run import LongRun, differing, record
from tests.postgres import PostgresServer
from tests.simulated_plants import ORIGIN
from tests.truth_comparison import compare


def main(arguments: Sequence[str] = ()) -> None:
    """Simulate, deliver, compare; raise SystemExit when anything disagrees."""
    parser = argparse.ArgumentParser(prog="bench oee-truth")
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--outage-hours", type=float, default=24.0)
    asked = parser.parse_args(list(arguments))
    with tempfile.TemporaryDirectory() as folder, PostgresServer.timescale() as server:
        begun = time.monotonic()
        truths = record(Path(folder), asked.days)
        print(f"simulated {asked.days:g} days twice over in {time.monotonic() - begun:.0f} s")
        runs = []
        outage = ORIGIN + timedelta(days=asked.days / 3)
        for span in (None, (outage, outage + timedelta(hours=asked.outage_hours))):
            settings = server.settings(server.create_database())
            migrate(settings)
            run = LongRun(settings, truths, asked.days)
            begun = time.monotonic()
            run.run(outage=span, step=timedelta(hours=2))
            name = "undisturbed" if span is None else f"{asked.outage_hours:g} h outage"
            print(f"{name}: delivered and computed in {time.monotonic() - begun:.0f} s")
            runs.append(run)
        agreement = compare(runs[0])
        off = differing(runs[0].figures(), runs[1].figures())
        for run in runs:
            run.close()
    print(
        f"{agreement.shifts} machine-shifts, {agreement.exact_shifts} of them seen without blur;"
        f" {agreement.parts} parts; worst OEE {agreement.worst_oee * 100:.4f} points;"
        f" {len(agreement.problems)} disagreements; rows that the outage changed: {off or 'none'}"
    )
    for problem in agreement.problems[:20]:
        print(f"  {problem}")
    if agreement.problems or off:
        raise SystemExit(1)
