"""The way of who comes for the first time, from the README to a file in hand, step by step.

With `NHIPMAY_PICTURES` naming a folder, a picture of each step is written there, and how long each
took (`first-visit.json`). The times are told, not judged.
"""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from tests.peers.services import free_port
from tests.waiting import HANG_S

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PICTURES = os.environ.get("NHIPMAY_PICTURES")


class Steps:
    """Says what each step took, and keeps its picture."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self._since = time.monotonic()

    def done(self, name: str, page: Page | None = None) -> None:
        self.took[name] = round(time.monotonic() - self._since, 1)
        if page is not None:
            head = page.locator(".top").bounding_box()
            # The way down to a machine takes a line, whoever is signed in.
            assert head is not None
            assert head["height"] < 130, name
        if PICTURES and page is not None:
            file = f"first-visit-{len(self.took)}-{name}.png"
            page.screenshot(path=Path(PICTURES) / file)
        if PICTURES:
            text = json.dumps(self.took, indent=1) + "\n"
            (Path(PICTURES) / "first-visit.json").write_text(text, encoding="utf-8")
        self._since = time.monotonic()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the demo's PostgreSQL can reach when another account than root runs it."""
    folder = Path(tempfile.mkdtemp(prefix="nhipmay-visit-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def line_of_the_tutorial() -> str:
    """Return the name of the line that the tutorial leads to."""
    tutorial = (ROOT / "docs/tutorial/first-demo.md").read_text(encoding="utf-8")
    found = re.search(r"Choose the line \*(.+?)\*", tutorial)
    assert found is not None
    return found[1]


def command_of_the_readme() -> list[str]:
    """Return what the README's first command runs, as the Makefile says."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^    make demo\b", readme, re.MULTILINE)
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ndemo:")[2]
    assert "@$(BIN)/nhipmay demo $(ARGS)" in recipe.split("\n\n")[0]
    return [str(Path(sys.executable).parent / "nhipmay"), "demo"]


def test_a_first_visitor_comes_from_the_readme_to_a_file_in_hand(page: Page, folder: Path) -> None:
    steps = Steps()
    port = free_port()
    demo = subprocess.Popen(
        [*command_of_the_readme(), "--data", str(folder / "demo"), "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "200"},
    )
    try:
        assert demo.stdout is not None
        printed = next(line for line in demo.stdout if f"http://127.0.0.1:{port}" in line)
        assert "Nhịp Máy" in printed
        steps.done("demo")
        walk(page, f"http://127.0.0.1:{port}", steps)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=HANG_S)
    assert list(steps.took) == [
        *("demo", "plant", "line", "losses", "stop", "signal", "operator", "reason", "file")
    ]


def walk(page: Page, base: str, steps: Steps) -> None:
    """Go from the first page to a file, by what is written on the links."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{base}/")
    name = line_of_the_tutorial()
    line = page.locator(".line", has=page.get_by_role("link", name=name)).first
    # The plants play the last hours first: until then a page says that there is no result yet.
    figure = line.locator(".oee-value").first
    expect(figure).to_have_text(re.compile(r"^[1-9]\d*,\d%$"))
    share = float(figure.inner_text().rstrip("%").replace(",", "."))
    assert 0 < share <= 100
    steps.done("plant", page)

    line.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator(".machine")).not_to_have_count(0)
    machine = page.locator(".machine", has=page.locator(".bottleneck")).first
    if not machine.count():
        machine = page.locator(".machine").first
    path = str(machine.get_by_role("link").first.get_attribute("href")).removeprefix("/place/")
    steps.done("line", page)

    # A whole shift, so that there is something to look into: the board of the last day.
    page.goto(f"{base}/board/waterfall/{path}?hours=24")
    expect(page.locator("[data-chart] svg.plot").first).to_be_visible()
    steps.done("losses", page)

    page.get_by_role("link", name="Dừng máy", exact=True).first.click()
    stops = page.locator("section", has=page.locator("#stop_list-title")).locator("tbody tr")
    expect(stops.get_by_role("link").first).to_be_visible()
    steps.done("stop", page)

    stops.get_by_role("link").first.click()
    expect(page.locator("#panels")).to_have_attribute("aria-busy", "false")
    expect(page.locator("tr.pointed")).to_have_count(1)
    expect(page.locator(".panel path.mean").first).to_be_visible()
    steps.done("signal", page)

    page.goto(f"{base}/operator/{path}")
    first = page.locator(".stop-button").first
    if not first.count():
        page.locator("#short").click()
    expect(first).to_be_visible()
    steps.done("operator", page)
    first.click()
    page.locator("#reasons .reason").first.click()
    expect(page.locator(".stop-button", has_text="Đã gửi").first).to_be_visible()
    steps.done("reason", page)

    page.goto(f"{base}/place/{path.rpartition('/')[0]}")
    with page.expect_download() as coming:
        page.locator(".files li", has_text="Lần dừng").get_by_role("link", name="Excel").click()
    sheet = openpyxl.load_workbook(io.BytesIO(coming.value.path().read_bytes()))
    assert sheet.worksheets[-1].max_row > 1
    steps.done("file", page)
    assert troubles == []
