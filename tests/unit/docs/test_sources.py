"""The page that leads from each input that broke a driver to a test names tests there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/explanations/sources.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
CASES = sorted(set(re.findall(r"`(tests/golden/\w+)`", PAGE)))


def test_every_input_has_a_test() -> None:
    rows = re.findall(r"^\| ([A-Z]\d+) \|.*`tests/", PAGE, re.MULTILINE)
    numbers = {"D": 13, "M": 6, "S": 2, "C": 2, "Q": 4, "V": 1, "E": 4, "P": 13}
    wanted = [f"{kind}{k}" for kind, most in numbers.items() for k in range(1, most + 1)]
    assert rows == [*wanted, *(f"F{k}" for k in range(29, 36))]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_is_there(file: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_a_case_that_is_named_is_there(case: str) -> None:
    assert (ROOT / case / "case.yaml").is_file()
