"""Live pages: what a page shows at one moment, and the stream of what changes in it."""

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool

from api.access.authentication import Authentication
from api.access.principal import CURRENT, Principal
from api.access.role import Right
from api.delivery.presence import edge_state
from api.http.context import Context, tree_of
from api.http.places import PlaceTree
from api.pages.assets import Asset
from api.pages.charts import Figure
from api.pages.views import Moment, View, fleet_view, line_view, machine_view, overview_view
from api.settings import Language
from api.words.bidi import straight_json, straight_value
from api.words.catalogue import CATALOGUES
from api.words.formatting import Formatter
from plant.calendar import Window
from plant.errors import ConfigurationError, StoreUnavailableError
from plant.place import Level
from store.reading.reading import QueryTooLongError, Reading

BANNER = "banner"
PageKind = Literal["place", "fleet"]
"""What a live page is about: a place of the plant, or the edges."""
_HEARTBEAT_S = 10.0
SILENCE_S = 3 * _HEARTBEAT_S
"""After which a page that has heard nothing takes its stream for broken."""
_STILL_THERE_S = 3.0
"""Between two looks at whether whoever watches may still do so."""
_MOST_SNAPSHOTS = 256
DATABASE_TROUBLE = (StoreUnavailableError, ConfigurationError, QueryTooLongError)


