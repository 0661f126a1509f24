"""The parts of an endless answer (`multipart/x-mixed-replace`), from bytes as they come."""

import re

from plant.errors import DataError

MAX_HEADER_BYTES = 8192
_LENGTH = re.compile(rb"^content-length\s*:\s*(\d{1,10})\s*$", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(
    r"^multipart/x-mixed-replace\s*;(?:.*;)?\s*boundary=\"?([^\s\";]{1,200})\"?", re.IGNORECASE
)
_HEAD_END = re.compile(rb"\r?\n\r?\n")


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary that a content type names; None when it is not of this kind."""
    match = _BOUNDARY.match(content_type.strip())
    return match[1].encode("latin-1", "replace") if match else None


class PartReader:
    """Cuts the stream into the bodies of its parts; memory is bounded by `max_part_bytes`."""

    def __init__(self, boundary: bytes, max_part_bytes: int) -> None:
        # Some agents put the dashes into the boundary that they announce.
        self._delimiter = boundary if boundary.startswith(b"--") else b"--" + boundary
        self._max_part_bytes = max_part_bytes
        self._buffer = bytearray()
        self._expected: int | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the bodies that are complete; raise DataError `malformed`."""
        self._buffer += data
        parts: list[bytes] = []
        while True:
            if self._expected is None and not self._read_head():
                return parts
            if self._expected is None or len(self._buffer) < self._expected:
                return parts
            parts.append(bytes(self._buffer[: self._expected]))
            del self._buffer[: self._expected]
            self._expected = None

    def _read_head(self) -> bool:
        """Read delimiter and headers of the next part; return whether they were there."""
        end = _HEAD_END.search(self._buffer, self._content_at())
        if end is None:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise DataError("malformed", "a part of the stream has no end of its headers")
            return False
        head = bytes(self._buffer[: end.start()]).lstrip(b"\r\n")
        if not head.startswith(self._delimiter):
            raise DataError("malformed", "a part of the stream does not begin with its boundary")
        length = _LENGTH.search(head.replace(b"\r", b""))
        if length is None:
            raise DataError("malformed", "a part of the stream does not tell its length")
        if int(length[1]) > self._max_part_bytes:
            raise DataError(
                "malformed", f"a part of {int(length[1])} bytes; lower `count` of this source"
            )
        self._expected = int(length[1])
        del self._buffer[: end.end()]
        return True

    def _content_at(self) -> int:
        """Return where the line breaks end that may stand before a delimiter."""
        at = 0
        while at < len(self._buffer) and self._buffer[at] in b"\r\n":
            at += 1
        return at
