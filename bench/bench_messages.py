"""Whether one odd message can stop, mislead or lose anything: hostile messages over many rounds.

Each round sends messages of two or three kinds through broker, ingest and database, and one odd
one whose row a trigger refuses with a SQLSTATE; every table is tried with every class. An honest
edge of another enterprise goes on meanwhile: how long it waits for its acks is told.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.hostile.injection import plan, states
from tests.hostile.rig import HostileRig
from tests.hostile.rounds import HEAVY, LATE_S, LIGHT, WRITTEN, Result, authors, run_round
from tests.peers.services import ServiceAbsentError

console = Console()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench messages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="the first round's; each next adds 1")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the largest messages")
    parser.add_argument("--within", type=float, default=60.0, help="seconds until it is lost")
    kinds = ", ".join(making.__name__ for making in LIGHT + HEAVY)
    parser.add_argument("--kinds", nargs="+", default=(), help=f"only some of {kinds}")
    parser.add_argument("--tables", nargs="+", default=(), help="only errors in these")
    parser.add_argument("--log", type=Path, help="a file to add one line of JSON per round to")
    parser.add_argument("--read", type=Path, nargs="+", help="only summarise such files")
    options = parser.parse_args(arguments)
    if options.read:
        return summarise([result for log in options.read for result in _read(log)])
    results: list[Result] = []
    try:
        with HostileRig() as rig:
            others = [name for name in rig.triggers.tables if name not in WRITTEN]
            # They go on with the seed, so that runs side by side do not try the same. What no
            # message reaches comes last.
            pairs = plan(options.tables or WRITTEN, 0) + plan(options.tables or others, 0)
            for k, author in enumerate(authors(options.rounds, options.seed, options.scale)):
                if not k:
                    rig.introduce(author)
                seed = options.seed + k
                pair = pairs[seed % len(pairs)]
                result = run_round(rig, seed, pair, author, options.within, options.kinds)
                results.append(result)
                _tell(k + 1, result)
                if options.log:
                    with options.log.open("a", encoding="utf-8") as log:
                        log.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
    except ServiceAbsentError as reason:
        console.print(str(reason))
        return 2
    return summarise(results)


def _read(log: Path) -> Iterator[Result]:
    lists = ("kinds", "witness", "problems")
    for line in log.read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        yield Result(**said | {name: tuple(said[name]) for name in lists})


def _tell(number: int, result: Result) -> None:
    verdict = "WRONG" if result.problems else "whole"
    console.print(
        f"{time.strftime('%H:%M:%S')} {number:>4} seed {result.seed}: {result.table} {result.state}"
        f" ({result.fired}×), {', '.join(result.kinds)}: {result.letters} messages,"
        f" {result.bytes_ / 1e6:.1f} MB, {result.seconds:.1f} s, witness"
        f" {max(result.witness, default=0):.2f} s, {result.memory_mb} MB, {verdict}",
        highlight=False,
        soft_wrap=True,
    )
    for problem in result.problems:
        console.print(f"     {problem}", markup=False, highlight=False, soft_wrap=True)


def _by_kind(results: Sequence[Result]) -> Table:
    by_kind: dict[str, list[Result]] = {}
    for result in results:
        for kind in result.kinds:
            by_kind.setdefault(kind, []).append(result)
    table = Table("kind of messages", "rounds", "whole", "the witness's latest ack, s")
    for kind, own in sorted(by_kind.items()):
        latest = max(max(result.witness, default=0) for result in own)
        whole = sum(not result.problems for result in own)
        table.add_row(kind, str(len(own)), str(whole), f"{latest:.2f}")
    return table


def _late(result: Result) -> str:
    return (
        f"seed {result.seed}: an ack after {max(result.witness):.2f} s, {result.table}"
        f" {result.state}, {', '.join(result.kinds)}"
    )


def summarise(results: Sequence[Result]) -> int:
    """Print what came of the rounds; return 1 when one went wrong."""
    wrong = [result for result in results if result.problems]
    raised = [result for result in results if result.fired]
    classes = {result.state[:2] for result in raised}
    by_table: dict[str, list[Result]] = {}
    for result in raised:
        by_table.setdefault(result.table, []).append(result)
    table = Table("table", "rounds with an error raised", "SQLSTATE classes", "whole")
    for name, own in sorted(by_table.items()):
        whole = sum(not result.problems for result in own)
        table.add_row(name, str(len(own)), str(len({one.state[:2] for one in own})), str(whole))
    console.print(table)
    console.print(_by_kind(results))
    delays = np.array([delay for result in results for delay in result.witness] or [0.0])
    p50, p90, p99, p999 = np.quantile(delays, [0.5, 0.9, 0.99, 0.999])
    times = np.array([result.seconds for result in results] or [0.0])
    sent_mb = sum(result.bytes_ for result in results) / 1e6
    most_mb = max((result.memory_mb for result in results), default=0)
    said = (
        f"{len(results)} rounds, {len(results) - len(wrong)} whole, {len(wrong)} wrong;"
        f" half of them within {np.median(times):.1f} s, the longest in {times.max():.1f} s;"
        f" {sum(one.letters for one in results)} messages, {sent_mb:.0f} MB",
        f"an error raised in {len(raised)} rounds, {len(classes)} of {len(states())} classes",
        f"the witness's acks: {len(delays)}, p50 {p50:.3f}, p90 {p90:.3f}, p99 {p99:.3f},"
        f" p99.9 {p999:.3f}, latest {delays.max():.2f} s,"
        f" {int((delays > LATE_S).sum())} after {LATE_S:g} s",
        f"the ingest's memory: at most {most_mb} MB",
        *(_late(result) for result in results if max(result.witness, default=0) > LATE_S),
    )
    for line in said:
        console.print(line, highlight=False, soft_wrap=True)
    return 1 if wrong else 0
