"""The assertions that the reference calls covered are those that tests name."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
ASSERTION = re.compile(r"tck-id-[A-Za-z0-9-]+")


def test_covered_assertions_are_named_by_tests() -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    named = {found for path in tests for found in ASSERTION.findall(path.read_text("utf-8"))}
    page = (ROOT / "docs" / "reference" / "sparkplug.md").read_text(encoding="utf-8")
    covered, _, others = page.partition("assertions not covered")
    not_covered = ASSERTION.findall(others)
    assert set(ASSERTION.findall(covered)) == named
    assert f"{len(named)} assertions covered" in covered
    assert not named & set(not_covered)
    assert len(not_covered) == len(set(not_covered))
    assert f"{len(not_covered)} assertions not covered" in page
