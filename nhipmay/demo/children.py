"""The demo's processes: started in order, restarted when they die, stopped in reverse order."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from plant.errors import ConfigurationError, TransientError

_RESTART_DELAYS_S = (0.2, 1.0, 2.0, 5.0, 10.0)
_STABLE_AFTER_S = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Child:
    """How to run one process of the demo."""

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], bool]
    """Whether it does its work; asked repeatedly after a start."""
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None
    """Account to run under, for programs that refuse to run as root."""
    environment: dict[str, str] = field(default_factory=dict)
    ready_within_s: float = 300.0


@dataclass(slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    started: float
    restarts: int = 0


class Supervisor:
    """Runs the children of the demo; every one of them ends when this process ends."""

    def __init__(self, run_folder: Path, log_folder: Path) -> None:
        self._run_folder = run_folder
        self._log_folder = log_folder
        self._children: dict[str, Child] = {}
        self._running: dict[str, _Running] = {}
        self.restarts: dict[str, int] = {}

    def start(self, *children: Child) -> None:
        """Start children side by side and wait until all of them are ready.

        Raises ConfigurationError with the last lines of a child's log when it ends instead, and
        TransientError when it is not ready in time.
        """
        for child in children:
            self._children[child.name] = child
            self._spawn(child)
        for child in children:
            self._await(child)

    def _await(self, child: Child) -> None:
        process = self._running[child.name].process
        deadline = time.monotonic() + child.ready_within_s
        while not child.ready():
            if process.poll() is not None:
                raise ConfigurationError(
                    f"{child.name} ended with exit code {process.returncode}:\n"
                    f"{self.last_words(child.name)}"
                )
            if time.monotonic() > deadline:
                raise TransientError(
                    f"{child.name} was not ready within {child.ready_within_s:.0f} s; "
                    f"its log: {self.log_file(child.name)}"
                )
            time.sleep(0.05)

    def tend(self) -> list[str]:
        """Restart every child that has died; return the names of those restarted now."""
        revived = []
        for name, running in list(self._running.items()):
            if running.process.poll() is None:
                continue
            lived = time.monotonic() - running.started
            restarts = 0 if lived > _STABLE_AFTER_S else running.restarts
            delay = _RESTART_DELAYS_S[min(restarts, len(_RESTART_DELAYS_S) - 1)]
            if lived < delay:
                continue
            self._spawn(self._children[name], restarts + 1)
            self.restarts[name] = self.restarts.get(name, 0) + 1
            revived.append(name)
        return revived

    def stop(self, grace_s: float = 15.0) -> None:
        """Stop all children in reverse order of their start, by force where they do not obey."""
        for name in reversed(list(self._running)):
            self._stop_one(self._children[name], self._running.pop(name).process, grace_s)

    def pid(self, name: str) -> int:
        """Return the process id of a running child."""
        return self._running[name].process.pid

    def log_file(self, name: str) -> Path:
        """Return the file that holds what a child writes."""
        return self._log_folder / f"{name}.log"

    def last_words(self, name: str, lines: int = 12) -> str:
        """Return the last lines of a child's log."""
        text = self.log_file(name).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.strip().splitlines()[-lines:])

    def _spawn(self, child: Child, restarts: int = 0) -> None:
        with self.log_file(child.name).open("ab") as log:
            process = subprocess.Popen(
                child.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | child.environment,
                # Away from the terminal: Ctrl-C reaches the supervisor, which stops in order.
                start_new_session=True,
                preexec_fn=_end_with_parent(child.stop_signal),  # noqa: PLW1509 - no threads here
                user=child.user,
                group=_group(child.user),
                extra_groups=None if child.user is None else [],
            )
        # Replacing a value keeps the order of start.
        self._running[child.name] = _Running(process, time.monotonic(), restarts)
        (self._run_folder / f"{child.name}.pid").write_text(f"{process.pid}\n", encoding="ascii")

    def _stop_one(self, child: Child, process: subprocess.Popen[bytes], grace_s: float) -> None:
        with suppress(ProcessLookupError):
            process.send_signal(child.stop_signal)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        (self._run_folder / f"{child.name}.pid").unlink(missing_ok=True)


def service(name: str, command: str, settings: Path, ready: Callable[[], bool]) -> Child:
    """Return the child that runs one of our own services from its settings file."""
    argv = (sys.executable, "-m", "nhipmay", command, "--settings", str(settings))
    return Child(name, argv, ready, environment={"PYTHONUNBUFFERED": "1"})


def _end_with_parent(with_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what a new child runs first so that it ends even if this process is killed."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(with_signal))


def _group(user: str | None) -> int | None:
    return None if user is None else pwd.getpwnam(user).pw_gid
