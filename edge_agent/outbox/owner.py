"""Whose rows an outbox file holds: they are sent in that edge's name, or kept beside under it."""

from pathlib import Path

from plant.log import get_logger

_log = get_logger()


class ForeignOutboxError(Exception):
    """The file holds rows of another edge."""

    def __init__(self, owner: str, pending: int) -> None:
        self.owner = owner
        self.pending = pending
        super().__init__(owner)


def bring_back(file: Path, owner: str) -> None:
    """Put the file that was set aside for an edge in its place, if there is one and room for it."""
    aside = _aside(file, owner)
    if aside.exists() and not file.exists():
        aside.replace(file)
        _log.info("outbox_brought_back", edge=owner, file=str(file))


def set_aside(file: Path, foreign: ForeignOutboxError) -> None:
    """Keep a closed file under the name of the edge whose rows it holds."""
    aside = _aside(file, foreign.owner)
    number = 1
    # Never over an earlier one: its rows may have been sent by nobody yet.
    while aside.exists():
        number += 1
        aside = aside.with_name(f"{_aside(file, foreign.owner).name}.{number}")
    file.replace(aside)
    say = _log.error if foreign.pending else _log.warning
    say(
        "outbox_of_another_edge",
        edge=foreign.owner,
        pending=foreign.pending,
        kept_in=str(aside),
        mend="start an agent with the settings of that edge and this outbox file to send them; "
        "with its settings back in this file they are sent by themselves",
    )


def _aside(file: Path, owner: str) -> Path:
    return file.with_name(f"{file.name}.of.{owner.replace('/', '.')}")
