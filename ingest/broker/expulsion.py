"""Throwing a client out of the broker at once.

mosquitto reads a new revocation list when it is started again, which takes a moment. A second
client with the same id ends a connection at once, and while it stays, it is told by losing its own
connection when the other one has come back. So whoever was thrown out without coming back can no
longer come in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic, sleep

from paho.mqtt.enums import MQTTProtocolVersion

from ingest.broker.mqtt import connect, new_client
from plant.errors import BrokerUnavailableError
from plant.settings import BrokerSettings

_ANSWER_S = 10.0
_PAUSE_S = 0.1
_COMES_BACK_S = 5.0
_TAKEN_OVER = "Session taken over"


@dataclass(frozen=True, slots=True)
class Expulsion:
    """What became of it."""

    thrown_out_after_s: float
    """Seconds until the broker had ended the connection, if there was one."""
    returns: int
    """How often the client came back before the broker refused it."""


def expel(
    settings: BrokerSettings,
    client_id: str,
    *,
    watch_s: float,
    give_up_s: float,
    on_thrown_out: Callable[[float], None] = lambda _: None,
) -> Expulsion:
    """Throw a client out until it has stayed away for `watch_s`, longer than any agent's pause.

    `on_thrown_out` is told after how many seconds it was out for the first time. Raises
    BrokerUnavailableError when the broker cannot be reached, or still lets the client in after
    `give_up_s`.
    """
    began = monotonic()
    returns = 0
    first: float | None = None
    while True:
        stand_in = _StandIn(settings, client_id)
        try:
            stand_in.enter()
            if first is None:
                first = monotonic() - began
                on_thrown_out(first)
            ending = stand_in.ending(watch_s)
            if ending is None:
                return Expulsion(first, returns)
        except BrokerUnavailableError as exc:
            # It is away while it starts again, for a new list before we came as well as after.
            patience_s = _COMES_BACK_S if first is None else give_up_s
            if monotonic() - began > patience_s:
                raise
            ending = str(exc)
            sleep(_PAUSE_S)
        finally:
            stand_in.leave()
        returns += ending == _TAKEN_OVER
        if monotonic() - began > give_up_s:
            raise BrokerUnavailableError(
                f"the broker threw {client_id} out and let it in again {returns} times (the last "
                f"connection in its place ended: {ending}): it does not read the revocation list; "
                "see that `crlfile` names it and start the broker again"
            )


class _StandIn:
    """A connection with somebody else's client id; nothing of it stays at the broker."""

    def __init__(self, settings: BrokerSettings, client_id: str) -> None:
        self._settings = settings
        self._events: SimpleQueue[str | None] = SimpleQueue()
        self._client = new_client(settings, client_id, MQTTProtocolVersion.MQTTv5)
        self._client.on_connect = lambda *said: self._events.put(
            str(said[3]) if said[3].is_failure else None
        )
        self._client.on_disconnect = lambda *said: self._events.put(str(said[3]))

    def enter(self) -> None:
        try:
            connect(self._client, self._settings)
        except OSError as exc:
            raise self._unavailable(str(exc)) from exc
        try:
            problem = self._events.get(timeout=_ANSWER_S)
        except Empty:
            problem = "it does not answer"
        if problem is not None:
            raise self._unavailable(problem)

    def ending(self, within_s: float) -> str | None:
        """Return why the connection ended; None when it lasted."""
        try:
            return self._events.get(timeout=within_s)
        except Empty:
            return None

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _unavailable(self, problem: str) -> BrokerUnavailableError:
        where = f"{self._settings.host}:{self._settings.port}"
        return BrokerUnavailableError(f"no MQTT broker at {where} to throw anybody out: {problem}")
