"""Free loopback ports for the demo's servers."""

import random
import socket
from collections.abc import Iterable

from plant.errors import ConfigurationError

_SERVER_PORTS = range(20_000, 30_000)


def is_listening(port: int) -> bool:
    """Return whether something accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_free(port: int) -> bool:
    """Return whether a loopback port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """Return a different free loopback port for each name.

    They lie below the ports that systems give to outgoing connections: such a connection could
    take the port of a server while it is being restarted.
    """
    ports = (port for port in random.sample(_SERVER_PORTS, len(_SERVER_PORTS)) if is_free(port))
    return dict(zip(names, ports, strict=False))


def page_port(wanted: int | None) -> int:
    """Return the port of the live page: the wanted one, or the first free one from 8000 on.

    Raises ConfigurationError when a port was asked for by number and is taken.
    """
    if wanted is not None:
        if not is_free(wanted):
            raise ConfigurationError(
                f"port {wanted} is in use; stop what uses it or choose another with --port"
            )
        return wanted
    for port in range(8000, 8100):
        if is_free(port):
            return port
    raise ConfigurationError("no port from 8000 to 8099 is free; choose one with --port")
