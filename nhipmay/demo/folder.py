"""The one folder that holds everything of the demo: data, settings, secrets, logs."""

import fcntl
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import yaml

from plant.errors import ConfigurationError

_MARKER = "nhipmay-demo"


def default_folder() -> Path:
    """Return where the demo keeps its data unless told otherwise."""
    if os.geteuid() == 0:
        # PostgreSQL runs under another account then, which must be able to reach the folder.
        return Path("/var/lib/nhipmay/demo")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(base) / "nhipmay" / "demo"


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """An empty demo folder held by this process alone; see `claim`."""

    root: Path
    lock: TextIO

    @property
    def settings(self) -> Path:
        """Settings files of the services."""
        return self.root / "settings"

    @property
    def secrets(self) -> Path:
        """Generated passwords, readable by the owner only."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """What each process writes."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Process ids."""
        return self.root / "run"

    @property
    def truth(self) -> Path:
        """The simulators' ground truth."""
        return self.root / "truth"

    def folder(self, name: str) -> Path:
        """Return a folder of that name, made when it is not there."""
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def new_secret(self, name: str) -> Path:
        """Return the file of a new random password."""
        path = self.secrets / name
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24), encoding="ascii")
        return path

    def write_settings(self, name: str, content: dict[str, Any]) -> Path:
        """Write a service's settings file and return it."""
        path = self.settings / f"{name}.yaml"
        path.write_text(
            yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8"
        )
        return path


def claim(root: Path) -> DemoFolder:
    """Empty the folder of an earlier demo, or make it, and lock it for this process.

    Raises ConfigurationError when it is no demo's folder, is in use, or cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        if any(root.iterdir()) and not (root / _MARKER).exists():
            raise ConfigurationError(
                f"{root} is not empty and was not made by a demo; choose another with --data"
            )
        lock = (root / _MARKER).open("a", encoding="ascii")
    except OSError as exc:
        raise ConfigurationError(
            f"the demo folder {root} cannot be used: {exc.strerror}; choose another with --data"
        ) from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        lock.close()
        raise ConfigurationError(
            f"another demo is running in {root}; stop it, or choose another folder with --data"
        ) from exc
    return _emptied(root, lock)


def _emptied(root: Path, lock: TextIO) -> DemoFolder:
    for entry in root.iterdir():
        if entry.name == _MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    folder = DemoFolder(root, lock)
    for path in (folder.settings, folder.secrets, folder.logs, folder.run, folder.truth):
        path.mkdir()
    folder.secrets.chmod(0o700)
    return folder
