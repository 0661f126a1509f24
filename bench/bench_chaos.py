"""What the sources of an edge do to it: killed, frozen, set up otherwise, late, silent, forgetful.

For each driver a server of another stack, in a process of its own, is written to all the time while
faults befall it at random moments. The real `nhipmay edge` reads it; what arrives on the other side
of a real mosquitto is compared with what the server held. Measured as well: how soon a live value
comes after each recovery, how soon one comes just before each fault, which is what the machine that
all runs on takes for it, and the agent's memory.
"""

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.chaos.machines import MACHINES, TAGS, Machine, tag_name
from bench.chaos.truth import Keeps, Recorder, Verdict, judge, now_us
from bench.edge_process import Memory
from tests.faults.proxy import Line, Proxy
from tests.integration.edge.agents import AgentProcess, settings_file
from tests.peers.services import BrokerFactory, ServiceAbsentError

console = Console(width=170)
_PATIENCE_S = 120.0
_LIVE_S = 5.0
_WARM_S = 20.0
_LOOK_S = 0.005
_BEFORE_US = 1_000_000
"""What was asked for just before a fault may go with it."""


@dataclass(slots=True)
class Result:
    """What came of one driver."""

    driver: str
    minutes: float
    seed: int
    faults: list[tuple[str, float, float | None]] = field(default_factory=list)
    """Each with its length and the seconds until a live value came; None for never."""
    calm_s: list[float] = field(default_factory=list)
    """Seconds until a live value came while nothing was wrong, before each fault."""
    load: list[float] = field(default_factory=list)
    """Load of the machine at each fault: processes that want to run."""
    memory_mb: list[float] = field(default_factory=list)
    verdict: Verdict | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def latencies(self) -> list[float]:
        """Seconds until live values came, by fault."""
        return [_PATIENCE_S if live is None else live for _, _, live in self.faults]


class Chaos:
    """One machine, and what befalls it."""

    def __init__(
        self, machine: Machine, proxy: Proxy, platform: Recorder, rng: np.random.Generator
    ) -> None:
        self._machine = machine
        self._proxy = proxy
        self._platform = platform
        self._rng = rng
        self._lock = threading.Lock()
        self._ended = threading.Event()
        # Present values are not to be skipped between two readings, on a busy machine either.
        self._pause_s = 0.5 if machine.keeps is Keeps.PRESENT else 0.25
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._faults: dict[str, Callable[[float], str]] = {
            "killed": self._killed,
            "other limits": self._limited,
            "late": lambda s: self._line(Line.SLOW, s),
            "silent": lambda s: self._line(Line.SILENT, s),
            "cut": lambda s: self._line(Line.CUT, s),
        }
        if machine.can_freeze:
            self._faults["frozen"] = self._frozen
        if machine.can_lose:
            self._faults["lost subscriptions"] = self._lost

    def begin(self) -> float | None:
        """Begin to write; return how soon the first value came."""
        with self._lock:
            self._machine.start()
        self._thread.start()
        live = self._live()
        # An agent that begins has no history to ask for.
        self._machine.truth.windows.append((0, now_us()))
        self._machine.truth.lost_windows.append((0, now_us()))
        return live

    def end(self) -> None:
        """Write no more."""
        self._ended.set()
        self._thread.join()

    def calm(self) -> float:
        """Return how soon the next value comes while nothing is wrong."""
        wanted = self._machine.step + 1
        while self._machine.step < wanted:
            time.sleep(_LOOK_S)
        live = self._came(wanted)
        return _PATIENCE_S if live is None else live

    def strike(self) -> tuple[str, float, float | None]:
        """Have one fault happen and pass."""
        name = str(self._rng.choice(sorted(self._faults)))
        length_s = float(self._rng.uniform(0.5, 8))
        started_us = now_us()
        more = self._faults[name](length_s)
        live = self._live()
        self._machine.truth.windows.append((started_us - _BEFORE_US, now_us()))
        return f"{name}{more}", length_s, live

    def _live(self) -> float | None:
        with self._lock:
            self._machine.write()
            wanted = self._machine.step
        return self._came(wanted)

    def _came(self, wanted: float) -> float | None:
        """Return the seconds until all tags have a value or a later one; None for never."""
        started = time.monotonic()
        for tag in TAGS:
            left = _PATIENCE_S - (time.monotonic() - started)
            if not self._platform.await_value(tag_name(tag), wanted, left):
                return None
        return time.monotonic() - started

    def _write(self) -> None:
        while not self._ended.wait(self._pause_s):
            with self._lock:
                self._machine.write()

    def _killed(self, length_s: float) -> str:
        with self._lock:
            self._machine.kill()
        time.sleep(length_s)
        with self._lock:
            self._machine.start()
        return ""

    def _limited(self, length_s: float) -> str:
        words = self._machine.limit(self._rng)
        self._killed(length_s / 4)
        return f" ({words})"

    def _frozen(self, length_s: float) -> str:
        with self._lock:
            self._machine.freeze(frozen=True)
        time.sleep(length_s)
        with self._lock:
            self._machine.freeze(frozen=False)
        return ""

    def _lost(self, _length_s: float) -> str:
        with self._lock:
            self._machine.lose()
        return ""

    def _line(self, line: Line, length_s: float) -> str:
        self._proxy.become(line)
        time.sleep(length_s)
        if line is Line.SLOW:
            self._proxy.become(Line.WHOLE)
        else:
            self._proxy.mend(breaking=True)
        return ""


