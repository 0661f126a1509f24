"""The faults: what is killed, cut off, filled up and doubled here; the list of all."""

from collections.abc import Callable, Sequence

import numpy as np

from tests.faults.fault import EARLIEST_S, LATEST_S, Fault, Make, Step, Steps, window
from tests.faults.past import PASTS
from tests.faults.proxy import Line, Proxy
from tests.faults.rig import Rig
from tests.faults.rounds import Round
from tests.faults.standstill import STANDSTILLS


def _edge_killed(random: np.random.Generator) -> Steps:
    begin, end = window(random, 0.0, 1.0)
    return [Step(begin, lambda round_: round_.kill_edge()), Step(end, lambda r: r.start_edge())]


def _broker_killed(random: np.random.Generator) -> Steps:
    begin, end = window(random, 0.0, 1.5)
    return [
        Step(begin, lambda round_: round_.rig.broker.kill()),
        Step(end, lambda round_: round_.rig.broker.start()),
    ]


def _broker_wiped(random: np.random.Generator) -> Steps:
    begin, end = window(random, 0.0, 1.5)

    def wipe(round_: Round) -> None:
        round_.rig.broker.kill()
        round_.rig.broker.wipe()

    return [Step(begin, wipe), Step(end, lambda round_: round_.rig.broker.start())]


def _ingest_killed(random: np.random.Generator) -> Steps:
    begin, end = window(random, 0.0, 1.5)
    return [
        Step(begin, lambda round_: round_.rig.kill_ingest()),
        Step(end, lambda round_: round_.rig.start_ingest()),
    ]


def _database_killed(random: np.random.Generator) -> Steps:
    begin, end = window(random, 0.0, 1.5)
    return [
        Step(begin, lambda round_: round_.rig.server.kill()),
        Step(end, lambda round_: round_.rig.server.revive()),
    ]


def _line(which: Callable[[Round], Proxy], line: Line) -> Make:
    def make(random: np.random.Generator) -> Steps:
        begin, end = window(random, 0.3, 2.0)
        # The database's end finds out by TCP alone, which sees nothing of a proxy's silence.
        breaking = line is not Line.SILENT or bool(random.random() < 0.5)

        def mend(round_: Round) -> None:
            proxy = which(round_)
            proxy.mend(breaking=breaking or proxy is round_.rig.database_line)

        return [Step(begin, lambda round_: which(round_).become(line)), Step(end, mend)]

    return make


def _edge_disk_full(random: np.random.Generator) -> Steps:
    begin, end = window(random, 0.3, 2.0)
    return [
        Step(begin, lambda round_: round_.edge_disk.fill()),
        Step(end, lambda round_: round_.edge_disk.empty()),
    ]


def _database_disk_full(random: np.random.Generator) -> Steps:
    begin, end = window(random, 0.5, 2.0)

    def empty(round_: Round) -> None:
        round_.database_disk.empty()
        round_.rig.server.revive()

    return [Step(begin, lambda round_: round_.database_disk.fill()), Step(end, empty)]


def _messages_again(random: np.random.Generator) -> Steps:
    moments = sorted(random.uniform(EARLIEST_S, LATEST_S + 1, 3))
    return [Step(float(moment), lambda round_: round_.say_again()) for moment in moments]


def _two_ingests(*, same_name: bool) -> Make:
    def make(random: np.random.Generator) -> Steps:
        begin, end = window(random, 2.0, 3.0)
        instance = "1" if same_name else "2"
        return [
            Step(max(0.0, begin - 1.0), lambda round_: round_.rig.start_ingest("2", instance)),
            Step(end, lambda round_: round_.rig.kill_ingest("2")),
        ]

    return make


def possible(rig: Rig, faults: Sequence[Fault]) -> list[Fault]:
    """Return those faults that can happen in a rig."""
    return [
        fault
        for fault in faults
        if not (fault.needs_disk and rig.no_disk) and not (fault.needs_plain_lines and rig.tls)
    ]


FAULTS: Sequence[Fault] = (
    Fault("edge killed", "edge", _edge_killed),
    Fault("broker killed", "broker", _broker_killed),
    Fault("broker wiped", "broker", _broker_wiped),
    Fault("ingest killed", "ingest", _ingest_killed),
    Fault("database killed", "database", _database_killed),
    *(
        Fault(f"{part} {name}", part, _line(which, line))
        for part, which in (
            ("edge line", lambda round_: round_.rig.edge_line),
            ("ingest line", lambda round_: round_.rig.ingest_line),
            ("database line", lambda round_: round_.rig.database_line),
        )
        for name, line in (("cut", Line.CUT), ("half-open", Line.SILENT), ("slow", Line.SLOW))
    ),
    Fault("edge disk full", "edge", _edge_disk_full, needs_disk=True),
    Fault("database disk full", "database", _database_disk_full, needs_disk=True),
    Fault("messages again", "messages", _messages_again),
    Fault("two ingests", "ingest", _two_ingests(same_name=False)),
    Fault("two ingests of one name", "ingest", _two_ingests(same_name=True)),
    *STANDSTILLS,
    *PASTS,
)
