"""Before an outbox file is used: is it whole, and is it this edge's?"""

from collections.abc import Callable
from pathlib import Path

from edge_agent.outbox.file import UNREADABLE, is_damage, no_outbox
from edge_agent.outbox.owner import ForeignOutboxError, bring_back, set_aside
from edge_agent.outbox.pages import header_is_sound, wal_is_sound
from edge_agent.outbox.salvage import finish, salvage
from plant.errors import ConfigurationError


def open_own(file: Path, owner: str | None, kept_rows: int, begin: Callable[[], None]) -> None:
    """Let `begin` open the file, once it is whole; one of another edge is set aside first.

    Raises sqlite3.Error or OSError for what is not damage, and ConfigurationError when nothing in
    the file is an outbox's.
    """
    # A power cut may have come between the last two steps of a salvage.
    finish(file)
    if owner is not None:
        bring_back(file, owner)
    try:
        _open_sound(file, kept_rows, begin)
    except ForeignOutboxError as foreign:
        set_aside(file, foreign)
        open_own(file, owner, kept_rows, begin)


def salvaged(file: Path, kept_rows: int) -> None:
    """Replace a damaged file by what is whole of it."""
    if not salvage(file, kept_rows):
        raise ConfigurationError(no_outbox(file))


def _open_sound(file: Path, kept_rows: int, begin: Callable[[], None]) -> None:
    wal = file.with_name(file.name + "-wal")
    has_wal = wal.exists() and wal.stat().st_size > 0
    # Before SQLite sees it: opening it would take over the log up to its first broken frame and
    # leave out the rest, without a word (docs/decisions/0021).
    if not file.exists() or (header_is_sound(file, has_wal=has_wal) and wal_is_sound(wal)):
        try:
            begin()
        except UNREADABLE as exc:
            if not is_damage(exc):
                raise
        else:
            return
    salvaged(file, kept_rows)
    begin()
