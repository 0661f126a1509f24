"""Every folder here is a case with a story; its figures are worked out by hand."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.golden.scenario import run

CASES = sorted(Path(__file__).parent.glob("*/case.yaml"))


def differences(expected: dict[str, Any], found: dict[str, Any], tolerance: float) -> list[str]:
    """Return what is not as expected, one line each."""
    told = []
    for name, value in expected.items():
        got = found.get(name, "nothing")
        number = isinstance(value, int | float) and isinstance(got, int | float)
        if not (abs(value - got) <= tolerance if number else value == got):
            told.append(f"{name}: expected {value!r}, found {got!r}")
    return told


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.parent.name)
def test_figures_are_as_worked_out_by_hand(file: Path) -> None:
    case = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert case["expected"], "a case without an expectation proves nothing"
    found = run(case["kind"], case["input"])
    assert differences(case["expected"], found, case.get("tolerance", 1e-9)) == []


def test_differences_are_told_when_a_figure_is_off() -> None:
    assert differences({"oee": 0.5, "q": None}, {"oee": 0.6, "q": None}, 0.01) == [
        "oee: expected 0.5, found 0.6"
    ]
