"""The tree of the project: how full its folders are, and the drawing of its rooms."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from setup import rooms

ROOT = Path(__file__).resolve().parents[2]
MOST = 15
LISTS = {
    "bench": "programs that measure",
    "api/routers": "the endpoints",
    "nhipmay/command": "the commands",
}
"""Folders in which a list is the point, however long it gets; each with what it lists."""


def modules_by_folder() -> Counter[str]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return Counter(str(Path(name).parent) for name in names if (ROOT / name).exists())


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="not a checkout: nothing says what is ours"
)
def test_no_folder_is_a_pile() -> None:
    full = {
        folder: number
        for folder, number in modules_by_folder().items()
        if number > MOST and folder not in LISTS
    }
    assert not full, f"more than {MOST} modules: make rooms by subject (CONTRIBUTING.md): {full}"


def test_the_drawing_of_the_rooms_is_current() -> None:
    assert rooms.PICTURE.read_text("utf-8") == rooms.picture(), (
        "run: .venv/bin/python -m setup.rooms"
    )


def test_a_room_stands_above_what_it_imports() -> None:
    found = rooms.floors({"a": {"b", "c"}, "b": {"c"}, "c": set(), "d": {"c"}})
    assert found == [["a"], ["b", "d"], ["c"]]


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    assert rooms.reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {
        "a": {"b"},
        "b": {"c"},
        "c": set(),
    }


def test_rooms_in_a_circle_are_named() -> None:
    with pytest.raises(ValueError, match="a → b → a"):
        rooms.floors({"a": {"b"}, "b": {"a"}})
