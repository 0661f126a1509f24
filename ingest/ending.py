"""The end of the ingest within its grace, whatever a database or a broker does meanwhile.

What is not committed is not acknowledged, so nothing is lost by breaking off: it comes again.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread, current_thread, main_thread
from threading import enumerate as all_threads

import structlog

log = structlog.get_logger()

PATIENCE_S = 6.0
"""For a transaction that is under way."""
GRACE_S = 18.0
"""After which the process ends without more ado; who started it waits for 20 s."""


@contextmanager
def ending(
    stop: Event,
    break_offs: Sequence[Callable[[], None]],
    *,
    leave: Callable[[], None] | None = None,
    patience_s: float = PATIENCE_S,
    grace_s: float = GRACE_S,
) -> Iterator[None]:
    """See to it that what runs within ends once `stop` is set.

    After `patience_s` everything in `break_offs` is called, again and again; after `grace_s`
    `leave`, by default the end of the process, where its main thread runs this.
    """
    own = current_thread() is main_thread()
    leave = leave or (_leave if own else _stay)
    over = Event()
    thread = Thread(
        target=_watch,
        args=(stop, over, break_offs, leave, patience_s, grace_s),
        name="ending",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _watch(
    stop: Event,
    over: Event,
    break_offs: Sequence[Callable[[], None]],
    leave: Callable[[], None],
    patience_s: float,
    grace_s: float,
) -> None:
    while not stop.wait(0.2):
        if over.is_set():
            return
    if over.wait(patience_s):
        return
    log.warning("ingest breaks off", reason="the database does not answer")
    waited_s = patience_s
    while waited_s < grace_s:
        for break_off in break_offs:
            break_off()
        if over.wait(0.5):
            return
        waited_s += 0.5
    leave()


def _stay() -> None:
    log.error("ingest cannot end")


def _leave() -> None:
    hanging = [thread.name for thread in all_threads() if thread is not main_thread()]
    log.error("ingest ends by force", threads=", ".join(hanging))
    os._exit(1)
