"""What holds for every page: read by axe-core, walked by keyboard alone, of any width, on paper.

Pages of accounts and of the pilot programme need more than this plant: they are not among these.
"""

from typing import Literal

import pytest

from api.pages.boards.registry import BOARDS
from tests.browser.pages.looking import WIDTHS, findings, unreached
from tests.foreign.running import peer_folder
from tests.plants.api_plant import AREA, CNC_1, LINE, SITE
from tests.watched_page import Watched

PAGES = (
    *("/", f"/place/{SITE}", f"/place/{AREA}", f"/place/{LINE}", f"/place/{CNC_1}"),
    *(f"/?view={view}" for view in ("compact", "wide")),
    *(f"/place/{LINE}?view={view}" for view in ("compact", "wide")),
    *(f"/board/{board}/{LINE}" for board in BOARDS),
    *(f"/board/{board}/{CNC_1}" for board in BOARDS),
    *(f"/trend/{LINE}", f"/trend/{CNC_1}", f"/anomalies/{CNC_1}", f"/corrections/{CNC_1}"),
    *("/fleet", "/operator", f"/operator/{CNC_1}", "/import"),
    *("/sign-in", "/place/nowhere"),
)


FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("lang", "scheme", "width"), [("vi", "light", 1280), ("en", "dark", 390), ("vi", "dark", 1920)]
)
def test_nothing_on_a_page_keeps_people_out(
    watched: Watched, path: str, lang: str, scheme: Literal["light", "dark"], width: int
) -> None:
    script = peer_folder("axe")
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{watched.base}{path}{'&' if '?' in path else '?'}lang={lang}")

    assert findings(page, script) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_any_width_is_quiet_and_reached_by_keyboard_alone(
    watched: Watched, path: str
) -> None:
    page = watched.page
    for lang in ("vi", "en"):
        page.goto(f"{watched.base}{path}{'&' if '?' in path else '?'}lang={lang}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            # A chart is drawn anew for the width that it is given.
            page.wait_for_function(FITS)
    assert unreached(page) == []
    # A page that is not there says so to the console, too.
    assert [one for one in watched.troubles if "404" not in one] == []
    page.emulate_media(media="print")
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_axe_finds_what_is_wrong(watched: Watched) -> None:
    watched.page.set_content("<html><body><img src='data:,'><input></body></html>")
    found = " ".join(findings(watched.page, peer_folder("axe")))

    assert "image-alt" in found
    assert "label" in found
    assert "html-has-lang" in found


def test_what_the_keyboard_does_not_reach_is_found(watched: Watched) -> None:
    watched.page.set_content(
        "<a href='/one'>one</a><button tabindex='-1'>two</button><button>three</button>"
    )

    assert unreached(watched.page) == ["button: two"]
