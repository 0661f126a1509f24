"""Faults in which all seems to be there: processes that stand still, sessions that are deaf."""

from collections.abc import Callable

import numpy as np

from tests.faults.fault import Fault, Make, Step, Steps, window
from tests.faults.rounds import Round


def _frozen(part: Callable[[Round], list[int]]) -> Make:
    def make(random: np.random.Generator) -> Steps:
        # Some longer than half as much again as the keep-alive: the broker gives them up.
        begin, end = window(random, 0.3, 9.0)
        return [
            Step(begin, lambda round_: round_.rig.freeze(part(round_))),
            Step(end, lambda round_: round_.rig.thaw()),
        ]

    return make


def _of_ingest(round_: Round) -> list[int]:
    return round_.rig.ingest_pids()


def _of_broker(round_: Round) -> list[int]:
    process = round_.rig.broker.process
    return [process.pid] if process else []


def _of_database(round_: Round) -> list[int]:
    return round_.rig.server.family()


def _deaf(random: np.random.Generator) -> Steps:
    begin, _ = window(random, 0.0, 0.1)
    # It is for the ingest to notice that this connection brings nothing any more.
    return [Step(begin, lambda round_: round_.rig.ingest_line.deafen())]


STANDSTILLS = (
    Fault("edge frozen", "edge", _frozen(lambda round_: round_.edge_pids())),
    Fault("broker frozen", "broker", _frozen(_of_broker)),
    Fault("ingest frozen", "ingest", _frozen(_of_ingest)),
    Fault("database frozen", "database", _frozen(_of_database)),
    Fault("ingest deaf", "ingest line", _deaf, needs_plain_lines=True),
)
