"""What an edge keeps on disk of pushed sources: the last good ones, those on trial, the refused."""

import os
from pathlib import Path
from typing import Self

import msgspec

from plant.errors import TransientError


class KeptSources(msgspec.Struct, frozen=True):
    """One pushed text."""

    version: int
    sha256: str
    sources: str


class Refusal(msgspec.Struct, frozen=True):
    """A pushed text that is not used, and why."""

    version: int
    sha256: str
    reason: str
    tried: bool = False
    """Whether it was in force for a while and was taken back."""


class Kept(msgspec.Struct, frozen=True):
    """The content of the file."""

    good: KeptSources | None = None
    """The last sources that proved themselves; None for those of the settings file."""
    trial: KeptSources | None = None
    """Sources that are being tried."""
    starts: int = 0
    """How often an agent began to try them without coming to an end."""
    refused: Refusal | None = None
    """The newest text that was not taken, so that it is not tried again."""
    edge: str = ""
    """Whom they were pushed to; empty in older files."""

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Return what the file holds, nothing when it is not there, None when it is unreadable."""
        try:
            return msgspec.json.decode(file.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def write(self, file: Path) -> None:
        """Keep it, so that a power cut leaves either this or what was there before.

        Raises TransientError when the disk does not take it.
        """
        fresh = file.with_name(f"{file.name}.new")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as stream:
                stream.write(msgspec.json.encode(self))
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(file)
            folder = os.open(file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as exc:
            raise TransientError(f"{file} cannot be written: {exc.strerror}") from exc
