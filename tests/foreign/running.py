"""Starts programs of foreign stacks and talks to them by lines of standard input and output."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from setup.foreign import PEERS, AbsentError
from setup.foreign_peers import required

PROGRAMS = Path(__file__).parent
Process = subprocess.Popen[str]


def peer_folder(name: str) -> Path:
    """Return where a foreign peer is; skip the test where it is not, or fail where it must be."""
    try:
        return PEERS[name].found()
    except AbsentError as exc:
        if required():
            pytest.fail(str(exc))
        pytest.skip(str(exc))


@contextmanager
def peer(*command: object) -> Iterator[Process]:
    """Run a program of a foreign stack; what it prints is in `stdout`."""
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def in_python(folder: Path, program: str, *arguments: object) -> list[object]:
    """Return the command of a program in a Python environment."""
    return [folder / "bin" / "python", PROGRAMS / program, *arguments]


def in_node(folder: Path, program: str, *arguments: object) -> list[object]:
    """Return the command of a program in Node, which finds packages in the folder."""
    modules = f"NODE_PATH={folder / 'node_modules'}"
    return ["env", modules, "node", PROGRAMS / program, *arguments]


def in_java(folder: Path, program: str, *arguments: object) -> list[object]:
    """Return the command of a one-file program in Java with the archives of the folder."""
    return ["java", "-cp", folder / "jars" / "*", PROGRAMS / program, *arguments]


def tell(process: Process, *lines: object) -> None:
    """Write lines to the standard input of a program."""
    assert process.stdin is not None
    for line in lines:
        process.stdin.write(f"{line}\n")
    process.stdin.flush()
