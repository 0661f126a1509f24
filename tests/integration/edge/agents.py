"""Running edge agents under test: in a thread, or as a process that can be killed."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml

from edge_agent import Counters, EdgeSettings, run
from plant.settings import load_settings
from tests.waiting import HANG_S

ROOT = Path(__file__).resolve().parents[3]
_PROGRAM = """
import signal, sys, threading
from pathlib import Path
from edge_agent import EdgeSettings, run
from plant.settings import load_settings
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
run(load_settings(EdgeSettings, Path(sys.argv[1])), stop)
"""


def settings_file(
    folder: Path, broker_port: int, sources: Mapping[str, object], **blocks: Any
) -> Path:
    """Write the settings of edge-1 with an outbox in `folder`; `blocks` add to or replace them."""
    content: dict[str, Any] = {
        "edge": {"enterprise": "co-khi-mau", "site": "bien-hoa", "code": "edge-1"},
        "broker": {"port": broker_port},
        "outbox": {"file": str(folder / "outbox.sqlite"), "flush_interval_ms": 20},
        "publishing": {"linger_ms": 20, "ack_timeout_s": 1, "status_interval_s": 1},
        "sources": dict(sources),
    }
    for name, block in blocks.items():
        content[name] = {**content.get(name, {}), **block}
    file = folder / "edge.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


class AgentThread:
    """An agent in this process; leaving the context stops it."""

    def __init__(self, file: Path) -> None:
        self._settings = load_settings(EdgeSettings, file)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.counters: Counters | None = None
        self.latest = Counters()
        """The counters a moment ago."""
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.join()

    def join(self) -> Counters:
        """Wait until the agent has ended and return its counters."""
        self._thread.join(HANG_S)
        assert not self._thread.is_alive(), "the agent does not end"
        if self.error is not None:
            raise self.error
        assert self.counters is not None
        return self.counters

    def _look(self, counters: Counters) -> None:
        self.latest = counters

    def _run(self) -> None:
        try:
            self.counters = run(self._settings, self._stop, self._look)
        except Exception as exc:  # noqa: BLE001  # the test's thread raises it again
            self.error = exc


class AgentProcess:
    """An agent in a process of its own, to be killed."""

    def __init__(self, file: Path) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(file)], cwd=ROOT)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        self._process.terminate()
        return self._process.wait(HANG_S)
