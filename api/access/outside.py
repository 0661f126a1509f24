"""Who reads from outside an enterprise what its machines do is named in the audit, beforehand."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock

from api.access.accounts import Caller
from api.access.principal import Principal, Reach
from api.access.role import Right

MACHINES = frozenset({Right.FIGURES, Right.OPERATE, Right.CLASSIFY, Right.FLEET, Right.MASTER_DATA})
"""Rights whose routes tell of single machines."""
_AGAIN_S = 3_600.0
_MOST = 10_000
EVERY = "every enterprise"

Record = Callable[[Principal, str, str, str, Caller], None]


class OutsideReadings:
    """Notes each reader, route and enterprise once an hour, before anything is answered."""

    def __init__(self, record: Record, clock: Callable[[], float] = time.monotonic) -> None:
        self._record = record
        self._clock = clock
        self._lock = Lock()
        self._noted: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def concerns(self, principal: Principal, right: Right) -> bool:
        """Tell whether what somebody asks for comes from outside and tells of machines."""
        return principal.reach is Reach.EVERYBODY and right in MACHINES

    def note(
        self, principal: Principal, right: Right, route: str, paths: Iterable[str], caller: Caller
    ) -> None:
        """Note a reading if it comes from outside; raises what the audit's store raises.

        Without an entry there is no answer.
        """
        if not self.concerns(principal, right):
            return
        for whose in {path.partition("/")[0] for path in paths if path} or {EVERY}:
            key = (principal.name, route, whose)
            now = self._clock()
            with self._lock:
                last = self._noted.get(key)
            if last is not None and now - last < _AGAIN_S:
                continue
            # Not under the lock, as the audit may take its time; the same reading noted twice does
            # no harm.
            self._record(principal, f"read {route}", whose, "outside", caller)
            with self._lock:
                self._noted[key] = now
                self._noted.move_to_end(key)
                while len(self._noted) > _MOST:
                    self._noted.popitem(last=False)
