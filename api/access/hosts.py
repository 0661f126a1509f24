"""By which names this service may be addressed.

A page of another web site can have its own name lead here (DNS rebinding) and then read what a
browser on this machine may read. Only its name in the header `Host` gives it away, so names are
taken that were given to this service, and no others. An address in digits cannot be made to lead
elsewhere.
"""

import ipaddress
from collections.abc import Iterable

_LOOPBACK = frozenset(("localhost", "localhost.localdomain"))


class TrustedHosts:
    """The names of one installation: those of this machine, and those given."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take names; `.example.vn` stands for every name that ends so."""
        given = {name.lower().rstrip(".") for name in names}
        self._names = _LOOPBACK | {name for name in given if not name.startswith(".")}
        self._endings = tuple(name for name in given if name.startswith("."))

    def trusts(self, header: str) -> bool:
        """Tell whether the value of a header `Host` is a name of this service; the port is free."""
        name = _name_of(header)
        if name is None:
            return False
        ours = name in self._names or name.endswith((".localhost", *self._endings))
        return ours or _is_address(name)


def _name_of(header: str) -> str | None:
    text = header.strip().lower()
    if text.startswith("["):
        name, closed, port = text[1:].partition("]")
        port = port.removeprefix(":")
        if not closed:
            return None
    else:
        name, _, port = text.partition(":")
    if not name or (port and not (port.isascii() and port.isdigit())):
        return None
    return name.rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
