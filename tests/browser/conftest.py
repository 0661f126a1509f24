"""One Chromium per module, and one service's address, so that scripts are compiled but once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.peers.chromium import TABLET, Chromium
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port
from tests.peers.serving import served
from tests.plants.api_plant import api_settings, seed
from tests.watched_page import Watched


@pytest.fixture(scope="module")
def shared_browser(chromium: Chromium) -> Iterator[Browser]:
    with chromium.launch() as browser:
        yield browser


@pytest.fixture(scope="module")
def shared_context(shared_browser: Browser) -> BrowserContext:
    """A context with an empty page of the services' site, which keeps the site's process alive."""
    context = shared_browser.new_context(viewport=TABLET)
    empty = context.new_page()
    empty.route("**/*", lambda route: route.fulfill(body=""))
    empty.goto("http://127.0.0.1/")
    return context


@pytest.fixture(scope="module")
def port() -> int:
    """Where the services of a module's tests listen, one after the other."""
    return free_port()


@pytest.fixture(scope="module")
def base(plain_postgres_server: PostgresServer, plain_template: str, port: int) -> Iterator[str]:
    """A service on a filled database, for modules that write nothing; the others have their own."""
    name = plain_postgres_server.create_database(template=plain_template)
    database = plain_postgres_server.settings(name)
    seed(database)
    settings = api_settings(database, port=port)
    with served(settings):
        yield f"http://127.0.0.1:{settings.port}"
    plain_postgres_server.drop_database(name)


@pytest.fixture
def page(shared_context: BrowserContext) -> Iterator[Page]:
    """An empty page; nothing that a test before it did is remembered but scripts."""
    page = shared_context.new_page()
    yield page
    page.close()
    shared_context.clear_cookies()


@pytest.fixture
def watched(base: str, page: Page) -> Watched:
    """The page, watched, of the service at `base`."""
    return Watched(page, base)


@pytest.fixture
def browser(shared_browser: Browser, shared_context: BrowserContext) -> Iterator[Browser]:
    """The module's browser; what a test opened in it is closed with the test."""
    yield shared_browser
    for context in shared_browser.contexts:
        if context is not shared_context:
            context.close()
