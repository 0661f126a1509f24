"""One Chromium per module; each test has contexts of its own, which end with it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import Chromium

# How long a condition may take on a machine that has other work; none is waited for longer than
# until it holds.
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def shared_browser(chromium: Chromium) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with chromium.launch() as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: Browser) -> Iterator[Browser]:
    """The module's browser; what a test opened in it is closed with the test."""
    yield shared_browser
    for context in shared_browser.contexts:
        context.close()
