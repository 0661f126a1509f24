"""What every endpoint may use: settings, clock, database, counters."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock
from typing import Annotated, cast

import structlog
from fastapi import Depends, Request

from api.access.accounts import Accounts
from api.access.authentication import Authentication
from api.access.brake import Brake
from api.access.entry.single_sign_on import SingleSignOn
from api.access.entry.tablet import Tablets
from api.access.entry.visiting import Visitors
from api.access.principal import CURRENT, Reach
from api.access.refusal import TryLaterError
from api.http.metrics import Metrics
from api.http.places import PlaceTree
from api.http.problems import forbidden, too_many_exports
from api.settings import ApiSettings
from plant.clock import Clock, PlantClock
from plant.errors import ConfigurationError, StoreUnavailableError
from plant.settings import DatabaseSettings
from store.access.account import AccessStore
from store.access.request_key import RequestKeys
from store.access.tenant import DEPARTMENT
from store.anomaly.book import AnomalyBook
from store.figure.classification_book import ClassificationBook
from store.reading.reading import Reader, Reading

_log = structlog.get_logger()
_EXPORTS_AT_ONCE = 2
_MENDED_AGAIN_S = 5.0
_BOARDS_AT_ONCE = 2
"""A board of three months holds some tens of thousands of states in memory while it is made."""


class Database:
    """The database as endpoints see it; its coming and going is logged once each."""

    def __init__(
        self, reader: Reader, metrics: Metrics, login_of: Callable[[str], DatabaseSettings] | None
    ) -> None:
        """Read by `reader`, or by the login of whoever asks where there is one for each."""
        self._reader = reader
        self._login_of = login_of
        self._readers: dict[str, Reader] = {}
        self._metrics = metrics
        self._lock = Lock()
        self._usable: bool | None = None
        self._exports = BoundedSemaphore(_EXPORTS_AT_ONCE)
        self._boards = BoundedSemaphore(_BOARDS_AT_ONCE)
        self._exporting: list[str] = []

    def open(self) -> None:
        """Begin to connect; no error if the database is away."""
        self._reader.open()

    def close(self) -> None:
        """Close every connection."""
        self._reader.close()
        with self._lock:
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()

    def forget(self, whose: str) -> None:
        """Read anew by the login of an enterprise: its sessions began with what holds no more."""
        with self._lock:
            reader = self._readers.pop(whose, None)
        if reader is not None:
            reader.close()

    def check(self) -> None:
        """Raise ConfigurationError or StoreUnavailableError if a connection is not to be had."""
        self._reader.check()

    @contextmanager
    def reading(self, *, of_service: bool = False) -> Iterator[Reading]:
        """Lend a connection; raises what `store.reading.reading.Reader.reading` raises.

        It sees what whoever asks may see; `of_service` is for questions about nobody's data.
        """
        reader = self._reader if of_service else self._own_reader()
        with self._watched(), reader.reading() as reading:
            yield reading
        self._note(None)

    @contextmanager
    def exporting(self, wait_s: float = 5.0) -> Iterator[Reading]:
        """Lend a connection for a long answer; raise `too-many-exports` if none is free."""
        principal = CURRENT.get()
        with self._lock:
            # Who reads slowly keeps a connection: one each, so that nobody keeps all.
            if principal.consumer in self._exporting and principal.reach is not Reach.EVERYBODY:
                raise too_many_exports()
            self._exporting.append(principal.consumer)
        try:
            if not self._exports.acquire(timeout=wait_s):
                raise too_many_exports()
            try:
                with self._watched(), self._own_reader().exporting() as reading:
                    yield reading
            finally:
                self._exports.release()
        finally:
            with self._lock:
                self._exporting.remove(principal.consumer)

    @contextmanager
    def drawing(self, wait_s: float = 10.0) -> Iterator[None]:
        """Take the place of one who makes a board; raise TryLaterError if none is free in time."""
        if not self._boards.acquire(timeout=wait_s):
            raise TryLaterError(wait_s)
        try:
            yield
        finally:
            self._boards.release()

    def _own_reader(self) -> Reader:
        """Return what reads only what whoever asks may see."""
        principal = CURRENT.get()
        if self._login_of is None or principal.reach is Reach.EVERYBODY:
            return self._reader
        if principal.reach is Reach.NOBODY:
            raise forbidden("data")
        whose = principal.enterprise or DEPARTMENT
        with self._lock:
            reader = self._readers.get(whose)
            if reader is None:
                reader = self._readers[whose] = Reader(self._login_of(whose))
                reader.open()
            return reader

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except (StoreUnavailableError, ConfigurationError) as exc:
            self._note(exc)
            raise

    def _note(self, trouble: StoreUnavailableError | ConfigurationError | None) -> None:
        usable = trouble is None
        self._metrics.database_up.set(usable)
        with self._lock:
            changed = self._usable is not usable
            first = self._usable is None
            self._usable = usable
        if changed and trouble is not None:
            _log.warning("database_unavailable", reason=str(trouble))
        elif changed and not first:
            _log.info("database_available")


class Ending:
    """The end of the service, as any thread announces it and live streams await it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self) -> None:
        """Belong to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def announce(self) -> None:
        """Let every stream end; a second time does nothing."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    @property
    def announced(self) -> bool:
        """Whether the end has been announced."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Return when the end is announced."""
        await self._event.wait()