@contextmanager
def _watched(pid: int, memory: list[float]) -> Iterator[None]:
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(2):
            memory.append(Memory.of(pid).rss)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def run(driver: str, minutes: float, seed: int) -> Result:
    """Let one driver live through the time."""
    result = Result(driver, minutes, seed)
    rng = np.random.default_rng(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        factory = BrokerFactory()
        stack.callback(factory.remove_all)
        broker = factory()
        platform = stack.enter_context(closing(Recorder(broker.port)))
        machine = stack.enter_context(closing(MACHINES[driver]()))
        proxy = stack.enter_context(Proxy(machine.port))
        chaos = Chaos(machine, proxy, platform, rng)
        source = {"source": machine.source(proxy.port)}
        agent = AgentProcess(settings_file(folder, broker.port, source, log={"level": "error"}))
        stack.callback(agent.terminate)
        first = chaos.begin()
        console.print(f"{driver}: first values after {first} s", highlight=False)
        with _watched(agent.pid, result.memory_mb):
            until = time.monotonic() + minutes * 60
            while time.monotonic() < until:
                time.sleep(float(rng.uniform(3, 8)))
                result.calm_s.append(chaos.calm())
                result.load.append(os.getloadavg()[0])
                result.faults.append(chaos.strike())
                name, length_s, live = result.faults[-1]
                told = "NO LIVE VALUE" if live is None else f"live after {live:.2f} s"
                console.print(f"{driver}: {name}, {length_s:.1f} s: {told}", highlight=False)
        time.sleep(2)
        chaos.end()
        last_us = now_us()
        # History, and what devices and brokers keep, come behind the live values.
        time.sleep(_WARM_S if machine.keeps is Keeps.ALL else 3)
        result.verdict = judge(machine.truth, platform, last_us - 1_000_000, machine.witnesses())
    _judge(result)
    return result


def _judge(result: Result) -> None:
    verdict = result.verdict
    assert verdict is not None
    result.problems += [f"never held: {one}" for one in verdict.wrong[:10]]
    result.problems += [f"missing: {one}" for one in verdict.missing[:10]]
    if verdict.twice:
        result.problems.append(f"{verdict.twice} rows twice")
    result.problems += [
        f"{name}: live after {'never' if live is None else f'{live:.1f} s'}"
        for name, _, live in result.faults
        if live is None or live > _LIVE_S
    ]


def main(arguments: Sequence[str]) -> int:
    """Run the drivers one after the other; return 1 when one went wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench chaos", description=__doc__)
    parser.add_argument("--driver", nargs="+", choices=MACHINES, default=list(MACHINES))
    parser.add_argument("--minutes", type=float, default=2, help="of each driver")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file to add one line of JSON per driver to")
    given = parser.parse_args(arguments)
    results = []
    for driver in given.driver:
        try:
            results.append(run(driver, given.minutes, given.seed))
        except ServiceAbsentError as reason:
            console.print(str(reason))
            return 2
        if given.json:
            with given.json.open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(results[-1]), ensure_ascii=False) + "\n")
    console.print(_table(results))
    for result in results:
        for problem in result.problems:
            console.print(f"{result.driver}: {problem}", markup=False, highlight=False)
    return 1 if any(result.problems for result in results) else 0


def _table(results: Sequence[Result]) -> Table:
    titles = ("driver", "faults", "held", "delivered", "wrong", "twice", "missing", "excused",
              "passed over", "live: median", "longest", "calm: median", "longest", "load",
              "memory: early", "late")  # fmt: skip
    table = Table(*titles, title="What sources do to an edge")
    for one in results:
        verdict = one.verdict
        assert verdict is not None
        times = sorted(one.latencies) or [0.0]
        third = max(1, len(one.memory_mb) // 3)
        early, late = one.memory_mb[: 2 * third][third // 2 :], one.memory_mb[-third:]
        table.add_row(
            one.driver,
            str(len(one.faults)),
            f"{verdict.written:,}",
            f"{verdict.delivered:,}",
            str(len(verdict.wrong)),
            str(verdict.twice),
            str(len(verdict.missing)),
            f"{verdict.excused:,}",
            f"{verdict.passed_over:,}",
            f"{statistics.median(times):.2f} s",
            f"{times[-1]:.2f} s",
            f"{statistics.median(one.calm_s or [0]):.2f} s",
            f"{max(one.calm_s, default=0):.2f} s",
            f"{statistics.median(one.load or [0]):.0f}",
            f"{statistics.median(early or [0]):.1f} MB",
            f"{statistics.median(late or [0]):.1f} MB",
        )
    return table
