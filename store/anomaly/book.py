"""Keeping what people decide on anomalies, for a service that outlives the database's outages."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from plant.settings import DatabaseSettings
from store.anomaly import event, limit, model
from store.anomaly.event import Remark
from store.anomaly.limit import ChannelSaid, LimitSaid
from store.anomaly.model import Proposal
from store.engine.connection import Connection, connect, store_errors


class AnomalyBook:
    """Decisions are rare, so each gets a connection of its own.

    Each raises what its function in `store.anomaly` raises; StoreUnavailableError when the database
    is away and ConfigurationError when the login may not write.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with store_errors(self._settings), connect(self._settings) as connection:
            # A login that is set to read only may still be allowed to write these tables.
            connection.read_only = False
            yield connection

    def remark(self, said: Remark) -> bool:
        """Keep what somebody says of an event."""
        with self._writing() as connection:
            return event.remark(connection, said)

    def propose(self, asked: Proposal, now: datetime, who: str) -> int:
        """Ask for a model to be learned."""
        with self._writing() as connection:
            return model.propose(connection, asked, now, who)

    def approve(self, model_id: int, now: datetime, who: str) -> bool:
        """Make a model live."""
        with self._writing() as connection:
            return model.approve(connection, model_id, now, who)

    def as_approved(self, model_id: int, now: datetime) -> bool:
        """Have a live model go back to what was approved."""
        with self._writing() as connection:
            return model.as_approved(connection, model_id, now)

    def refuse(self, model_id: int, now: datetime) -> bool:
        """Give a model up."""
        with self._writing() as connection:
            return model.refuse(connection, model_id, now)

    def add_limit(self, said: LimitSaid, now: datetime, who: str) -> int:
        """Set a limit of a tag."""
        with self._writing() as connection:
            return limit.add_limit(connection, said, now, who)

    def remove_limit(self, limit_id: int, unit_id: int, now: datetime) -> bool:
        """Take a limit away."""
        with self._writing() as connection:
            return limit.remove_limit(connection, limit_id, unit_id, now)

    def shelve_limit(self, limit_id: int, unit_id: int, until: datetime | None, who: str) -> bool:
        """Silence a limit until a moment; None: no longer."""
        with self._writing() as connection:
            return limit.shelve_limit(connection, limit_id, unit_id, until, who)

    def add_channel(self, said: ChannelSaid, now: datetime, who: str) -> int:
        """Add where events are told."""
        with self._writing() as connection:
            return limit.add_channel(connection, said, now, who)

    def remove_channel(self, channel_id: int, site_id: int, now: datetime) -> bool:
        """Tell a channel nothing any more."""
        with self._writing() as connection:
            return limit.remove_channel(connection, channel_id, site_id, now)

    def channels(self, site_id: int) -> list[limit.ChannelRow]:
        """Return the channels of a site, without their secrets."""
        with self._writing() as connection:
            return limit.channels_of(connection, site_id)
