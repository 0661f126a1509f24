"""Counters that show everything a counter can show, against what was made.

`python -m bench hell [--days 30] [--counters 100]`.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from tests.plants.hell import Verdict, course, judge

_KINDS = ((None, False), (2.0**32, False), (65536.0, False), (65536.0, True))


def main(arguments: Sequence[str] = ()) -> None:
    """Judge many counters; raise SystemExit when an hour disagrees and does not say so."""
    parser = argparse.ArgumentParser(prog="bench hell")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--counters", type=int, default=100)
    asked = parser.parse_args(list(arguments))
    verdicts: list[Verdict] = []
    for seed in range(asked.counters):
        modulus, signed = _KINDS[seed % len(_KINDS)]
        verdicts.append(
            judge(course(asked.days, np.random.default_rng(seed), modulus, signed=signed))
        )
    hours = sum(one.hours for one in verdicts)
    exact = sum(one.exact for one in verdicts)
    marked = sum(one.marked for one in verdicts)
    unmarked = sum(len(one.unmarked) for one in verdicts)
    above = sum(one.above for one in verdicts)
    print(
        f"{asked.counters} counters, {hours} hours: {exact} exact, {marked} marked,"
        f" {unmarked} unmarked disagreements, {above} above what was made and its doubt"
    )
    if unmarked or above:
        raise SystemExit(1)