@dataclass(frozen=True, slots=True)
class Subject:
    """Which page, in which words, over how many hours."""

    place: str | None
    """None for the whole plant."""
    language: Language
    hours: int
    page: PageKind = "place"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A page's content at one moment: HTML by region, figures by chart."""

    kind: str
    """The page's template: overview, line, machine, fleet, or trouble."""
    regions: dict[str, str]
    charts: dict[str, Figure] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A name for exactly this content."""
        content = json.dumps([self.regions, self.charts], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def changes_since(self, before: "Snapshot | None") -> dict[str, dict[str, object]]:
        """Return the regions and charts that differ from an earlier snapshot."""
        regions = before.regions if before else {}
        charts = before.charts if before else {}
        return {
            "regions": {
                name: html for name, html in self.regions.items() if regions.get(name) != html
            },
            "charts": {
                name: chart for name, chart in self.charts.items() if charts.get(name) != chart
            },
        }


@dataclass(slots=True)
class _Slot:
    """The newest snapshot of a subject; `lock` is held while another is built."""

    lock: Lock = field(default_factory=Lock)
    built: float = 0.0
    snapshot: Snapshot | None = None


def make_environment(assets: Mapping[str, Asset], *, visits: bool = False) -> Environment:
    """Return the template environment; a template that names what is not there fails.

    With `visits` people may take another role at the page for signing in.
    """
    environment = Environment(
        loader=PackageLoader("api.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=straight_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["address"] = _address
    environment.globals["assets"] = {
        name: f"/static/{asset.address}" for name, asset in assets.items()
    }
    environment.globals["in_programme"] = _in_programme
    environment.globals["signed_in"] = partial(_signed_in, visits=visits)
    return environment


def _signed_in(*, visits: bool) -> tuple[str, str] | None:
    """Return who looks at a page, and where they may change that; None who shows nothing."""
    principal = CURRENT.get()
    if principal.credential != "session" or principal.account_id is None:
        return None
    return principal.name, "/sign-in" if visits else "/account"


def _in_programme() -> bool:
    """Return whether who looks at a page has records of the pilot programme to see."""
    principal = CURRENT.get()
    return principal.account_id is not None and principal.may(Right.PROGRAMME)


def _address(values: Mapping[str, object], names: Sequence[str] | None = None) -> str:
    """Return values, or those of some names, as the query of an address."""
    return urlencode(
        {name: value for name, value in values.items() if names is None or name in names}
    )


class LivePages:
    """Builds snapshots, one for all who may see the same and look at a page at the same time."""

    def __init__(self, context: Context, environment: Environment) -> None:
        self._context = context
        self._environment = environment
        self._lock = Lock()
        self._slots: dict[tuple[object, object, Subject], _Slot] = {}

    def formatter(self, language: Language, zone: str | None = None) -> Formatter:
        """Return a formatter for a language and a site's zone."""
        return Formatter(CATALOGUES[language], ZoneInfo(zone or "UTC"), self._context.clock())

    def snapshot(self, subject: Subject) -> Snapshot:
        """Return the present content of a page, at most `refresh_s` old.

        A database that is away is content, too: a banner that says so. Raises the problem
        `unknown-place`.
        """
        slot = self._slot(subject)
        # One build at a time: the database is asked once however many tablets show the page.
        with slot.lock:
            age = time.monotonic() - slot.built
            if slot.snapshot is None or age > self._context.settings.refresh_s:
                try:
                    slot.snapshot = self._build(subject)
                except DATABASE_TROUBLE as exc:
                    slot.snapshot = self.trouble(subject.language, exc)
                slot.built = time.monotonic()
            return slot.snapshot

    def _slot(self, subject: Subject) -> _Slot:
        with self._lock:
            if len(self._slots) >= _MOST_SNAPSHOTS:
                self._slots.clear()
            # What one enterprise sees is not for another.
            return self._slots.setdefault((*_sight(), subject), _Slot())

    def trouble(self, language: Language, cause: Exception) -> Snapshot:
        """Return the content of a page that cannot be built."""
        f = self.formatter(language)
        words = f.text("page.database_down", reason=str(cause))
        return Snapshot("trouble", {BANNER: self._render(BANNER, f, {"words": words})})

    def _build(self, subject: Subject) -> Snapshot:
        now = self._context.clock()
        with self._context.database.reading() as reading:
            tree = tree_of(reading)
            if subject.place is not None:
                tree.get(subject.place)
            f = self.formatter(subject.language, tree.zone(subject.place))
            window = Window(now - timedelta(hours=subject.hours), now)
            moment = Moment(window, f, self._context.is_stale, partial(edge_state, self._context))
            kind, view = _view(reading, tree, subject, moment)
        regions = {name: self._render(name, f, values) for name, values in view.regions.items()}
        return Snapshot(kind, {BANNER: "", **regions}, dict(view.charts))

    def _render(self, region: str, f: Formatter, values: object) -> str:
        template = self._environment.get_template(f"regions/{region}.html")
        return template.render(values, f=f, t=f.text).strip()

    async def stream(self, subject: Subject, seen: str | None) -> AsyncIterator[str]:
        """Yield server-sent events with what changed, until the service or the session ends.

        `seen` is the digest of what the page already shows: nothing is sent until that changes.
        """
        yield "retry: 2000\n\n"
        before: Snapshot | None = None
        quiet_since = looked = time.monotonic()
        principal, authentication = CURRENT.get(), self._context.authentication
        with self._context.metrics.open_streams.track_inprogress():
            while not self._context.ending.announced:
                if time.monotonic() - looked > _STILL_THERE_S:
                    looked = time.monotonic()
                    if not await run_in_threadpool(self._lasts, authentication, principal):
                        yield "event: end\ndata:\n\n"
                        return
                snapshot = await run_in_threadpool(self.snapshot, subject)
                digest = snapshot.digest
                if before is None and digest == seen:
                    before = snapshot
                elif any((changes := snapshot.changes_since(before)).values()):
                    content = straight_json(changes, separators=(",", ":"))
                    yield f"id: {digest}\nevent: change\ndata: {content}\n\n"
                    before = _merged(before, snapshot)
                    quiet_since = time.monotonic()
                elif time.monotonic() - quiet_since > _HEARTBEAT_S:
                    # Says to pages and proxies that we are here, and to us when nobody listens any
                    # more. An event, as pages never see a comment: a network that swallows a
                    # connection in silence is noticed by this alone.
                    yield "event: beat\ndata:\n\n"
                    quiet_since = time.monotonic()
                await self._pause()

    def _lasts(self, authentication: Authentication, principal: Principal) -> bool:
        try:
            return authentication.lasts(principal)
        except (StoreUnavailableError, ConfigurationError):
            # Nothing new is shown meanwhile either.
            return True

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._context.ending.wait(), self._context.settings.refresh_s)


def _sight() -> tuple[object, object]:
    principal = CURRENT.get()
    return principal.reach, principal.within


def _merged(before: Snapshot | None, snapshot: Snapshot) -> Snapshot:
    # A banner alone changes nothing else on the page, so the rest stays known.
    if before is None:
        return snapshot
    return Snapshot(
        snapshot.kind, before.regions | snapshot.regions, before.charts | snapshot.charts
    )


def _view(reading: Reading, tree: PlaceTree, subject: Subject, moment: Moment) -> tuple[str, View]:
    if subject.page == "fleet":
        return "fleet", fleet_view(reading, tree, moment)
    path = subject.place
    level = tree.get(path).level if path is not None else None
    if path is not None and level in _PLACE_VIEWS:
        kind, build = _PLACE_VIEWS[Level(level)]
        return kind, build(reading, tree, path, moment)
    return "overview", overview_view(reading, tree, path, moment)


_PLACE_VIEWS: dict[Level, tuple[str, Callable[[Reading, PlaceTree, str, Moment], View]]] = {
    Level.WORK_CENTER: ("line", line_view),
    Level.WORK_UNIT: ("machine", machine_view),
}
