"""bdSeq: which connection of a node this is, kept over restarts."""

import os
from pathlib import Path

from plant.errors import ConfigurationError, TransientError
from plant.sparkplug import SEQUENCE


class BdSeq:
    """A number from 0 to 255 in a file of its own, one more for each CONNECT."""

    def __init__(self, file: Path) -> None:
        """Read the file, if there is one.

        Raises ConfigurationError when its folder cannot be used; what is no number begins again.
        """
        self._file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text(encoding="ascii") if file.exists() else ""
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigurationError(f"the file {file} cannot be read: {exc}") from exc
        self._last = int(text) % SEQUENCE if text.strip().isdecimal() else None

    def advance(self) -> int:
        """Return the number of the next connection, once it is safely on disk.

        Raises TransientError when the disk does not take it: connecting with a number that may
        be used again would let an old death end the new connection.
        """
        number = 0 if self._last is None else (self._last + 1) % SEQUENCE
        fresh = self._file.with_name(self._file.name + ".new")
        try:
            with fresh.open("w", encoding="ascii") as file:
                file.write(str(number))
                file.flush()
                os.fsync(file.fileno())
            # Written beside and renamed: half a number after a power cut would begin again, and a
            # death that the broker still holds could have it.
            fresh.replace(self._file)
        except OSError as exc:
            raise TransientError(f"the file {self._file} cannot be written: {exc}") from exc
        self._last = number
        return number
