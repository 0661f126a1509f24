"""An outbox file damaged at random: what is whole is sent as it was, the rest is declared."""

import os
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.outbox import Outbox, Row, SqliteOutbox
from edge_agent.priority import Priority
from plant.delivery.idset import EMPTY
from plant.errors import TransientError
from plant.measurement import Quality, Value
from plant.native.message import DropReason
from tests.unit.edge_agent.outbox.outboxes import NOW, SECOND

ROUNDS = int(os.environ.get("NHIPMAY_DAMAGE_ROUNDS", "12"))
RANKS = {"low": Priority.LOW, "high": Priority.HIGH}
VALUES: tuple[Value, ...] = (0.1, -3, 2**40, True, None, "EXECUTE", "Đ" * 3_000, "a\0b", "")


@dataclass
class Written:
    """A file as a killed agent, or one that ended well, leaves it behind."""

    file: Path
    epoch: str
    issued_id: int
    acknowledged_id: int
    pending: dict[int, Row]
    taken: set[Row]
    """All rows ever."""


def made_row(number: int, choice: random.Random) -> Row:
    value = choice.choice(VALUES) if choice.random() < 0.2 else choice.random()
    tag = choice.choice(["low", "high", *(f"máy-{k}/nhiệt độ" for k in range(40))])
    return Row(tag, NOW + number * SECOND, value, choice.choice(list(Quality)))


def drained(outbox: Outbox, after_id: int = 0) -> dict[int, Row]:
    """Read all that is pending; a file that is mended while it is read is read again."""
    found: dict[int, Row] = {}
    mended = 0
    while True:
        try:
            part = outbox.read(after_id, 100)
        except TransientError:
            mended += 1
            assert mended < 4, "it is mended again and again"
            found, after_id = {}, 0
            continue
        if part is None:
            return found
        found |= dict(enumerate(part.rows, part.first_id))
        after_id = part.last_id


def written(folder: Path, choice: random.Random, *, killed: bool) -> Written:
    """Fill an outbox in many transactions, with acks and, at times, for want of room, thinning."""
    folder.mkdir()
    file = folder / "outbox.sqlite"
    limit = choice.choice([200_000, 50_000_000])
    outbox = SqliteOutbox(file, limit, 72, "normal", kept_rows=300, reserved_rows=10)
    with closing(outbox):
        outbox.rank(RANKS)
        number, taken = 0, set[Row]()
        for step in range(choice.randrange(5, 40)):
            count = choice.choice([1, 20, 200])
            rows = [made_row(number + k, choice) for k in range(count)]
            outbox.append(rows, NOW, {"recording": str(step)} if step % 3 == 0 else None)
            taken.update(rows)
            number += count
            if step % 7 == 6:
                state = outbox.state()
                outbox.read(state.acknowledged_id, 50)
                outbox.acknowledge(state.epoch, state.acknowledged_id + choice.randrange(200))
        state = outbox.state()
        left = Written(
            folder / "left" / "outbox.sqlite",
            state.epoch,
            state.issued_id,
            state.acknowledged_id,
            drained(outbox),
            taken,
        )
        if killed:
            shutil.copytree(
                folder, folder / "left", ignore=shutil.ignore_patterns("left", "*.lock")
            )
    if not killed:
        left.file.parent.mkdir()
        shutil.copy(file, left.file)
    return left


