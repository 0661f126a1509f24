"""Sessions that hear nothing: noticed by a message to oneself through the broker.

A broker sometimes resumes a session and delivers nothing more (mosquitto 2.0.21 does), while the
connection stands and answers. Who hears nothing for a while says something to itself; what does not
come back shows that nothing else does either.
"""

from enum import Enum, auto
from threading import Lock

from plant.native.message import TOPIC_ROOT

QUIET_S = 10.0
"""Silence after which a probe is sent; and within which it must be heard."""
_HOPELESS = 2
"""Deaf connections in a row, after which the session itself is given up."""


class Look(Enum):
    """What is to be done."""

    NOTHING = auto()
    PROBE = auto()
    """Publish something on the topic of the watch."""
    DEAF = auto()
    """Leave this connection: nothing that is published is heard."""


class SilenceWatch:
    """Watches one session over its connections; its times are seconds that never jump."""

    def __init__(self, client_id: str, quiet_s: float = QUIET_S) -> None:
        self.topic = f"{TOPIC_ROOT}/probe/{client_id}"
        self.echoes = 0
        """Probes that came back."""
        self._quiet_s = quiet_s
        self._lock = Lock()
        self._heard_at = 0.0
        self._probed_at: float | None = None
        self._deaf = 0
        self._gave_up = False

    def begin(self, now: float) -> None:
        """Take note of a new connection."""
        with self._lock:
            self._heard_at, self._probed_at = now, None

    def heard(self, now: float) -> None:
        """Take note of a message, of whatever kind."""
        with self._lock:
            self._heard_at, self._probed_at = now, None
            self._deaf = 0

    def give_up(self) -> None:
        """The broker does not let us hear ourselves: watch no more."""
        with self._lock:
            self._gave_up = True

    def look(self, now: float) -> Look:
        """Return what is to be done now."""
        with self._lock:
            if self._gave_up:
                return Look.NOTHING
            if self._probed_at is None:
                if now - self._heard_at < self._quiet_s:
                    return Look.NOTHING
                self._probed_at = now
                return Look.PROBE
            if now - self._probed_at < self._quiet_s:
                return Look.NOTHING
            self._deaf += 1
            self._probed_at = None
            self._heard_at = now
            return Look.DEAF

    def is_beyond_hope(self) -> bool:
        """Tell, once each time, whether connecting again has not helped."""
        with self._lock:
            hopeless = self._deaf >= _HOPELESS
            if hopeless:
                self._deaf = 0
            return hopeless
