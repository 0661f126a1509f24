"""The browser of the browser tests: the machine's Chromium, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect, sync_playwright

from tests.waiting import HANG_S

TABLET: ViewportSize = {"width": 1280, "height": 800}

# Root has no sandbox, and nothing may leave the machine. One process per site: a script that one
# page has compiled is not compiled again for the next.
ARGUMENTS = (
    "--process-per-site",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)


@dataclass(frozen=True, slots=True)
class Chromium:
    """Where the browser is and what it is started with."""

    executable_path: Path
    args: tuple[str, ...] = ARGUMENTS

    @contextmanager
    def launch(self) -> Iterator[Browser]:
        """Start the browser without a window, and end it.

        Playwright runs an event loop on this thread meanwhile, so a test inside cannot call
        `asyncio.run`: that is why no session-wide browser is kept.
        """
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=self.executable_path,
                args=list(self.args),
                timeout=HANG_S * 1000,
            )
            browser.on("context", _never_in_a_hurry)
            expect.set_options(timeout=HANG_S * 1000)
            try:
                yield browser
            finally:
                browser.close()


def _never_in_a_hurry(context: BrowserContext) -> None:
    context.set_default_timeout(HANG_S * 1000)
