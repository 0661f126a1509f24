"""A disk that can be full: a file system in memory whose size is cut down to what is on it."""

import os
import subprocess
from pathlib import Path

from tests.peers.services import ServiceAbsentError

_ROOMY = "1g"
_SPARE_BYTES = 8_192


class SmallDisk:
    """A tmpfs of its own on a folder; only root may mount one."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def mount(self, folder: Path) -> None:
        """Lay the disk over an empty folder.

        Raises:
            ServiceAbsentError: this user or container may not mount.
        """
        done = _run("mount", "-t", "tmpfs", "-o", f"size={_ROOMY},mode=700", "tmpfs", str(folder))
        if done is not None:
            raise ServiceAbsentError(f"a disk that can be full needs the right to mount: {done}")
        self._folder = folder

    def fill(self) -> None:
        """Leave no room, as if something else had taken it."""
        assert self._folder is not None
        for spare in (_SPARE_BYTES, 4 * _SPARE_BYTES, 64 * _SPARE_BYTES):
            usage = os.statvfs(self._folder)
            used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
            problem = _run("mount", "-o", f"remount,size={used + spare}", str(self._folder))
            # Somebody may have written in between; then there is less room than was asked for.
            if problem is None:
                return
        raise AssertionError(f"the disk cannot be filled: {problem}")

    def empty(self) -> None:
        """Give the room back."""
        assert self._folder is not None
        problem = _run("mount", "-o", f"remount,size={_ROOMY}", str(self._folder))
        assert problem is None, problem

    def unmount(self) -> None:
        """Take the disk away; a second time does nothing."""
        if self._folder is not None:
            _run("umount", "--lazy", str(self._folder))
            self._folder = None


def _run(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as exc:
        return str(exc)
    return None if done.returncode == 0 else done.stderr.strip()
