"""Puts the app together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import APIRouter, Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware

from api.access.accounts import Accounts
from api.access.authentication import Authentication
from api.access.declaration import gate
from api.access.entry.factor import FactorCipher
from api.access.entry.provider import Provider
from api.access.entry.single_sign_on import SingleSignOn
from api.access.entry.tablet import Tablets
from api.access.entry.visiting import Visitors
from api.access.outside import OutsideReadings
from api.delivery.enrolment import make_desk
from api.http import error_answer
from api.http.again.etag import EntityTags
from api.http.again.idempotency import IdempotencyKeys
from api.http.body import largest_body
from api.http.bounds import Bounds
from api.http.context import Context, Database
from api.http.description import ERRORS, PAGE_ERRORS, Responses, described
from api.http.envelope import Envelope
from api.http.metrics import Metrics
from api.pages.assets import load_assets
from api.pages.live import LivePages, make_environment
from api.routers import (
    account,
    anomalies,
    anomaly_limits,
    anomaly_models,
    anomaly_page,
    boards,
    changes,
    classification,
    corrections,
    corrections_page,
    delivery,
    enrolment,
    entries,
    exports,
    figures,
    health,
    kpi,
    mapping,
    master_data,
    master_data_file,
    measurements,
    operator,
    pages,
    places,
    programme,
    programme_data,
    programme_documents,
    programme_writing,
    reference,
    series,
    sign_in,
    single_sign_on,
    sites,
    tablets,
    trend,
)
from api.settings import ApiSettings, SingleSignOnSettings
from plant.errors import ConfigurationError, StoreUnavailableError
from plant.settings import secret_text
from store.access.account import AccessStore
from store.access.request_key import RequestKeys
from store.anomaly.book import AnomalyBook
from store.figure.classification_book import ClassificationBook
from store.reading.reading import Reader

_log = structlog.get_logger()
_GUARD_S = 30.0

DESCRIPTION = (
    "Figures of Nhịp Máy; master data and reasons of stops are written. Times are RFC 3339 in UTC, "
    "windows half-open, ratios fractions, null where there is no value; errors are "
    "application/problem+json."
)


def create_app(settings: ApiSettings) -> FastAPI:
    """Return the app; its connections open and close with its lifespan.

    Raises ConfigurationError when other machines could read without a token, or when the token
    cannot be read.
    """
    settings.check_exposure()
    metrics = Metrics()
    access = AccessStore(settings.writing()) if settings.accounts else None
    context = Context(
        settings=settings,
        clock=settings.make_clock(),
        metrics=metrics,
        database=Database(
            Reader(settings.database), metrics, settings.login_of if settings.accounts else None
        ),
        classifications=ClassificationBook(settings.writing()),
        anomalies=AnomalyBook(settings.writing()),
        keys=RequestKeys(access or AccessStore(settings.writing())),
        access=access,
        accounts=(Accounts(access, FactorCipher(settings.accounts_secret())) if access else None),
    )
    context.tablets = Tablets(access) if access else None
    if access and settings.accounts and settings.accounts.visitors:
        context.visitors = Visitors(access, settings.accounts.visitors)
    if access and settings.accounts and settings.accounts.single_sign_on:
        context.single_sign_on = _single_sign_on(settings.accounts.single_sign_on, settings, access)
    context.authentication = Authentication(
        settings.bearer_token(), context.accounts, context.brake, context.tablets
    )
    assets = load_assets()
    environment = make_environment(assets, visits=context.visitors is not None)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        context.ending.attach()
        context.database.open()
        guard = asyncio.create_task(_guard(context, access)) if access else None
        try:
            yield
        finally:
            context.ending.announce()
            if guard:
                await guard
            await run_in_threadpool(context.database.close)
            # That of the accounts, where there are.
            await run_in_threadpool(context.keys.close)

    app = _App(
        title="Nhịp Máy",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        # Ours (in `health`) says who may have it.
        openapi_url=None,
        dependencies=[Depends(gate)],
        # Their pages load scripts from outside; docs/reference/api.md is the reference.
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = context
    app.state.routes = []
    app.state.outside = OutsideReadings(context.accounts.record) if context.accounts else None
    app.state.enrolment_desk = make_desk(settings, metrics.certificate_reuse.inc)
    app.state.looks = changes.Looks(context)
    app.state.pages = pages.Pages(
        live=LivePages(context, environment),
        environment=environment,
        assets=assets,
        default_language=settings.default_language,
    )
    readings = (places, measurements, exports, series, changes)
    data = (figures, kpi, classification, corrections, boards)
    written = (entries, master_data, master_data_file, mapping, enrolment, delivery, health)
    found = (anomalies, anomaly_models, anomaly_limits, programme_data)
    for part in (*readings, *data, *written, *found):
        app.take(part.router, ERRORS)
    app.take(account.token_router, ERRORS)
    page_routers = (pages.router, boards.page_router, operator.router, master_data_file.page_router)
    own = (anomaly_page.router, sign_in.router, account.router, tablets.router, trend.router)
    pilot = (programme.router, programme_writing.router, programme_documents.router)
    others = (corrections_page.router, single_sign_on.router, sites.router, reference.router)
    for router in (*page_routers, *own, *others, *pilot):
        app.take(router, PAGE_ERRORS)
    error_answer.install(app)
    app.add_middleware(IdempotencyKeys, keys=context.keys)
    app.add_middleware(EntityTags)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(Bounds, hosts=settings.trusted_hosts(), largest_body=largest_body)
    app.add_middleware(
        Envelope, metrics=metrics, authentication=context.authentication, accounts=context.accounts
    )
    return app


async def _guard(context: Context, access: AccessStore) -> None:
    """End what logins of enterprises have been at for too long, every so often."""
    while not context.ending.announced:
        with contextlib.suppress(StoreUnavailableError, ConfigurationError):
            ended = await run_in_threadpool(access.end_long_statements)
            if ended:
                _log.warning("long_statements_ended", number=ended)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(context.ending.wait(), _GUARD_S)


def _single_sign_on(
    block: SingleSignOnSettings, settings: ApiSettings, store: AccessStore
) -> SingleSignOn:
    secret = secret_text(
        block.client_secret, block.client_secret_file, "accounts.single_sign_on.client_secret"
    )
    provider = Provider(block.issuer, block.client_id, secret, block.networks)
    return SingleSignOn(provider, store, settings.accounts_secret(), block.login_claim)


class _App(FastAPI):
    """FastAPI whose document also says what holds for every route."""

    def take(self, router: APIRouter, errors: Responses) -> None:
        """Serve the routes of a router, each of which may answer these errors."""
        self.include_router(router, responses=errors)
        self.state.routes += router.routes

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = described(super().openapi(), self.state.routes)
        return self.openapi_schema
