"""What every command does around its service: logging, signals, and errors as plain words."""

import ctypes
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn, TypeVar

from plant.errors import ConfigurationError, NhipmayError
from plant.log import structlog
from plant.settings import LogSettings, ServiceSettings

S = TypeVar("S", bound=ServiceSettings)

_OURS = {
    "analytics",
    "api",
    "assessment",
    "edge_agent",
    "ingest",
    "nhipmay",
    "plant",
    "simulators",
    "store",
}

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""
_LARGE_BYTES = 4_000_000

EXIT_CONFIGURATION = 2
EXIT_FAILED = 1


def configure_logging(settings: LogSettings) -> None:
    """Send structured log lines to standard error, as text for people or JSON for machines."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Libraries: only what a person should act on.
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)


def run_service(settings: S, run: Callable[[S, threading.Event], object]) -> None:
    """Run a service until it ends or SIGINT or SIGTERM asks it to."""
    configure_logging(settings.log)
    _give_memory_back()
    run(settings, stop_on_signals())


def _give_memory_back() -> None:
    """Have large blocks returned to the system as soon as they are free, where the libc can.

    By itself glibc keeps blocks of up to 32 MB in its heap once it has seen one freed, so that a
    few messages of 14 MB, each alone within all bounds, leave holes of their size in it.
    """
    _mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def share_one_heap() -> None:
    """Have all threads take memory from one heap, where the libc can; before there are threads.

    By itself glibc gives each its own, which keeps whatever that thread once needed.
    """
    _mallopt(_M_ARENA_MAX, 1)


def _mallopt(parameter: int, value: int) -> None:
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(parameter, value)


def stop_on_signals() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the program with the words of our own errors instead of a traceback."""
    try:
        yield
    except ConfigurationError as exc:
        _leave(exc, EXIT_CONFIGURATION)
    except NhipmayError as exc:
        _leave(exc, EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def missing_extra(command: str, extra: str, exc: ImportError) -> ConfigurationError:
    """Return the error for a command whose libraries are not installed.

    A part of ours that is missing is no matter of an extra: that error is raised again.
    """
    if exc.name is None or exc.name.partition(".")[0] in _OURS:
        raise exc
    return ConfigurationError(
        f"'nhipmay {command}' needs more than this installation has ({exc.name}); "
        f"install it with: pip install 'nhipmay[{extra}]'"
    )


def _leave(exc: NhipmayError, code: int) -> NoReturn:
    # Imported on use: it takes as much memory as an outbox.
    from rich.console import Console

    errors = Console(stderr=True, highlight=False)
    errors.print("[bold red]nhipmay:[/]", end=" ")
    errors.print(str(exc), markup=False)
    sys.exit(code)
