"""Runs the API in uvicorn until told to stop."""

import contextlib
import errno
import logging
import socket
import ssl
import threading
from collections.abc import Iterator

import structlog
import uvicorn

from api.app import create_app
from api.http.protocol import PatientProtocol
from api.settings import ApiSettings
from plant.errors import ConfigurationError, StoreUnavailableError

_log = structlog.get_logger()


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the command line owns the signals and sets `stop`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(settings: ApiSettings, stop: threading.Event) -> None:
    """Serve until `stop` is set.

    Raises ConfigurationError when the port is taken or the address is not this machine's, when
    the database refuses us, or when other machines could read without a token. A database that
    is merely away is waited for.
    """
    app = create_app(settings)
    _check_certificate(settings)
    # The pool reports every failed attempt; we report changes (see api.http.context).
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            http=PatientProtocol,
            loop="api.http.protocol:PatientLoop",
            # Nobody is believed to be a proxy who was not named as one.
            proxy_headers=bool(settings.proxies),
            forwarded_allow_ips=[str(network) for network in settings.proxies],
            timeout_graceful_shutdown=5,
            ssl_certfile=settings.tls.certificate_file if settings.tls else None,
            ssl_keyfile=settings.tls.key_file if settings.tls else None,
        )
    )

    def stop_server() -> None:
        stop.wait()
        # Live pages hold their connections open; uvicorn waits for them, so they go first.
        app.state.context.ending.announce()
        server.should_exit = True

    with contextlib.closing(_listen(settings.host, settings.port)) as listener:
        try:
            app.state.context.database.check()
        except StoreUnavailableError as exc:
            _log.warning("database_unavailable", reason=str(exc))
        threading.Thread(target=stop_server, name="api-stop", daemon=True).start()
        scheme = "https" if settings.tls else "http"
        _log.info("api_started", address=f"{scheme}://{settings.host}:{settings.port}")
        server.run(sockets=[listener])
    if not stop.is_set():
        raise ConfigurationError("the API could not start; the lines above say why")
    _log.info("api_stopped")


def _check_certificate(settings: ApiSettings) -> None:
    tls = settings.tls
    if tls is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate_file, tls.key_file)
    except OSError as exc:
        raise ConfigurationError(
            f"the certificate {tls.certificate_file} cannot be used ({exc.strerror or exc}): it "
            f"and its key, {tls.key_file or 'in the same file'}, must be PEM and belong together"
        ) from exc


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise ConfigurationError(f"host {host!r} is no address of this machine") from exc
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)
    except OSError as exc:
        listener.close()
        raise ConfigurationError(_bind_advice(exc, host, port)) from exc
    return listener


def _bind_advice(exc: OSError, host: str, port: int) -> str:
    if exc.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program: "
            "stop that program or set another `port`"
        )
    if exc.errno == errno.EACCES:
        return f"port {port} is reserved for the administrator: set a `port` above 1023"
    return f"cannot listen on {host} port {port}: {exc.strerror}"
