"""How large a file may be, and grow to when it is unpacked."""

import io
from dataclasses import dataclass
from typing import BinaryIO

from plant.mes.problem import Problem, Reason


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Bytes; the defaults are for somebody at the command line, who has the machine's memory."""

    xml: int = 200_000_000
    json: int = 64_000_000
    unpacked: int = 1_000_000_000
    """All parts of a workbook."""
    texts: int = 200_000_000
    """The shared texts of a workbook, which are held in memory."""


def too_large(stream: BinaryIO, limit: int) -> list[Problem]:
    """Return the problem of a stream that is longer than a limit, none if it is not."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return [whole_file(f"is larger than {limit} bytes")] if size > limit else []


def whole_file(words: str, reason: Reason = Reason.MALFORMED) -> Problem:
    """Return a problem that is in no one place of a file."""
    return Problem("the file", "", reason, words)
