"""What the two protocol servers have in common."""

import socket
from typing import Protocol

from plant.errors import ConfigurationError
from simulators.floor import Floor


class PlantServer(Protocol):
    """A server that shows a floor to whoever connects."""

    async def start(self) -> None:
        """Open the port; raise ConfigurationError when it cannot be opened."""
        ...

    async def publish(self, floor: Floor) -> None:
        """Make readable what the truth has recorded since the last call."""
        ...

    async def stop(self) -> None:
        """Close the port and all connections."""
        ...


def check_address(host: str, port: int) -> None:
    """Raise ConfigurationError when nothing can be served at an address."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as exc:
        raise refused(host, port, exc) from exc


def refused(host: str, port: int, exc: OSError) -> ConfigurationError:
    """Return the error for an address at which nothing can be served."""
    return ConfigurationError(
        f"nothing can be served at {host}:{port}: {exc.strerror or exc}; end what uses the port "
        "or choose another one (settings `host` and `port`)"
    )
