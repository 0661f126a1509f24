"""What an outbox is: the durable queue between the drivers and the platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from edge_agent.exception_report import Reported
from edge_agent.priority import Priority
from plant.delivery.idset import IdSet
from plant.measurement import Quality, Value

ROW_BYTES = 40
"""About what SQLite takes for a row with a number."""
KEPT_ROWS = 20_000
"""Acknowledged rows that are kept, so that a restarted agent recognises what it took."""

AHEAD_US = 300_000_000
"""A reading this far ahead of the clock is no measure of how far a source has been read."""
_31_BITS = 0x7FFFFFFF


def mark_of(value: Value, quality: Quality) -> int:
    """Return what tells measurements of one moment apart, in 31 bits; good within this process."""
    # Texts hash differently in every process, so marks are made of the rows each time, never
    # stored.
    return hash((value, int(quality))) & _31_BITS


class Row(NamedTuple):
    """One measurement of the outbox; a tuple because many pass per second."""

    tag: str
    time_us: int
    """Source time in microseconds since 1970-01-01T00:00Z."""
    value: Value
    quality: Quality


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive rows; row k has the id `first_id + k`."""

    first_id: int
    rows: Sequence[Row]

    @property
    def last_id(self) -> int:
        """Id of the last row."""
        return self.first_id + len(self.rows) - 1


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How far the outbox has come; all ids are of the present epoch."""

    epoch: str
    issued_id: int
    """Highest id given out; 0 before the first."""
    acknowledged_id: int
    """Highest id that the platform confirmed or the outbox gave up."""
    pending: int
    """Rows that are neither."""
    confirmed: int
    """Rows that the platform confirmed: `issued_id = confirmed + dropped + pending`."""
    oldest_pending_us: int | None
    """Source time of the first pending row."""
    oldest_pending_age_s: int
    """Seconds for which it has been kept, as `Outbox.append` counts them; 0 when none is."""
    dropped: int
    """Rows given up because the outbox was full, or lost for a `DropReason`."""
    dropped_ranges: tuple[tuple[int, int], ...]
    """Their ids, as inclusive ranges."""
    used_bytes: int
    """Room that the rows take."""
    confirmed_id: int = 0
    """Highest id that the platform said it has; lower ones given up are settled as well."""
    lost: Mapping[str, IdSet] = field(default_factory=dict)
    """Those of the dropped that were not given up for want of room, by `DropReason`."""
    set_backs: int = 0
    """How often the platform was set back in this epoch."""


@dataclass(frozen=True, slots=True)
class SetBack:
    """What a platform that was set back costs; counts are of rows."""

    again: int
    """Confirmed rows that are pending again."""
    lost: int
    """Confirmed rows that are no longer kept."""


@dataclass(frozen=True, slots=True)
class TagMemory:
    """What the outbox remembers of one tag."""

    last: Reported
    """The row with the newest source time, of those that were not ahead of the clock."""
    taken: tuple[tuple[int, int], ...]
    """Source time and mark (see `mark_of`) of the rows still kept, in the order taken."""
    forgotten: bool
    """Whether earlier rows of the tag are no longer kept."""


class Outbox(Protocol):
    """Rows in the order they were taken, with ids that grow by one, until they are confirmed.

    Safe to use from several threads. Methods raise TransientError when the disk does not take
    the change: nothing has changed then, and the call may be repeated.
    """

    def append(
        self, rows: Sequence[Row], now_us: int, cursors: Mapping[str, str] | None = None
    ) -> None:
        """Give the rows ids and keep them, with the reading positions of their sources.

        All or nothing. When the outbox is full in bytes it gives up the oldest rows of the lowest
        priority (see `rank`) that were never read, block by block, so that rows not yet read may
        get other ids; then the oldest of any. What is too old in hours is given up whatever it is.
        `now_us` is the present by the agent's clock; a step of it makes nothing old, so the hours
        are those in which the agent was at work.
        """

    def rank(self, priorities: Mapping[str, Priority]) -> None:
        """Say which tags matter more, and which less, than `Priority.NORMAL`."""

    def read(self, after_id: int, limit: int) -> Slice | None:
        """Return the first pending rows after an id, at most `limit`; None when there are none.

        Fewer than `limit` where ids between were given up. What was read keeps its ids.
        """

    def acknowledge(self, epoch: str, committed_to: int) -> int:
        """Take note that the platform has everything up to an id; return how many rows were new.

        An acknowledgement of another epoch or from the past changes nothing.
        """

    def mark_published(self, up_to_id: int) -> None:
        """Take note that rows up to an id were sent in this life of the agent."""

    def reopened(self) -> bool:
        """Return whether an earlier agent gave out ids of the present epoch.

        Then the file may be an old copy, whose next ids the platform knows already.
        """

    def restored_from_old_image(self, epoch: str, committed_to: int) -> bool:
        """Return whether the platform has ids that this outbox never sent.

        Then its file is an old copy: ids of the copy's future would be taken for duplicates.
        """

    def platform_is_behind(self, epoch: str, committed_to: int) -> bool:
        """Return whether the platform now has less of this epoch than it said it had."""

    def take_set_back(self, committed_to: int) -> SetBack:
        """Take note that the platform lost what it had above an id; return what comes of it.

        What is still kept of it is pending again; the rest is dropped for that reason.
        """

    def lose(self, first_id: int, last_id: int, reason: str) -> None:
        """Give up rows for a `DropReason`; they need not be there."""

    def renew_epoch(self) -> None:
        """Begin a new life with new ids.

        Rows taken since this outbox last sent anything are kept; older ones count as confirmed,
        because the platform had them before the file was set back.
        """

    def state(self) -> OutboxState:
        """Return how far the outbox has come."""

    def memory(self) -> dict[str, TagMemory]:
        """Return what is remembered of each tag."""

    def cursors(self) -> dict[str, str]:
        """Return the reading position of each source that has one."""

    def close(self) -> None:
        """Write what is open and let the file go."""
