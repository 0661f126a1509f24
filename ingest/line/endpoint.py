"""Where a broker listens."""

import socket
import ssl
from dataclasses import dataclass

from ingest.line.packet import LARGEST, Version

_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a broker listens, and how it is to be spoken to."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    version: Version
    longest: int = LARGEST
    """Bytes of the longest packet that is taken whole; of a longer one only the beginning."""

    def connected(self) -> socket.socket:
        """Return a socket that never waits; raises OSError or ValueError if there is none."""
        opened = socket.create_connection((self.host, self.port), _CONNECT_S)
        try:
            # Or an acknowledgement would wait for the broker to acknowledge the one before.
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                opened = self.tls.wrap_socket(opened, server_hostname=self.host)
        except BaseException:
            opened.close()
            raise
        opened.setblocking(False)
        return opened
