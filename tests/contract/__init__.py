"""The whole API, asked by a foreign reader of its description (Schemathesis) whatever that allows.

A short run is a test of the suite; `python -m tests.contract` runs as long as one likes.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from nhipmay.demo.ports import free_ports
from plant.settings import DatabaseSettings
from setup.foreign import PEERS
from tests.foreign.running import PROGRAMS
from tests.peers.serving import served
from tests.plants.api_plant import api_settings, seed

SETTINGS = Path(__file__).parent / "schemathesis.toml"
DESCRIPTION = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
ENDLESS = ("/events", "/api/v1/changes")
"""Streams that no answer ends."""


@dataclass(frozen=True, slots=True)
class Described:
    """A served API."""

    address: str
    token: str


@contextmanager
def described_api(database: DatabaseSettings) -> Iterator[Described]:
    """Serve the API on a database of ours, which is filled with a small plant."""
    seed(database)
    port = free_ports(["api"])["api"]
    token = secrets.token_hex(16)
    settings = api_settings(
        database,
        port=port,
        token=SecretStr(token),
        # Schemathesis speaks as a proxy for many machines: see `tests/foreign/described_api.py`.
        proxies=["127.0.0.1"],
    )
    with served(settings):
        yield Described(f"http://127.0.0.1:{port}", token)


def command(api: Described, *more: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that asks, and its environment; raises AbsentError without Schemathesis.

    All checks in all phases: examples, every boundary and kind of violation (`coverage`), made-up
    requests (`fuzzing`), and sequences of them (`stateful`).
    """
    program = PEERS["schemathesis"].found() / "bin" / "schemathesis"
    without = [word for path in ENDLESS for word in ("--exclude-path", path)]
    line = [
        *(str(program), "--config-file", str(SETTINGS), "run"),
        # The committed file: to ask for it has a bound of ten seconds that nothing moves.
        *(str(DESCRIPTION), "--url", api.address, "--no-color", "--checks", "all"),
        *("--header", f"Authorization: Bearer {api.token}"),
        *("--header", "Sec-Fetch-Site: same-origin", *without, *more),
    ]
    return line, os.environ | {"PYTHONPATH": str(PROGRAMS)}


def ask(api: Described, folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    """Ask until everything was asked; return what was printed, and whether anything was found."""
    line, environment = command(api, *more)
    return subprocess.run(
        line, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
