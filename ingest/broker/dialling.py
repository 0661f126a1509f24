"""Which broker is connected to next, in which version of MQTT, and after which pause."""

from collections.abc import Sequence
from threading import Event
from typing import Protocol

import structlog
from paho.mqtt.enums import MQTTProtocolVersion

from ingest.broker.mqtt import REFUSALS, Attempts
from ingest.line.connection import Consumer, Line
from ingest.line.endpoint import Endpoint
from ingest.line.packet import Login, Publish, Will
from plant.errors import BrokerUnavailableError, ConfigurationError
from plant.settings import BrokerSettings
from plant.tls import client_context

log = structlog.get_logger()

LONGEST_PACKET = 33_554_432
"""Bytes of a message that is taken whole; of a longer one only its beginning is."""


class Caller(Protocol):
    """Who wants a line to the broker, again and again; called on the thread that keeps it."""

    def may_call(self) -> bool:
        """Tell whether a connection is wanted now."""

    def new_line(self) -> Line:
        """Return the next line, which has not connected; see `Dialling.line`."""

    def serve(self, line: Line) -> str:
        """Let a line that stands work until it ends; return why it ended."""

    def let_go(self, line: Line) -> None:
        """Keep what a line that ended, or never stood, has left."""


class Dialling:
    """Makes lines: to each address in turn until one answers; a `lasting` session is kept there."""

    def __init__(self, settings: BrokerSettings, client_id: str, *, lasting: bool) -> None:
        self._settings = settings
        self._client_id = client_id
        self._lasting = lasting
        self._attempts = Attempts(settings.protocol)
        self._addresses = list(settings.addresses)

    @property
    def where(self) -> str:
        """The broker in words."""
        host, port = self._addresses[0]
        return f"the MQTT broker at {host}:{port}"

    def keep(self, caller: Caller, closing: Event) -> ConfigurationError | None:
        """Connect, and again after each end, until `closing` is set.

        Returns early what a person must mend before there can be a connection.
        """
        while not closing.is_set():
            if not caller.may_call():
                closing.wait(_LOOK_AGAIN_S)
                continue
            try:
                problem = self._connect_once(caller)
            except ConfigurationError as exc:
                return exc
            if problem is not None and not closing.is_set():
                log.warning("broker unavailable", broker=self.where, reason=problem)
            closing.wait(self._attempts.pause_s())
        return None

    def _connect_once(self, caller: Caller) -> str | None:
        """Connect, work until that ends, and return why it did, if that is news."""
        try:
            line = caller.new_line()
        except BrokerUnavailableError as exc:
            return self._failed(None, str(exc))
        try:
            problem = line.open()
            if problem is None:
                version = self._attempts.version.name
                log.info(
                    "broker connected",
                    broker=self.where,
                    protocol=version,
                    client_id=self._client_id,
                )
                self._attempts.succeeded()
                problem = caller.serve(line)
        finally:
            line.close()
            caller.let_go(line)
        return self._failed(line, problem)

    def line(self, consumer: Consumer, will: Will | None = None) -> Line:
        """Return the next line, which has not connected.

        Raises ConfigurationError when the files of TLS do not serve, and BrokerUnavailableError
        when the own certificate is not valid now.
        """
        return self._line(consumer, self._client_id, lasting=self._lasting, will=will)

    def end_session(self, client_id: str) -> None:
        """Let the broker forget a session and what waits in it, if it can be reached.

        Raises what `line` raises.
        """
        line = self._line(_Nobody(), client_id, lasting=False)
        line.open()
        line.close()

    def _line(
        self, consumer: Consumer, client_id: str, *, lasting: bool, will: Will | None = None
    ) -> Line:
        settings = self._settings
        host, port = self._addresses[0]
        password = None if settings.username is None else settings.secret()
        login = Login(
            client_id,
            settings.keepalive_s,
            lasting=lasting,
            session_expiry_s=settings.session_expiry_s,
            username=settings.username,
            password=None if password is None else password.encode(),
            will=will,
        )
        endpoint = Endpoint(
            host,
            port,
            None if settings.tls is None else client_context(settings.tls),
            5 if self._attempts.version is MQTTProtocolVersion.MQTTv5 else 4,
            LONGEST_PACKET,
        )
        return Line(endpoint, login, consumer)

    def _failed(self, line: Line | None, problem: str) -> str | None:
        """A line ended, or never stood; return why, if that is news.

        Raises ConfigurationError when the broker never let us in, and says that it will not.
        """
        where = self.where
        if line is None:
            return problem if self._attempts.failed_otherwise(problem) else None
        if not line.stands:
            words = REFUSALS.get(line.refused or 0)
            if words is not None and not self._attempts.ever_succeeded:
                raise ConfigurationError(f"{where} {words}")
            # Else another version is tried here first: turned together, two addresses and two
            # versions would only ever meet in the same two pairs.
            if not line.speaks_otherwise:
                self._addresses.append(self._addresses.pop(0))
        return problem if self._attempts.failed(line, problem) else None


class _Nobody:
    """The consumer of a connection that wants nothing."""

    def connected(self, line: Line) -> None:
        pass

    def subscribed(self, line: Line, filters: Sequence[str], denied: Sequence[str]) -> None:
        pass

    def take(self, line: Line, messages: Sequence[Publish]) -> int:
        return len(messages)


_LOOK_AGAIN_S = 0.1
