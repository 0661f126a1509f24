"""Waiting for what happens in another process. Unit tests have nothing to wait for.

A test waits for an event, never for a time. Its verdict is in what happened; `HANG_S` only ends
what will never happen, so it is the same everywhere and far longer than a busy machine takes.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

Seen = TypeVar("Seen")

HANG_S: Final = 300.0
"""What takes this long hangs: the bound of every wait of the tests."""

AGAIN_S: Final = 2.0
"""After so long a test says something again that nobody may have heard; never a verdict."""


def wait_until(condition: Callable[[], Seen], *, what: str = "the condition") -> Seen:
    """Return the first truthy value of `condition`, asked every 20 ms.

    Raises:
        AssertionError: `what` did not come about; nothing is known but that.
    """
    deadline = time.monotonic() + HANG_S
    while not (seen := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {HANG_S:g} s in vain for {what}")
        time.sleep(0.02)
    return seen
