"""What a page costs who opens it first: bytes of everything that it fetches."""

import pytest
from playwright.sync_api import Browser

from api.pages.boards.registry import BOARDS
from tests.plants.api_plant import CNC_1, LINE, SITE
from tests.watched_page import Watched

MOST_BYTES = 150_000


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/place/{SITE}",
        f"/place/{LINE}",
        f"/place/{CNC_1}",
        f"/operator/{CNC_1}",
        f"/anomalies/{CNC_1}",
        "/fleet",
        *(f"/board/{board}/{LINE}?hours=8" for board in BOARDS),
    ],
)
def test_a_page_fetches_little_also_at_the_first_visit(
    browser: Browser, base: str, path: str
) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    session = context.new_cdp_session(page)
    fetched: list[float] = []
    session.on("Network.loadingFinished", lambda event: fetched.append(event["encodedDataLength"]))
    session.send("Network.enable")
    Watched(page, base).open(path)
    assert len(fetched) > 1
    assert sum(fetched) < MOST_BYTES
