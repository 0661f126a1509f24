"""`make docs`: the documentation as pages, opened from a file, searched in both languages."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("docs")
    conf = ["--quiet", "--fail-on-warning", "--conf-dir", str(ROOT / "setup" / "documentation")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *conf, str(ROOT / "docs"), str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.slow
def test_the_documentation_is_searched_without_a_server(site: Path, page: Page) -> None:
    outside: list[str] = []
    page.on("request", lambda one: None if one.url.startswith("file:") else outside.append(one.url))
    page.goto((site / "README.html").as_uri())
    expect(page.get_by_role("heading", level=1).first).to_contain_text("Documentation")
    for words, found in (("phế phẩm", "người vận hành"), ("rollback", "technicians")):
        page.goto(f"{(site / 'search.html').as_uri()}?q={words}")
        expect(page.locator("#search-results")).to_contain_text(found)
    assert outside == []
