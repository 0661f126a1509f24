"""What every foreign peer is: a program of another stack, in a folder of its own."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nhipmay"
FOLDER = CACHE / "foreign"


class AbsentError(Exception):
    """Carries the words that say why a peer is not there, and what to do about it."""


@dataclass(frozen=True)
class Peer:
    """One peer; `setup/foreign_peers.py` makes it, tests ask where it is."""

    name: str
    content: str
    """What it consists of, with versions: when this changes, the peer is made anew."""
    make: Callable[[Path], None]
    """Fills an empty folder; raises AbsentError with the reason where it cannot."""

    @property
    def folder(self) -> Path:
        """Where it is, or would be."""
        return FOLDER / self.name

    def ensure(self) -> None:
        """Make it unless it is there; raise AbsentError where that fails."""
        if self._said().get("content") == self.content:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        try:
            self.make(self.folder)
        except AbsentError as exc:
            self._say({"reason": str(exc)})
            raise
        self._say({"content": self.content})

    def found(self) -> Path:
        """Return the folder of the peer; raise AbsentError with the reason where it is not."""
        said = self._said()
        if said.get("content") == self.content:
            return self.folder
        reason = said.get("reason", "it was not made yet, or is of another version")
        raise AbsentError(
            f"no foreign peer {self.name} ({reason}): "
            f"run `python setup/foreign_peers.py {self.name}`"
        )

    def _said(self) -> dict[str, str]:
        record = self.folder / "peer.json"
        if not record.exists():
            return {}
        said: dict[str, str] = json.loads(record.read_text(encoding="utf-8"))
        return said

    def _say(self, what: dict[str, str]) -> None:
        record = self.folder / "peer.json"
        record.write_text(json.dumps(what, indent=2) + "\n", encoding="utf-8")
