"""Faults of memory and time: parts that are as they were before, damaged, or years away."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

from tests.faults.fault import EARLIEST_S, LATEST_S, Fault, Step, Steps, window
from tests.faults.rounds import Round
from tests.faults.truth import SOURCES

_HOUR_S = 3600.0
_YEAR_S = 365.25 * 86_400


def _clock(random: np.random.Generator, step_s: float) -> Steps:
    begin, end = window(random, 0.5, 2.0)
    step_s *= 1 if random.random() < 0.5 else -1
    return [
        Step(begin, lambda round_: round_.step_clock(step_s)),
        Step(end, lambda round_: round_.step_clock(0)),
    ]


def _clock_stepped(random: np.random.Generator) -> Steps:
    return _clock(random, _HOUR_S)


def _clock_years_off(random: np.random.Generator) -> Steps:
    return _clock(random, random.uniform(1, 30) * _YEAR_S)


def _edge_restored(random: np.random.Generator) -> Steps:
    taken = random.uniform(EARLIEST_S, LATEST_S - 2)
    restored = taken + random.uniform(0.5, 2.0)

    def take_image(round_: Round) -> None:
        round_.kill_edge()
        folder = round_.outbox_folder
        shutil.copytree(folder, folder.with_suffix(".image"), dirs_exist_ok=True)
        round_.start_edge()

    def put_image_back(round_: Round) -> None:
        # An image is old only when something was sent since.
        round_.await_news()
        round_.kill_edge()
        folder = round_.outbox_folder
        shutil.rmtree(folder)
        folder.with_suffix(".image").rename(folder)
        round_.restored = True
        round_.start_edge()

    return [
        Step(taken, take_image),
        Step(restored, put_image_back),
        # What was on its way when the image was put back comes after all.
        Step(restored + 1.0, lambda round_: round_.say_again()),
    ]


def _outbox_damaged(random: np.random.Generator) -> Steps:
    begin, end = window(random, 0.0, 0.5)
    seed = int(random.integers(2**32))

    def damage(round_: Round) -> None:
        round_.kill_edge()
        round_.damaged = True
        damage_at_random(round_.rig.outbox(round_.edge), seed)

    return [Step(begin, damage), Step(end, lambda round_: round_.start_edge())]


def damage_at_random(file: Path, seed: int) -> None:
    """Write nonsense to a few places of an outbox file, of its log, or of both.

    Half of the time one of them is where it keeps how far it is and how far its sources are read:
    little of a file, and of the greatest consequence.
    """
    random = np.random.default_rng(seed)
    wal = file.with_name(f"{file.name}-wal")
    hurt = [one for one in (file, wal) if one.exists() and one.stat().st_size]
    for one in hurt[int(random.integers(len(hurt))) :][:: int(random.choice([1, -1]))]:
        size = one.stat().st_size
        places = [int(random.integers(size)) for _ in range(int(random.integers(1, 4)))]
        if random.random() < 0.5:
            vital = _vital(one.read_bytes())
            places += [int(place) for place in random.permutation(vital)[:1]]
        with one.open("r+b") as content:
            for place in places:
                content.seek(place)
                content.write(random.bytes(int(random.integers(1, 65))))


def _vital(content: bytes) -> list[int]:
    found = [content.rfind(mark) for mark in (b'{"epoch":', *(name.encode() for name in SOURCES))]
    return [place for place in found if place >= 0]


def _database_set_back(random: np.random.Generator) -> Steps:
    taken = random.uniform(EARLIEST_S, LATEST_S - 2)
    restored = taken + random.uniform(0.8, 1.8)

    def copy(source: Path, target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        # Owners and modes are the server's to insist on.
        subprocess.run(["cp", "-a", str(source), str(target)], check=True)

    def take_image(round_: Round) -> None:
        server = round_.rig.server
        server.kill()
        copy(server.folder / "data", round_.rig.image)
        server.revive()

    def put_image_back(round_: Round) -> None:
        round_.await_news()
        server = round_.rig.server
        server.kill()
        copy(round_.rig.image, server.folder / "data")
        round_.set_back = True
        server.revive()
        # Only an edge that runs can notice.
        round_.run_edge()

    return [Step(taken, take_image), Step(restored, put_image_back)]


PASTS = (
    Fault("edge clock stepped", "edge", _clock_stepped),
    Fault("edge clock years off", "edge", _clock_years_off),
    Fault("edge restored", "edge", _edge_restored),
    Fault("outbox damaged", "edge", _outbox_damaged),
    Fault("database set back", "database", _database_set_back),
)
