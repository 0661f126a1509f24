"""The lists of packages and pins in the project's files agree with one another."""

import ast
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from setup.scan import outcome

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
    extras = set(PROJECT["project"]["optional-dependencies"]) - {"client", "dashboards"}

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


# Calls that give up after a while, told by a keyword or by a number in the first places.
BY_KEYWORD = {"acquire", "communicate", "create_connection", "get", "result", "run", "urlopen"}
BY_PLACE = {"join", "sleep", "timeout", "wait", "wait_for", "wait_for_publish", "wait_until"}
# `sleep` of less lets others run between two looks.
A_LOOK_S = 0.1
# Waits on a clock that the test itself moves.
OWN_CLOCKS = {"bench", "driven"}


def bounds(call: ast.Call) -> list[int | float]:
    """Return the numbers that stand in a call as the time after which it gives up."""
    owner, name = "", ""
    if isinstance(call.func, ast.Attribute):
        name = call.func.attr
        owner = call.func.value.id if isinstance(call.func.value, ast.Name) else ""
    elif isinstance(call.func, ast.Name):
        name = call.func.id
    given = [keyword.value for keyword in call.keywords if "timeout" in (keyword.arg or "")]
    if name in BY_PLACE:
        given += call.args
    elif name not in BY_KEYWORD:
        return []
    if owner in OWN_CLOCKS:
        return []
    least = A_LOOK_S if name == "sleep" else 0
    return [
        one.value
        for one in given
        if isinstance(one, ast.Constant)
        and isinstance(one.value, int | float)
        and one.value >= least
    ]


def test_no_test_gives_up_after_a_time_of_its_own() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno} {bounds(node)}"
        for file in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and bounds(node)
    ]

    assert found == [], "use HANG_S of tests.waiting"


def test_clients_of_the_tests_wait_for_the_broker_as_the_tests_do() -> None:
    hasty = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in (ROOT / "tests").rglob("*.py")
        for number, (before, line) in enumerate(pairwise(["", *file.read_text().split("\n")]), 1)
        if re.search(r"(?<!Test)Client\($|(?<!Test)Client\(CallbackAPI", line)
        and "patient(" not in before + line
    ]

    assert hasty == [], "use patient of tests.peers.mqtt"


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "told"),
    [
        (0, "No known vulnerabilities found", "", 0),
        (1, "Found 1 known vulnerability", "", 1),
        (1, "", "requests.exceptions.ConnectionError: Max retries exceeded", 3),
        # An index that has packages and no advisories: all are passed over, and nothing is found.
        (0, "No known vulnerabilities found\nx  could not be audited: x (1.0)", "", 3),
        (1, "Found 1 known vulnerability\nx  could not be audited: x (1.0)", "", 1),
    ],
)
def test_what_was_not_looked_up_is_not_called_clean(
    code: int, stdout: str, stderr: str, told: int
) -> None:
    assert outcome(code, stdout, stderr) == told
