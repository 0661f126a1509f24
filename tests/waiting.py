"""Waiting for what happens in another process. Unit tests have nothing to wait for."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def wait_until(
    condition: Callable[[], Seen], *, timeout_s: float = 30.0, what: str = "the condition"
) -> Seen:
    """Return the first truthy value of `condition`, asked every 20 ms.

    Raises:
        AssertionError: `what` did not come about within `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while not (seen := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(0.02)
    return seen
