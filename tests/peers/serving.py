"""The API service on a thread of the test process."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from api import ApiSettings, run
from tests.waiting import AGAIN_S, HANG_S, wait_until


@contextlib.contextmanager
def served(settings: ApiSettings) -> Iterator[threading.Event]:
    """Run the service until the end of the block, or until the event given out is set."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(settings, stop))
    thread.start()
    try:
        wait_until(lambda: _answers(settings.port), what="the API to answer")
        yield stop
    finally:
        stop.set()
        thread.join(HANG_S)
        assert not thread.is_alive(), "the API did not stop"


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=AGAIN_S).close()
    except OSError:
        return False
    return True
