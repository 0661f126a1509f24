"""What a driver is, and where its readings go."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from plant.measurement import Quality


class Reading(NamedTuple):
    """One value as its source gave it; a tuple because many pass per second."""

    tag: str
    value: object
    time_us: int | None
    """Source time in microseconds since 1970-01-01T00:00Z; None when the source gave none."""
    quality: Quality


class Inlet(Protocol):
    """Where one source's driver delivers. All of it is called from the driver's event loop."""

    async def deliver(
        self,
        readings: Sequence[Reading],
        *,
        sampled_us: int | None = None,
        position: str | None = None,
    ) -> None:
        """Take readings in order; wait while the outbox cannot take more.

        Args:
            readings: What was read.
            sampled_us: Everything with a source time before this has now been delivered.
            position: How far the source has been read, for one that can be read again; it is
                kept together with the readings, all or nothing.
        """

    async def written(self) -> bool:
        """Have what was delivered written to the outbox now, for a source without history.

        Returns whether it was; when the disk does not take it, it stays queued.
        """

    def write_soon(self) -> None:
        """Have what was delivered written to the outbox at once, without waiting for the disk.

        For a source without history that must be looked at again meanwhile.
        """

    def position(self) -> str | None:
        """Return the position kept with the last reading, also of an earlier agent."""

    def backfill_from(self, tag: str, overlap_us: int) -> int | None:
        """Return the source time from which readings of a tag may have been missed.

        None when none was ever taken. Readings after it that were taken are recognised.
        """

    def unreachable(self, problems: Sequence[str]) -> None:
        """Report what cannot be read at present, each with its reason; nothing when all is well."""

    def unreadable(self, count: int = 1) -> None:
        """Count values or rows that could not be read at all."""

    def missed(self, count: int) -> None:
        """Count readings that the source no longer had when it was asked."""

    async def drained(self, pending_rows: int) -> None:
        """Wait until fewer rows than this are unconfirmed, for a source that can wait."""


class Driver(Protocol):
    """Reads one source. Losses of the source are its own to heal; it runs until cancelled."""

    @property
    def keeps_repeats(self) -> bool:
        """Whether readings of one tag with equal source times are all taken."""

    async def run(self, inlet: Inlet) -> None:
        """Deliver readings until cancelled, or until a source that ends has been read.

        Raises ConfigurationError for what a person must mend.
        """