@dataclass(slots=True)
class Context:
    """The parts of one app."""

    settings: ApiSettings
    clock: Clock
    metrics: Metrics
    database: Database
    classifications: ClassificationBook
    anomalies: AnomalyBook
    keys: RequestKeys
    """Requests that their senders named."""
    accounts: Accounts | None = None
    """People and systems that are known one by one, where there are."""
    tablets: Tablets | None = None
    """Shared tablets, which are places."""
    single_sign_on: SingleSignOn | None = None
    """Sign-in by the word of a provider of identities."""
    visitors: Visitors | None = None
    """Roles that whoever sits at this machine may take, in a demo."""
    brake: Brake = field(default_factory=lambda: Brake(time.monotonic))
    """On those who show a wrong token."""
    authentication: Authentication = field(
        default_factory=lambda: Authentication(None, None, Brake(time.monotonic))
    )
    """Finds out who asks."""
    access: AccessStore | None = None
    """Where accounts are kept, where there are."""
    ending: Ending = field(default_factory=Ending)
    _mended: dict[str, float] = field(default_factory=dict)

    def reading_login(self) -> DatabaseSettings:
        """Return by which login whoever asks reads."""
        principal = CURRENT.get()
        if self.settings.accounts is None or principal.reach is Reach.EVERYBODY:
            return self.settings.database
        return self.settings.login_of(principal.enterprise or DEPARTMENT)

    def mend_login(self) -> None:
        """Mend the login by which whoever asks reads, when that does not work.

        Whoever signs in to the database by it may have changed its password or its settings.
        """
        principal = CURRENT.get()
        if self.access is None or principal.reach in {Reach.EVERYBODY, Reach.NOBODY}:
            return
        whose, now = principal.enterprise or DEPARTMENT, time.monotonic()
        if now - self._mended.get(whose, float("-inf")) < _MENDED_AGAIN_S:
            return
        self._mended[whose] = now
        try:
            mended = self.access.mend_login(self.settings.login_of(whose).user)
        except (StoreUnavailableError, ConfigurationError) as exc:
            # It is the database itself that cannot be used, or it is older than this.
            _log.info("login_not_mended", reason=str(exc))
            return
        if mended:
            self.database.forget(whose)
            _log.warning("login_mended", whose=whose or "department")

    def writing_scope(self) -> str | None:
        """Return the enterprise whose documents whoever asks may write; None for all."""
        return CURRENT.get().enterprise

    def wall_age_s(self, moment: datetime) -> float:
        """Return how many wall seconds ago a plant time was."""
        age = self.clock() - moment
        if isinstance(self.clock, PlantClock):
            return self.clock.wall_delay(age)
        return age.total_seconds()

    def plant_time(self, wall_s: float) -> timedelta:
        """Return how much plant time passes in wall seconds, at the present speed."""
        if isinstance(self.clock, PlantClock):
            return timedelta(seconds=wall_s / self.clock.wall_delay(timedelta(seconds=1)))
        return timedelta(seconds=wall_s)

    def is_stale(self, online: bool, reported_at: datetime | None) -> bool:
        """Return whether an edge is out of touch."""
        return (
            not online
            or reported_at is None
            or self.wall_age_s(reported_at) > self.settings.stale_after_s
        )


async def _context(request: Request) -> Context:
    # On the event loop, as everything that a route depends on and that waits for nothing: each
    # other thread is one more that waits for its turn.
    return cast("Context", request.app.state.context)


ContextDep = Annotated[Context, Depends(_context)]


def tree_of(reading: Reading) -> PlaceTree:
    """Return the present tree of places, as far as whoever asks may see it."""
    principal = CURRENT.get()
    if principal.within is None:
        return reading.of_places(PlaceTree)
    return PlaceTree([place for place in reading.places() if principal.leads_to(place.path)])
