"""A round: some letters, an error of the database's own for one of them, and the reckoning."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from tests.hostile import native_letters, other_letters
from tests.hostile.injection import Injection
from tests.hostile.letter import ODD_EDGE, Author, Letter, numbered_from
from tests.hostile.reckoning import find, witness_problems
from tests.hostile.rig import HostileRig

LIGHT = (*native_letters.LIGHT, *other_letters.LIGHT)
HEAVY = native_letters.HEAVY
WRITTEN = (
    "delivery_lag",
    "delivery_ledger",
    "dirty_window",
    "edge_status",
    "measurement",
    "rejection",
    "tag",
    "text_measurement",
    *other_letters.TABLE_OF,
)
"""The tables that messages write."""
LATE_S = 2.0
"""The witness's answer is to come sooner, on a machine that has time."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one round."""

    seed: int
    table: str
    state: str
    fired: int
    """How often the injected error was raised."""
    kinds: tuple[str, ...]
    letters: int
    bytes_: int
    seconds: float
    witness: tuple[float, ...]
    """Seconds from each of the witness's messages of the round to its ack."""
    memory_mb: int
    """Most that the ingest has used since its start."""
    problems: tuple[str, ...]


def authors(rounds: int, seed: int, scale: float) -> Iterator[Author]:
    """Return an author per round; each may be made alone."""
    for k in range(seed, seed + rounds):
        yield Author(np.random.default_rng(k), numbered_from(k % 500 * 100_000), f"r{k}", scale)


def run_round(
    rig: HostileRig,
    seed: int,
    injection: Injection,
    author: Author,
    within_s: float,
    kinds: Sequence[str] = (),
) -> Result:
    """Send the letters of one round, of all kinds or some; tell what is not as it should be.

    What is neither stored nor kept after `within_s` seconds is lost.
    """
    since = datetime.now(UTC) - timedelta(milliseconds=1)
    begin, answered, fired = time.monotonic(), rig.witness.answers, rig.triggers.fired()
    letters, marker = _letters(author, injection, kinds)
    columns = rig.odd_columns(injection.table)
    rig.triggers.arm(injection, str(marker), columns)
    problems: list[str] = []
    try:
        rig.say(letters)
        problems += _awaited(lambda: _lost(rig, letters, since), within_s)
        rig.triggers.disarm()
        problems += rig.still_runs()
        problems += _awaited(rig.imbalance, within_s)
        sent_to = rig.witness.sent_to
        problems += _awaited(lambda: _unanswered(rig, sent_to), within_s)
        problems += witness_problems(rig.connection, sent_to)
        problems += find(rig.connection, since, rig.kept_file).strange(letters)
        if problems:
            problems.append(rig.log())
    finally:
        rig.triggers.disarm()
        rig.revive()
    return Result(
        seed=seed,
        table=injection.table,
        state=injection.state,
        fired=rig.triggers.fired() - fired,
        kinds=tuple(dict.fromkeys(letter.kind for letter in letters)),
        letters=len(letters),
        bytes_=sum(len(letter.payload) for letter in letters),
        seconds=time.monotonic() - begin,
        witness=tuple(rig.witness.delays(answered)),
        memory_mb=rig.memory_mb(),
        problems=tuple(problems[:6] + problems[6:][-1:]),
    )


def _letters(
    author: Author, injection: Injection, kinds: Sequence[str]
) -> tuple[list[Letter], int]:
    """Return the letters of a round in the order of sending, and the odd one's number."""
    makings = [author.one_of(LIGHT) for _ in range(2)]
    if not author.below(4):
        makings.append(author.one_of(HEAVY))
    if kinds:
        makings = [author.one_of([one for one in LIGHT + HEAVY if one.__name__ in kinds])]
    letters = [letter for making in makings for letter in making(author)]
    marker = author.number()
    kind = other_letters.TABLE_OF.get(injection.table)
    if kind is not None:
        odd: Sequence[Letter] = other_letters.odd_document(author, kind, marker)
    else:
        odd = native_letters.odd_one(author, ODD_EDGE, marker)
        if not author.below(5):
            odd += native_letters.odd_flood(author, ODD_EDGE, marker)
    at = author.below(len(letters) + 1)
    return [*letters[:at], *odd, *letters[at:]], marker


def _lost(rig: HostileRig, letters: Sequence[Letter], since: datetime) -> list[str]:
    return find(rig.connection, since, rig.kept_file).lacks(letters)


def _unanswered(rig: HostileRig, sent_to: int) -> list[str]:
    if rig.witness.is_answered_to(sent_to):
        return []
    return [f"the witness waits for {max(rig.witness.delays()):.1f} s"]


def _awaited(problems: Callable[[], list[Any]], within_s: float) -> list[Any]:
    """Return what is still a problem at the end of the time."""
    deadline = time.monotonic() + within_s
    while (found := problems()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
