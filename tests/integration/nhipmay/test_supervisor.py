import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nhipmay.demo.children import Child, Supervisor
from nhipmay.demo.ports import is_listening, page_port
from plant.errors import ConfigurationError
from tests.peers.services import free_port, process_lives
from tests.waiting import wait_until


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path, tmp_path)
    yield supervisor
    supervisor.stop()


def server(port: int) -> Child:
    argv = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port))
    return Child("server", argv, lambda: is_listening(port))


def test_a_killed_child_is_started_again_when_tended(supervisor: Supervisor) -> None:
    supervisor.start(server(free_port()))
    first = supervisor.pid("server")
    os.kill(first, signal.SIGKILL)
    wait_until(supervisor.tend, what="the server to be started again")
    assert supervisor.pid("server") != first
    assert supervisor.restarts == {"server": 1}


def test_no_child_is_left_when_stopped(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(server(free_port()))
    pid = supervisor.pid("server")
    assert (tmp_path / "server.pid").read_text() == f"{pid}\n"
    supervisor.stop()
    assert not process_lives(pid)
    assert not (tmp_path / "server.pid").exists()


def test_the_last_words_of_a_child_are_told_when_it_cannot_start(supervisor: Supervisor) -> None:
    child = Child("broken", (sys.executable, "-c", "raise SystemExit('no disk')"), lambda: False)
    with pytest.raises(ConfigurationError, match="no disk"):
        supervisor.start(child)


def test_a_child_that_ignores_the_signal_is_killed_when_stopped(supervisor: Supervisor) -> None:
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    child = Child(
        "deaf",
        (sys.executable, "-u", "-c", script),
        lambda: "deaf" in supervisor.last_words("deaf"),
    )
    supervisor.start(child)
    pid = supervisor.pid("deaf")
    supervisor.stop(grace_s=0.2)
    assert not process_lives(pid)


def test_a_taken_port_is_named_when_asked_for(supervisor: Supervisor) -> None:
    port = free_port()
    supervisor.start(server(port))
    with pytest.raises(ConfigurationError, match=f"port {port} is in use"):
        page_port(port)
