"""The agent's own counters."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """What has happened to readings since the agent started.

    `taken = repeats + suppressed + refused + written + waiting` whenever the event loop is between
    two steps.
    """

    taken: int = 0
    """Readings that the drivers delivered."""
    repeats: int = 0
    """Readings that were taken before: same source time, value and quality."""
    suppressed: int = 0
    """Readings within their deadband."""
    refused: int = 0
    """Readings that no message can hold."""
    written: int = 0
    """Measurements written to the outbox."""
    waiting: int = 0
    """Readings in memory only, for about one flush interval while the disk takes them."""
    published: int = 0
    """Measurements sent to the broker, repetitions included."""
    acknowledged: int = 0
    """Measurements that the platform confirmed."""
    dropped: int = 0
    """Measurements given up because the outbox was full."""
    rejected: int = 0
    """Measurements of the present epoch that the platform said it refuses."""
    stamped_by_agent: int = 0
    """Readings whose source gave no time, so that they carry the agent's."""
    ahead_of_clock: int = 0
    """Readings whose source time is more than five minutes after the agent's clock."""
    unreadable: int = 0
    """Rows or values of a source that could not be read at all."""
    missed: int = 0
    """Readings that a source no longer had when it was asked, such as a full buffer's oldest."""
    write_failures: int = 0
    """Attempts to write the outbox that failed."""
    resent: int = 0
    """Times that unconfirmed messages were sent again."""

    def fields(self) -> dict[str, int]:
        """Return the counters by name, for a log line."""
        return asdict(self)
