"""What a transaction did: counted while it is put together, told once it is committed."""

from collections import Counter
from dataclasses import dataclass, field

from ingest.selfstat import ZERO, Tally
from store.delivery_row import Rejection


@dataclass(slots=True)
class Outcome:
    """What a committed transaction did."""

    messages: Tally = ZERO
    measurements: Tally = ZERO
    rejections: Counter[str] = field(default_factory=Counter)
    """By reason."""
    rejected: list[Rejection] = field(default_factory=list)
    """What is to be stored of them."""
    acks: list[tuple[str, bytes]] = field(default_factory=list)
    """Topics and payloads to publish after the commit."""

    def count_message(self, *, written: int = 0, duplicate: int = 0, rejected: int = 0) -> None:
        """Add messages whose fate is now known."""
        self.messages = self.messages.plus(Tally(0, written, duplicate, rejected))

    def count_rows(self, *, written: int = 0, duplicate: int = 0, rejected: int = 0) -> None:
        """Add measurements whose fate is now known."""
        self.measurements = self.measurements.plus(Tally(0, written, duplicate, rejected))

    def reject(self, rejection: Rejection) -> None:
        """Take a rejection to be stored."""
        self.rejected.append(rejection)
        self.rejections[rejection.reason] += 1
