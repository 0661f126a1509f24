"""Whether nothing is lost and nothing doubled, whatever fails: random faults over many rounds.

Each round sends a recording through a real agent, broker, ingest and database while one to three
faults happen at random moments, and compares the database and the ledger with the truth. The seed
of a round chooses its faults, their moments and its recording.
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.faults.fault import Fault
from tests.faults.faults import FAULTS, possible
from tests.faults.rig import Rig
from tests.faults.rounds import Result, chosen, run_round
from tests.peers.services import ServiceAbsentError

console = Console(width=120)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="the first round's; each next adds 1")
    parser.add_argument("--tls", action="store_true", help="all lines speak TLS")
    parser.add_argument("--faults", nargs="+", default=(), help="only those that begin so")
    parser.add_argument("--log", type=Path, help="a file to add one line of JSON per round to")
    parser.add_argument("--read", type=Path, nargs="+", help="only summarise such files")
    options = parser.parse_args(arguments)
    if options.read:
        return _summarise([result for log in options.read for result in _read(log)])
    edges = [f"edge-{k}" for k in range(options.rounds)]
    results: list[Result] = []
    try:
        with Rig(edges, tls=options.tls) as rig:
            here = possible(rig, _picked(options.faults))
            if rig.no_disk:
                console.print(f"without full disks: {rig.no_disk}")
            for k, edge in enumerate(edges):
                seed = options.seed + k
                faults = chosen(np.random.default_rng([seed, 1]), here)
                result = run_round(rig, edge, seed, faults)
                if options.tls:
                    names = tuple(f"{name}, TLS" for name in result.faults)
                    result = replace(result, faults=names)
                results.append(result)
                _tell(k + 1, result)
                if options.log:
                    with options.log.open("a", encoding="utf-8") as log:
                        log.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
    except ServiceAbsentError as reason:
        console.print(str(reason))
        return 2
    return _summarise(results)


def _picked(beginnings: Sequence[str]) -> list[Fault]:
    return [fault for fault in FAULTS if not beginnings or fault.name.startswith(tuple(beginnings))]


def _read(log: Path) -> Iterator[Result]:
    for line in log.read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        yield Result(
            **said | {"faults": tuple(said["faults"]), "problems": tuple(said["problems"])}
        )


def _tell(number: int, result: Result) -> None:
    verdict = "WRONG" if result.problems else "whole"
    console.print(
        f"{time.strftime('%H:%M:%S')} {number:>4} seed {result.seed}: {', '.join(result.faults)}: "
        f"{result.rows} rows, {result.duplicates} repeated, {result.epochs} epochs, "
        f"{result.whole_s:.1f} s, {verdict}",
        highlight=False,
        soft_wrap=True,
    )
    for problem in result.problems:
        console.print(f"     {problem}", markup=False, highlight=False, soft_wrap=True)


def _summarise(results: Sequence[Result]) -> int:
    """Print the table; return 1 when a round went wrong."""
    by_fault: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        for fault in result.faults:
            by_fault[fault].append(result)
    table = Table("fault", "rounds", "whole", "seconds until whole: median", "longest")
    for fault, own in sorted(by_fault.items()):
        _row(table, fault, own)
    _row(table, "all", results)
    console.print(table)
    number = Counter(len(result.faults) for result in results)
    console.print(
        f"{sum(result.rows for result in results)} measurements, "
        f"{sum(result.duplicates for result in results)} that came again, "
        f"faults per round {dict(sorted(number.items()))}"
    )
    return 1 if any(result.problems for result in results) else 0


def _row(table: Table, name: str, results: Sequence[Result]) -> None:
    times = sorted(result.whole_s for result in results if not result.problems) or [0.0]
    whole = sum(not result.problems for result in results)
    table.add_row(
        name, str(len(results)), str(whole), f"{times[len(times) // 2]:.1f}", f"{times[-1]:.1f}"
    )
