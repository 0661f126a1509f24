"""Counters and machines that show everything that can be shown, against what was true.

`python -m bench hell [--days 30] [--counters 100] [--machines 40]`.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from tests.plants import hell, hell_machine

_KINDS = ((None, False), (2.0**32, False), (65536.0, False), (65536.0, True))


def main(arguments: Sequence[str] = ()) -> None:
    """Judge many; raise SystemExit when an hour or a shift disagrees and does not say so."""
    parser = argparse.ArgumentParser(prog="bench hell")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--counters", type=int, default=100)
    parser.add_argument("--machines", type=int, default=40)
    asked = parser.parse_args(list(arguments))
    wrong = counters(asked.days, asked.counters) + machines(asked.days, asked.machines)
    if wrong:
        raise SystemExit(1)


def counters(days: int, number: int) -> int:
    """Print how the counts of each hour agree; return how many disagree and do not say so."""
    verdicts: list[hell.Verdict] = []
    for seed in range(number):
        modulus, signed = _KINDS[seed % len(_KINDS)]
        rng = np.random.default_rng(seed)
        verdicts.append(hell.judge(hell.course(days, rng, modulus, signed=signed)))
    hours = sum(one.hours for one in verdicts)
    exact = sum(one.exact for one in verdicts)
    marked = sum(one.marked for one in verdicts)
    unmarked = sum(len(one.unmarked) for one in verdicts)
    above = sum(one.above for one in verdicts)
    print(
        f"{number} counters, {hours} hours: {exact} exact, {marked} marked,"
        f" {unmarked} unmarked disagreements, {above} above what was made and its doubt"
    )
    return unmarked + above


def machines(days: int, number: int) -> int:
    """Print how the figures of each shift agree; return how many disagree and do not say so."""
    outcomes: list[hell_machine.Outcome] = []
    for seed in range(number):
        modulus, signed = _KINDS[seed % len(_KINDS)]
        outcomes.append(hell_machine.run(days, seed, modulus, signed=signed))
        for said in outcomes[-1].unmarked:
            print(f"  machine {seed}, {said}")
    unmarked = sum(len(one.unmarked) for one in outcomes)
    above = sum(one.above for one in outcomes)
    print(
        f"{number} machines, {sum(one.shifts for one in outcomes)} shifts:"
        f" {sum(one.exact for one in outcomes)} exact in times, parts, energy, OEE,"
        f" {sum(one.marked for one in outcomes)} marked, {unmarked} unmarked disagreements,"
        f" {above} with an OEE above the truth and its doubt"
    )
    return unmarked + above
