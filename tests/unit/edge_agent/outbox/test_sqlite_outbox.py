"""What is special to the outbox on a disk."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge_agent.outbox import SqliteOutbox
from plant.delivery.idset import IdSet
from plant.errors import ConfigurationError, TransientError
from plant.native.message import DropReason
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
        assert len(outbox.memory()["cnc-1/temperature"].taken) == 10


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


def owned(folder: Path, owner: str | None) -> SqliteOutbox:
    return SqliteOutbox(folder / "outbox.sqlite", 10**7, 72, "normal", owner=owner)


def test_rows_of_another_edge_are_kept_aside_and_come_back_with_its_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(owned(tmp_path, "a/x/edge-1")) as outbox:
        outbox.append(rows(range(310)), NOW)
        epoch = outbox.state().epoch
    # The settings are moved to another site while rows wait.
    with closing(owned(tmp_path, "a/y/edge-1")) as outbox:
        assert (outbox.state().pending, outbox.state().issued_id) == (0, 0)
        assert outbox.state().epoch != epoch
        outbox.append(rows(range(5)), NOW)
    said = capsys.readouterr().out
    assert "a/x/edge-1" in said
    assert "pending=310" in said
    assert (tmp_path / "outbox.sqlite.of.a.x.edge-1").exists()
    # And back.
    with closing(owned(tmp_path, "a/x/edge-1")) as outbox:
        assert (outbox.state().pending, outbox.state().epoch) == (310, epoch)
    with closing(owned(tmp_path, "a/y/edge-1")) as outbox:
        assert outbox.state().pending == 5


def test_an_outbox_without_a_name_becomes_that_of_the_first_who_opens_it(tmp_path: Path) -> None:
    with closing(owned(tmp_path, None)) as outbox:
        outbox.append(rows(range(3)), NOW)
    for _ in range(2):
        with closing(owned(tmp_path, "a/x/edge-1")) as outbox:
            assert outbox.state().pending == 3


def test_a_file_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite"
    with closing(owned(tmp_path, None)) as outbox:
        outbox.append(rows(range(300)), NOW, {"recording": "7"})
        outbox.acknowledge(outbox.state().epoch, 100)
    with closing(sqlite3.connect(file)) as connection:
        for table in ("meta", "tag", "row", "cursor"):
            connection.execute(f"alter table {table} drop column sum")
        connection.execute("delete from meta where key in ('version', 'unsummed_to')")
        connection.execute("pragma user_version = 3")
        connection.commit()
    with closing(owned(tmp_path, "a/x/edge-1")) as outbox:
        outbox.append(rows(range(300, 310)), NOW)
        part = outbox.read(0, 1_000)
        assert part is not None
        assert (part.first_id, list(part.rows)) == (101, rows(range(100, 310)))
        assert outbox.cursors() == {"recording": "7"}


def test_a_damaged_row_alone_is_given_up_and_declared(tmp_path: Path) -> None:
    with closing(owned(tmp_path, None)) as outbox:
        outbox.append(rows(range(10)), NOW)
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as connection:
        connection.execute("update row set value = 1.75 where id = 4")
        connection.execute("update row set time_us = 0 where id = 5")
        connection.commit()
    with closing(owned(tmp_path, None)) as outbox:
        first, second = outbox.read(0, 100), outbox.read(3, 100)
        assert first is not None
        assert second is not None
        assert (first.last_id, second.first_id, second.last_id) == (3, 6, 10)
        assert dict(outbox.state().lost) == {DropReason.OUTBOX_DAMAGED: IdSet(((4, 6),))}
        assert outbox.state().pending == 8
