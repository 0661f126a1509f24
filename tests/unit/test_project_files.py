"""The lists of packages and pins in the project's files agree with one another."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pins(lock: Path) -> set[str]:
    """Return the `name==version ; marker` of every package of a lock."""
    return {
        match[1].strip()
        for match in re.finditer(r"^(\S+==[^\\\n]+)", lock.read_text(), re.MULTILINE)
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_lock_names_no_address_and_no_folder(lock: Path) -> None:
    text = lock.read_text()

    assert "://" not in text
    assert "--index-url" not in text
    assert not re.search(r"(^|\s)/\w", text)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_has_a_hash(lock: Path) -> None:
    pinned = re.split(r"^(?=\S+==)", lock.read_text(), flags=re.MULTILINE)[1:]

    assert pinned
    assert [pin.split()[0] for pin in pinned if "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_tests_run_what_an_image_runs(lock: Path) -> None:
    versions = {pin.split(";")[0].strip() for pin in pins(ROOT / "requirements" / "dev.txt")}

    assert {pin.split(";")[0].strip() for pin in pins(lock)} - versions == set()


def test_every_service_has_a_lock() -> None:
    extras = set(PROJECT["project"]["optional-dependencies"]) - {"dashboards"}

    assert {lock.stem for lock in LOCKS} == extras


def test_every_tool_knows_the_same_packages() -> None:
    tool = PROJECT["tool"]
    packages = set(tool["hatch"]["build"]["targets"]["wheel"]["packages"])

    assert set(tool["importlinter"]["root_packages"]) == packages
    assert set(tool["deptry"]["known_first_party"]) == packages
    assert {init.parent.name for init in ROOT.glob("*/__init__.py")} - {
        "bench",
        "tests",
    } <= packages
