"""The file beside the ingest: what the database takes in no form, as one line of JSON each.

A line is on the disk before its message is acknowledged. `nhipmay ingest replay-rejected` puts the
lines into the database once the cause is mended.
"""

import base64
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import msgspec
import structlog

from ingest.selfstat import Selfstat
from store.rejection.rejection import Rejection

log = structlog.get_logger()


class _Line(msgspec.Struct, frozen=True):
    received_time: datetime
    topic: str
    reason: str
    detail: str
    raw: str
    """Base64."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Line)


def kept_outside(
    kept_file: "KeptFile | None", rejection: Rejection, selfstat: Selfstat, refusal: str
) -> bool:
    """Keep what the database takes in no form, for a reason, and say so; False where it fails."""
    try:
        if kept_file is None:
            raise OSError("there is no file to keep it in")
        kept_file.keep(rejection)
    except OSError as exc:
        selfstat.noted("kept_nowhere")
        log.error("a message can be kept nowhere", reason=str(exc), refusal=refusal)
        return False
    selfstat.noted("kept_in_file")
    log.error("a message is kept in the file beside the ingest", refusal=refusal)
    return True


class KeptFile:
    """Appends, from any thread; a message that comes again is kept once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._known: set[bytes] = set()
        self._read = False

    def keep(self, rejection: Rejection) -> None:
        """Have a rejection on the disk; raise OSError where that fails."""
        line = _Line(
            rejection.received_time,
            rejection.topic,
            rejection.reason,
            rejection.detail,
            base64.b64encode(rejection.raw).decode(),
        )
        with self._lock:
            self._know()
            digest = _digest(line)
            if digest in self._known:
                return
            with self._alone():
                self._append(line)
            self._known.add(digest)

    def _append(self, line: _Line) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            # Not behind a line that a power cut left without its end.
            file.write((b"\n" if file.tell() else b"") + _encoder.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from the file: a replay beside a running ingest."""
        # A file of its own, as `drain` puts another one in the place of this: who then waited for a
        # lock on it would append to what is no longer there.
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def __len__(self) -> int:
        """Return how many messages wait in the file."""
        with self._lock:
            self._know()
            return len(self._known)

    def drain(self, take: Callable[[Rejection], bool]) -> int:
        """Offer each line; leave in the file those that are not taken, and return how many were."""
        if not self.path.exists():
            return 0
        with self._lock, self._alone():
            lines = list(_lines(self.path))
            left = [line for line in lines if not take(_rejection(line))]
            taken = len(lines) - len(left)
            if taken:
                fresh = self.path.with_suffix(".new")
                with fresh.open("wb") as file:
                    file.writelines(_encoder.encode(line) + b"\n" for line in left)
                    file.flush()
                    os.fsync(file.fileno())
                # Written whole beside it, then renamed: a power cut leaves the old file or the new
                # one, and never a message in neither.
                fresh.replace(self.path)
            self._known = {_digest(line) for line in left}
            self._read = True
        return taken

    def _know(self) -> None:
        if not self._read:
            self._known = {_digest(line) for line in _lines(self.path)}
            self._read = True


def _lines(path: Path) -> Iterator[_Line]:
    """Yield the whole lines; one cut short by a power cut was never acknowledged."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                yield _decoder.decode(line)


def _digest(line: _Line) -> bytes:
    return hashlib.sha256(f"{line.topic}\0{line.raw}".encode()).digest()


def _rejection(line: _Line) -> Rejection:
    return Rejection(
        received_time=line.received_time.astimezone(UTC),
        topic=line.topic,
        reason=line.reason,
        detail=line.detail,
        raw=base64.b64decode(line.raw),
    )
