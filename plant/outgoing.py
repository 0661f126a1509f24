"""Calling another system at an address that somebody gave us: a guard, and the call behind it.

Whoever may give an address could otherwise have this service call what only it can reach: the
database's neighbours, the machines of a floor, the metadata of a cloud (SSRF). So an address is
looked up once, *every* answer has to be one that anybody on the internet may call or one of the
networks that the settings name, and the connection goes to that very answer, so that a second look
at the name cannot lead elsewhere. Redirections are answers like any other: nobody follows them.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from plant.errors import NhipmayError, TransientError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]

_PORTS = {"https": 443, "http": 80}
_LONGEST = 2_000
_NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in (
        # Versions of Python differ about these.
        *("192.0.0.0/24", "fec0::/10"),
        # Addresses that stand for others: which, is not ours to find out.
        *("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
    )
]


class OutgoingRefusedError(NhipmayError):
    """The address is not one that this service calls."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that was let through, and where it leads."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query."""
    addresses: tuple[str, ...]
    """What the name stands for; connections go to these alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes


def destination(
    url: str, networks: Sequence[Network] = (), resolve: Resolve | None = None
) -> Destination:
    """Return where an address leads; `networks` are those of our own that may be called, too.

    Raises OutgoingRefusedError, whose words do not tell what was found, for an address that is
    none, or that leads (also) to a network that is not public and was not named; for plain HTTP
    outside of the named networks; TransientError when the name is not known at the moment.
    """
    scheme, host, port, target = _parts(url)
    answers = (resolve or _resolved)(host, port)
    addresses = [ipaddress.ip_address(answer.partition("%")[0]) for answer in answers]
    ours = [_is_in(address, networks) for address in addresses]
    if not addresses:
        raise TransientError(f"the name {host} is not known at the moment")
    if not all(own or _is_public(address) for own, address in zip(ours, addresses, strict=True)):
        raise OutgoingRefusedError(
            f"{host} is not an address of the internet: name its network among those that may be "
            "called (`networks`) if it is meant"
        )
    if scheme == "http" and not all(ours):
        raise OutgoingRefusedError(f"{host} must be called by https")
    return Destination(scheme, host, port, target, tuple(map(str, addresses)))


def call(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    networks: Sequence[Network] = (),
    timeout_s: float = 10.0,
    most_bytes: int = 1_000_000,
    context: ssl.SSLContext | None = None,
    resolve: Resolve | None = None,
) -> Answer:
    """Call an address behind the guard; the whole call takes no longer than `timeout_s`.

    Raises what `destination` raises, and TransientError when the other side is away, too slow, or
    says more than `most_bytes`.
    """
    where = destination(url, networks, resolve)
    until = time.monotonic() + timeout_s
    connection = _Connection(where, until, context)
    # Whoever sends a letter now and then is never silent: only an end of the whole ends that.
    end = threading.Timer(timeout_s, connection.cut)
    end.start()
    try:
        connection.request(method, where.target, body, dict(headers or {}))
        answer = connection.getresponse()
        content = bytearray()
        while piece := answer.read1(65_536):
            content += piece
            if len(content) > most_bytes:
                raise TransientError(f"{where.host} says more than {most_bytes} bytes")
        if connection.is_cut:
            raise TimeoutError(f"it took longer than {timeout_s:g} s")
    except (OSError, http.client.HTTPException) as exc:
        raise TransientError(f"{where.host} cannot be called: {exc}") from exc
    finally:
        end.cancel()
        connection.close()
    said = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, said, bytes(content))


class _Connection(http.client.HTTPConnection):
    """Goes to the addresses that were let through, whatever the name means by now."""

    def __init__(self, where: Destination, until: float, context: ssl.SSLContext | None) -> None:
        super().__init__(where.host, where.port, timeout=max(0.1, until - time.monotonic()))
        self.default_port = _PORTS[where.scheme]
        self._where = where
        self._until = until
        self._context = context
        self._line: socket.socket | None = None
        self.is_cut = False

    def connect(self) -> None:
        trouble: OSError | None = None
        for address in self._where.addresses:
            left = max(0.1, self._until - time.monotonic())
            try:
                self.sock = socket.create_connection((address, self._where.port), left)
                break
            except OSError as exc:
                trouble = exc
        else:
            raise trouble or OSError("no address")
        if self._where.scheme == "https":
            context = self._context or ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._where.host)
        self._line = self.sock

    def cut(self) -> None:
        """End the connection from another thread."""
        self.is_cut = True
        # Not `sock`: that is given up once an answer has begun.
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


def _parts(url: str) -> tuple[str, str, int, str]:
    refused = OutgoingRefusedError("an address is https://name/path, with no login in it")
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise refused
    try:
        split = urlsplit(url)
        port = split.port or _PORTS[split.scheme]
    except (ValueError, KeyError):
        raise refused from None
    host = (split.hostname or "").rstrip(".")
    if not host or "@" in split.netloc or "\\" in url or split.fragment:
        raise refused
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    return split.scheme, host, port, target


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        raise TransientError(f"the name {host} is not known at the moment") from exc
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _is_public(address: Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC):
        return False
    # Of multicast, some is called global.
    return address.is_global and not address.is_multicast and not address.is_reserved
