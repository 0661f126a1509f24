"""A brake on guessing: who was wrong too often has to wait, whatever comes next."""

import ipaddress
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

MOST_REMEMBERED = 10_000
_SOON_S = 1.0
"""After so long it is known what became of the tries that are under way."""


def address_of(client: tuple[str, int] | None) -> str:
    """Return by what somebody is counted: an address, of IPv6 the network that one customer has."""
    if client is None:
        return ""
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return client[0]
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


class Brake:
    """Counts what went wrong per key (an address, an account) within a sliding time.

    Keys are forgotten once their time is over; beyond `MOST_REMEMBERED` the longest quiet first.
    """

    def __init__(self, clock: Callable[[], float], *, tries: int = 5, within_s: float = 60) -> None:
        """Allow `tries` faults within so many seconds of `clock`, which counts seconds."""
        self._clock = clock
        self._tries = tries
        self._within_s = within_s
        self._faults: OrderedDict[str, deque[float]] = OrderedDict()
        self._under_way: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def trying(self, *keys: str) -> Iterator[float]:
        """Yield after how many seconds a try is looked at; where that is 0, it is under way within.

        What is under way counts as wrong, for others: of many tries at once, each would be looked
        at before the first of them has turned out to be wrong.
        """
        with self._lock:
            wait_s = self.wait_s(*keys)
            if not wait_s and any(self._is_full(key) for key in keys):
                wait_s = _SOON_S
            counted = [] if wait_s else keys
            self._under_way.update(counted)
        try:
            yield wait_s
        finally:
            with self._lock:
                self._under_way.subtract(counted)
                for key in counted:
                    if not self._under_way[key]:
                        del self._under_way[key]

    def _is_full(self, key: str) -> bool:
        since = self._clock() - self._within_s
        wrong = sum(at > since for at in self._faults.get(key, ()))
        return self._under_way[key] + wrong >= self._tries

    def wait_s(self, *keys: str) -> float:
        """Return after how many seconds the next try of these keys is looked at; 0 is now."""
        return max((self._wait_of(key) for key in keys), default=0.0)

    def note_fault(self, *keys: str) -> None:
        """Remember that a try was wrong."""
        now = self._clock()
        for key in keys:
            faults = self._faults.setdefault(key, deque(maxlen=self._tries))
            faults.append(now)
            self._faults.move_to_end(key)
        while len(self._faults) > MOST_REMEMBERED:
            self._faults.popitem(last=False)

    def note_success(self, *keys: str) -> None:
        """Forget the faults of these keys: they know what they should."""
        for key in keys:
            self._faults.pop(key, None)

    def _wait_of(self, key: str) -> float:
        faults = self._faults.get(key)
        if faults is None:
            return 0.0
        now = self._clock()
        if now - faults[-1] >= self._within_s:
            del self._faults[key]
            return 0.0
        if len(faults) < self._tries:
            return 0.0
        # The first is the oldest of the last `tries`: the queue holds no more.
        return max(0.0, faults[0] + self._within_s - now)
