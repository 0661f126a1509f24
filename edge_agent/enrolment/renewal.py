"""The agent's own care for its certificate, in a thread."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from edge_agent.settings import EdgeSettings
from plant.backoff import Backoff
from plant.clock import Clock, system_clock
from plant.errors import ConfigurationError, NhipmayError, TransientError
from plant.log import get_logger

if TYPE_CHECKING:
    from edge_agent.enrolment.enrolment import Enrolment

_FIRST_PAUSE_S = 2.0

_log = get_logger()


class RenewableLink(Protocol):
    """A connection that is told of a new certificate."""

    def identity_renewed(self) -> None:
        """Say, from any thread, that there is a new certificate."""


class Renewal:
    """Renews the certificate when two thirds of its life are over, as long as the context lasts.

    Certificates live by the wall's clock, whatever the plant's is: TLS looks at no other. Without
    `enrolment` in the settings nothing happens.
    """

    def __init__(
        self, settings: EdgeSettings, stop: threading.Event, clock: Clock = system_clock
    ) -> None:
        self._settings = settings.enrolment
        self._enrolment = _enrolment(settings) if settings.enrolment else None
        self._stop = stop
        self._ended = threading.Event()
        self._clock = clock
        self._link: RenewableLink | None = None
        self._thread: threading.Thread | None = None

    def attach(self, link: RenewableLink) -> None:
        """Take note of the connection in use."""
        self._link = link

    def __enter__(self) -> Self:
        """Enrol if need be, then look after the certificate in the background.

        Raises ConfigurationError when the edge has no certificate and cannot get one.
        """
        if self._enrolment is not None and self._settings is not None:
            if self._enrolment.validity is None:
                self._enrol(self._enrolment)
            work = self._look_after(self._enrolment, self._settings.check_interval_s)
            self._thread = threading.Thread(target=work, name="renewal", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the certificate as it is."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _enrol(self, enrolment: "Enrolment") -> None:
        """Wait for the platform and enrol; an edge without a certificate has nothing to do yet."""
        file = self._settings.token_file if self._settings else None
        if file is None:
            raise ConfigurationError(
                f"there is no {enrolment.certificate_file}: this edge is not enrolled; run "
                "`nhipmay edge enrol` with an invitation of the platform's administrator"
            )
        token = _token(file)
        backoff = Backoff(_FIRST_PAUSE_S, longest_s=60.0)
        problem: str | None = None
        while not self._stop.is_set():
            try:
                validity = enrolment.enrol(token)
            except TransientError as exc:
                if str(exc) != problem:
                    _log.warning("enrolment_waits", reason=str(exc))
                problem = str(exc)
                self._stop.wait(backoff.next_pause())
            else:
                _log.info("enrolled", holder=enrolment.holder, until=validity.end.isoformat())
                return

    def _look_after(self, enrolment: "Enrolment", interval_s: float) -> Callable[[], None]:
        def work() -> None:
            backoff = Backoff(min(_FIRST_PAUSE_S, interval_s), longest_s=interval_s)
            problem: str | None = None
            pause_s = 0.0
            while not self._ended.wait(pause_s):
                pause_s = interval_s
                try:
                    if not enrolment.is_due(self._clock()):
                        continue
                    validity = enrolment.renew()
                except NhipmayError as exc:
                    # Revoked, unreachable, a disk that is full: the old certificate goes on.
                    if str(exc) != problem:
                        _log.warning("certificate_not_renewed", reason=str(exc))
                    problem = str(exc)
                    pause_s = backoff.next_pause()
                    continue
                _log.info("certificate_renewed", until=validity.end.isoformat())
                problem = None
                backoff.reset()
                if self._link is not None:
                    self._link.identity_renewed()

        return work


def _enrolment(settings: EdgeSettings) -> "Enrolment":
    # Late: cryptography takes memory that an edge without certificates of ours does not need.
    from edge_agent.enrolment.enrolment import Enrolment

    return Enrolment(settings)


def _token(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"the token file {file} cannot be read: {exc}") from exc
