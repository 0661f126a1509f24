"""What a machine held and when, and what came of it on the other side."""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from plant.clock import microseconds, system_clock
from plant.measurement import Quality
from plant.native.message import DataBatch
from tests.integration.edge.platform import FakePlatform

SLACK_US = 1_500_000
"""Between an answer and its stamp: a line that is slow on purpose, two cores for everything."""


class Keeps(Enum):
    """What a machine can still give of what it held while nobody could read it."""

    ALL = "everything, each value with its time"
    TIMES = "nothing, but each value with its time"
    PRESENT = "nothing, and no times"


@dataclass(slots=True)
class Witness:
    """What a server itself noted that it showed of one tag."""

    values: set[float] = field(default_factory=set)
    """What its own sampling saw, or what it answered with."""
    asked: list[int] = field(default_factory=list)
    """When it answered a request for the tag, in order; nothing of servers that sample."""
    watched: list[tuple[int, int]] = field(default_factory=list)
    """When a client had it sample the tag; nothing of servers that are asked."""

    def passed_over(self, start_us: int, end_us: int, value: float) -> bool:
        """Return whether the server sampled for a client all the time and saw only other values.

        No client of it could have had such a value. One that nobody had it sample is another
        matter, and so is one that a client did not ask for.
        """
        watched = any(since <= start_us and end_us <= until for since, until in self.watched)
        return watched and value not in self.values

    def words(self, start_us: int, end_us: int, value: float) -> str:
        """Return what the server says of a value that did not come."""
        if value in self.values:
            return "the server gave it"
        if not self.asked:
            return "nobody had the server sample it"
        before = self.asked[max(0, bisect_left(self.asked, start_us) - 1)]
        after = self.asked[min(len(self.asked) - 1, bisect_left(self.asked, end_us))]
        return f"the server was not asked for {(after - before) / 1e6:.2f} s"


@dataclass(slots=True)
class Truth:
    """Values count up, so each is held once; windows are those in which nothing is promised."""

    keeps: Keeps
    times: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    """By tag: source time to value, for machines that give times."""
    since: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    """By tag: from when on a value was held, in order."""
    windows: list[tuple[int, int]] = field(default_factory=list)
    lost_windows: list[tuple[int, int]] = field(default_factory=list)
    """Of machines that keep all: in which they themselves lost what they had."""

    def note(self, tag: str, value: float, time_us: int) -> None:
        """Take note of a value that the machine holds from now on."""
        self.times[tag][time_us] = value
        self.since[tag].append((time_us, value))

    def held(self, tag: str, value: float, time_us: int) -> bool:
        """Return whether the machine held a value at a time."""
        if self.keeps is not Keeps.PRESENT:
            return self.times[tag].get(time_us) == value
        held = self.since[tag]
        place = bisect_left(held, value, key=lambda one: one[1])
        if place == len(held) or held[place][1] != value:
            return False
        until = held[place + 1][0] if place + 1 < len(held) else 2**62
        return held[place][0] - SLACK_US <= time_us <= until + SLACK_US

    def excused(self, time_us: int) -> bool:
        """Return whether a value of that time need not have come."""
        windows = self.lost_windows if self.keeps is Keeps.ALL else self.windows
        return any(start <= time_us <= end for start, end in windows)


class Recorder(FakePlatform):
    """A platform that knows at once what is the newest of each tag, and by when it came."""

    def __init__(self, port: int) -> None:
        self.newest: dict[str, float] = defaultdict(lambda: -1.0)
        self.came = threading.Condition()
        super().__init__(port)

    def _take(self, batch: DataBatch) -> None:
        super()._take(batch)
        with self.came:
            for tag, value in zip(batch.tag, batch.value, strict=True):
                if isinstance(value, int | float):
                    name = batch.tags[tag]
                    self.newest[name] = max(self.newest[name], float(value))
            self.came.notify_all()

    def await_value(self, tag: str, value: float, patience_s: float) -> bool:
        """Wait until a tag has that value or a later one."""
        with self.came:
            return self.came.wait_for(lambda: self.newest[tag] >= value, patience_s)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was delivered against what was held."""

    written: int
    delivered: int
    wrong: tuple[str, ...]
    """Delivered and never held."""
    twice: int
    missing: tuple[str, ...]
    """Held when it had to be read, and never delivered."""
    excused: int
    """Held while the machine could not be read and kept nothing, and never delivered."""
    passed_over: int
    """Never seen by the server's own sampling, so that it had none of them to give."""


def judge(
    truth: Truth, platform: Recorder, until_us: int, witnesses: Mapping[str, Witness]
) -> Verdict:
    """Compare all rows with the truth up to a moment; `witnesses` by tag, of servers that have."""
    seen: set[tuple[str, int, float]] = set()
    came: dict[str, set[float]] = defaultdict(set)
    wrong: list[str] = []
    twice = delivered = 0
    for tag, time_us, value, quality in platform.rows:
        if quality == Quality.BAD.value or not isinstance(value, int | float):
            continue
        number = float(value)
        if not number:
            # What a machine shows before it was ever written to, after a restart too.
            continue
        delivered += 1
        key = tag, time_us, number
        twice += key in seen
        seen.add(key)
        came[tag].add(number)
        if not truth.held(tag, number, time_us):
            wrong.append(f"{tag} {number:g} at {time_us}")
    missing: list[str] = []
    excused = passed_over = written = 0
    for tag, held in truth.since.items():
        for place, (time_us, value) in enumerate(held):
            until = held[place + 1][0] if place + 1 < len(held) else 2**62
            if until > until_us:
                continue
            written += 1
            if value in came[tag]:
                continue
            if truth.excused(time_us) or truth.excused(until):
                excused += 1
                continue
            witness = witnesses.get(tag)
            if witness is not None and witness.passed_over(time_us, until, value):
                passed_over += 1
            else:
                said = f": {witness.words(time_us, until, value)}" if witness else ""
                missing.append(f"{tag} {value:g} at {time_us}{said}")
    return Verdict(written, delivered, tuple(wrong), twice, tuple(missing), excused, passed_over)


def now_us() -> int:
    """Return the present in microseconds, as the edge's clock has it."""
    return microseconds(system_clock())