def bytes_changed(file: Path, choice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(choice.choice([1, 1, 2, 8])):
        content[choice.randrange(len(content))] ^= choice.randrange(1, 256)
    file.write_bytes(content)


def header_changed(file: Path, choice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[choice.randrange(min(100, len(content)))] ^= choice.randrange(1, 256)
    file.write_bytes(content)


def block_overwritten(file: Path, choice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    start = choice.randrange(0, len(content), 512)
    size = min(choice.choice([512, 4096]), len(content) - start)
    content[start : start + size] = choice.choice([bytes(size), choice.randbytes(size)])
    file.write_bytes(content)


def cut_short(file: Path, choice: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: choice.randrange(len(content) * 3 // 4, len(content))])


Damage = Callable[[Path, random.Random], None]
KINDS: list[Damage] = [bytes_changed, bytes_changed, header_changed, block_overwritten, cut_short]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_is_whole_is_read_and_the_rest_is_declared(tmp_path: Path, seed: int) -> None:
    choice = random.Random(seed)
    truth = written(tmp_path / "edge", choice, killed=seed % 2 == 0)
    wal = truth.file.with_name("outbox.sqlite-wal")
    kind = KINDS[seed % len(KINDS)]
    # A log that ends early is what a loss of power leaves: nothing tells that there was more.
    hurt = wal if wal.exists() and kind is not cut_short and choice.random() < 0.5 else truth.file
    kind(hurt, choice)

    with closing(SqliteOutbox(truth.file, 50_000_000, 72, "normal", kept_rows=300)) as outbox:
        found = drained(outbox)
        state = outbox.state()
        outbox.memory()
        if state.epoch == truth.epoch:
            declared = {
                id_
                for start, stop in state.lost.get(DropReason.OUTBOX_DAMAGED, EMPTY).spans
                for id_ in range(start, stop)
            }
            assert state.issued_id == truth.issued_id
            assert {id_: truth.pending.get(id_, row) for id_, row in found.items()} == found
            assert truth.pending.keys() - found.keys() <= declared
        else:
            # The platform finds the old epoch incomplete, and compares what comes under the new.
            assert set(found.values()) <= truth.taken
            assert len(set(found.values())) == len(found)
        # It goes on as a sound one.
        outbox.append([made_row(10**6, choice)], NOW)
        assert drained(outbox, state.issued_id).keys() == {state.issued_id + 1}


def test_what_was_confirmed_and_kept_comes_with_the_new_epoch_of_a_file_without_its_places(
    tmp_path: Path,
) -> None:
    choice = random.Random(1)
    sent = [made_row(number, choice) for number in range(300)]
    file = tmp_path / "outbox.sqlite"
    with closing(SqliteOutbox(file, 50_000_000, 72, "normal", kept_rows=100)) as outbox:
        outbox.append(sent, NOW, {"recording": "place-of-the-reading"})
        before = outbox.state()
        outbox.read(0, 300)
        outbox.mark_published(300)
        outbox.acknowledge(before.epoch, 250)
    file.write_bytes(file.read_bytes().replace(b"place-of-the-reading", b"\xff" * 20))

    with closing(SqliteOutbox(file, 50_000_000, 72, "normal", kept_rows=100)) as outbox:
        found, state = drained(outbox), outbox.state()

    # A platform that was set back may lack them, and knows the old epoch's ids only by that name.
    assert state.epoch != before.epoch
    assert list(found.values()) == sent[-len(found) :]
    assert len(found) >= 150
    assert state.dropped == 0


@pytest.mark.parametrize("which", [0, 1])
def test_a_reading_position_is_kept_twice(tmp_path: Path, which: int) -> None:
    choice = random.Random(1)
    file = tmp_path / "outbox.sqlite"
    place = b"the-last-place"
    with closing(SqliteOutbox(file, 50_000_000, 72, "normal", kept_rows=100)) as outbox:
        for step, name in enumerate(["an-early-place", place.decode()]):
            rows = [made_row(300 * step + number, choice) for number in range(300)]
            outbox.append(rows, NOW, {"recording": name})
        before = outbox.state()
    first, between, last = file.read_bytes().split(place)
    copies = [place, place]
    copies[which] = b"\xff" * len(place)
    file.write_bytes(copies[0].join([first, between]) + copies[1] + last)

    with closing(SqliteOutbox(file, 50_000_000, 72, "normal", kept_rows=100)) as outbox:
        assert outbox.cursors() == {"recording": place.decode()}
        assert (outbox.state().epoch, outbox.state().issued_id) == (before.epoch, 600)
        assert len(drained(outbox)) == 600
