"""What is special to the outbox on a disk."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from plant.errors import ConfigurationError, TransientError
from tests.unit.edge_agent.outbox.outboxes import NOW, row, rows, sqlite_outbox


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """A disk that takes no file larger than `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_everything_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(10)), NOW, {"replay": "10"})
        outbox.acknowledge(outbox.state().epoch, 4)
        before = outbox.state()
    with closing(sqlite_outbox(tmp_path)) as outbox:
        after = outbox.state()
        assert (after.epoch, after.issued_id, after.pending) == (before.epoch, 10, 6)
        part = outbox.read(0, 100)
        assert part is not None
        assert part.rows == rows(range(4, 10))
        assert outbox.cursors() == {"replay": "10"}
        assert len(outbox.memory()["cnc-1/temperature"].times_us) == 10


def test_a_restored_copy_begins_a_new_life_when_the_platform_is_ahead(tmp_path: Path) -> None:
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(100)), NOW)
        outbox.mark_published(100)
        outbox.acknowledge(outbox.state().epoch, 90)
        epoch = outbox.state().epoch
    # Copied here; the original went on to 500. The copy takes 20 new rows before it has contact,
    # and the agent is restarted once meanwhile.
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(1000, 1010)), NOW)
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(1010, 1020)), NOW)
        assert outbox.restored_from_old_image(epoch, 500)
        outbox.renew_epoch()
        part = outbox.read(0, 1000)
        assert part is not None
        assert part.first_id == 1
        assert part.rows == rows(range(1000, 1020))


def test_unsent_rows_of_a_copy_are_kept_when_an_old_confirmation_came_before_its_restart(
    tmp_path: Path,
) -> None:
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(100)), NOW)
        outbox.mark_published(100)
        epoch = outbox.state().epoch
    with closing(sqlite_outbox(tmp_path)) as outbox:
        assert outbox.reopened()
        outbox.append(rows(range(1000, 1010)), NOW)
        outbox.acknowledge(epoch, 90)
    with closing(sqlite_outbox(tmp_path)) as outbox:
        assert outbox.restored_from_old_image(epoch, 500)
        outbox.renew_epoch()
        assert not outbox.reopened()
        part = outbox.read(0, 1000)
        assert part is not None
        assert part.rows == rows(range(1000, 1010))


def test_an_ordinary_restart_is_no_old_image_when_confirmations_come_late(tmp_path: Path) -> None:
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(100)), NOW)
        outbox.mark_published(100)
        epoch = outbox.state().epoch
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(100, 110)), NOW)
        assert not outbox.restored_from_old_image(epoch, 100)


def test_nothing_is_half_done_when_the_disk_is_full(tmp_path: Path) -> None:
    with closing(sqlite_outbox(tmp_path)) as outbox:
        outbox.append(rows(range(10)), NOW)
        size = (tmp_path / "outbox.sqlite-wal").stat().st_size
        many = [row(number, tag=f"tag-{number}", value="x" * 4000) for number in range(500)]
        with files_limited_to(size + 4096), pytest.raises(TransientError, match="cannot be writ"):
            outbox.append(many, NOW)
        assert outbox.state().issued_id == 10
        outbox.append(many, NOW)
        assert outbox.state().issued_id == 510
        part = outbox.read(10, 1)
        assert part is not None
        assert part.rows == many[:1]


def test_the_start_is_refused_when_another_agent_has_the_file(tmp_path: Path) -> None:
    with (
        closing(sqlite_outbox(tmp_path)),
        pytest.raises(ConfigurationError, match="only one agent"),
    ):
        sqlite_outbox(tmp_path)


def test_the_start_is_refused_when_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigurationError, match="outbox folder"):
        sqlite_outbox(tmp_path / "file" / "folder")


def test_the_start_is_refused_when_the_file_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_text("edge: {enterprise: co-khi-mau}\n" * 1000)
    with pytest.raises(ConfigurationError, match="move it away"):
        sqlite_outbox(tmp_path)


def test_the_start_is_refused_when_the_file_is_of_a_newer_program(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(ConfigurationError, match="newer nhipmay"):
        sqlite_outbox(tmp_path)
