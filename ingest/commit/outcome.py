"""What a transaction did: counted while it is put together, told once it is committed."""

from collections import Counter
from dataclasses import dataclass, field

from ingest.selfstat import Tally
from store.rejection.rejection import Rejection


@dataclass(slots=True)
class Outcome:
    """What a committed transaction did."""

    rejections: Counter[str] = field(default_factory=Counter)
    """By reason."""
    rejected: list[Rejection] = field(default_factory=list)
    """What is to be stored of them."""
    acks: list[tuple[str, bytes]] = field(default_factory=list)
    """Topics and payloads to publish after the commit."""
    _messages: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Written, duplicate, rejected: plain numbers, as each message is counted."""
    _rows: list[int] = field(default_factory=lambda: [0, 0, 0])

    @property
    def messages(self) -> Tally:
        """What became of the messages."""
        return Tally(0, *self._messages)

    @property
    def measurements(self) -> Tally:
        """What became of the measurements."""
        return Tally(0, *self._rows)

    def count_message(self, *, written: int = 0, duplicate: int = 0, rejected: int = 0) -> None:
        """Add messages whose fate is now known."""
        _add(self._messages, written, duplicate, rejected)

    def count_rows(self, *, written: int = 0, duplicate: int = 0, rejected: int = 0) -> None:
        """Add measurements whose fate is now known."""
        _add(self._rows, written, duplicate, rejected)

    def reject(self, rejection: Rejection) -> None:
        """Take a rejection to be stored."""
        self.rejected.append(rejection)
        self.rejections[rejection.reason] += 1


def _add(counts: list[int], written: int, duplicate: int, rejected: int) -> None:
    counts[0] += written
    counts[1] += duplicate
    counts[2] += rejected
