"""A page in the browser, and what it did that it should not have."""

from dataclasses import dataclass, field

from playwright.sync_api import Page, expect


@dataclass
class Watched:
    """A page of the service at `base`; troubles are what it said, and asked for elsewhere."""

    page: Page
    base: str
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("request", self._note_request)

    def _note_console(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind in {"error", "warning"}:
            self.troubles.append(f"{kind}: {text}")

    def _note_request(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        if not url.startswith((self.base, "data:", "blob:")):
            self.troubles.append(f"outside: {url}")

    def open(self, path: str) -> None:
        """Open a path of the service, until it is live and its charts are drawn."""
        response = self.page.goto(self.base + path)
        assert response is not None
        assert response.ok, path
        # The stream is open, so scripts ran and the page is live.
        expect(self.page.locator("#disconnected")).to_be_hidden()
        for chart in self.page.locator("[data-chart]").all():
            expect(chart.locator("svg.plot").first).to_be_visible()

    def fits(self) -> bool:
        """Tell whether nothing is wider than the screen."""
        return not self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
