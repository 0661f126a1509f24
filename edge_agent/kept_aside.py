"""Measurements that no message can hold: kept whole in a file beside the outbox, one a line."""

from pathlib import Path

import msgspec

from edge_agent.outbox import Row
from plant.log import get_logger

MOST_BYTES = 20_000_000
"""The file grows no further: a source that says such things says them again and again."""

_log = get_logger()


class KeptAside:
    """The file `<outbox>.refused`: JSON objects with tag, time in microseconds, value, reason."""

    def __init__(self, outbox_file: Path) -> None:
        self._file = outbox_file.with_name(outbox_file.name + ".refused")
        self._full = False

    def keep(self, row: Row, reason: str, detail: str) -> None:
        """Append a row; a file that is full, or a disk that does not take it, is logged once."""
        line = msgspec.json.encode({**row._asdict(), "reason": reason, "detail": detail}) + b"\n"
        try:
            with self._file.open("ab") as file:
                if file.tell() + len(line) <= MOST_BYTES:
                    file.write(line)
                    self._full = False
                    return
            problem = f"it has {MOST_BYTES} bytes"
        except OSError as exc:
            problem = exc.strerror or str(exc)
        if not self._full:
            _log.error("refused_reading_not_kept", file=str(self._file), reason=problem)
        self._full = True
