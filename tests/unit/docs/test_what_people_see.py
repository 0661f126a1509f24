"""The page that leads from each fault that people saw to its test names tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/explanations/what-people-see.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def test_every_fault_has_a_test() -> None:
    rows = re.findall(r"^\| ([WG]\d+) \|.*`tests/", PAGE, re.MULTILINE)
    numbers = {"W": 16, "G": 15}
    assert rows == [f"{kind}{k}" for kind, most in numbers.items() for k in range(1, most + 1)]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_is_there(file: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8")
