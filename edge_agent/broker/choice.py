"""What to try with the next connection: which version of the protocol, and which broker."""

from collections.abc import Sequence
from typing import Literal

Version = Literal["5", "3.1.1"]
Address = tuple[str, int]


class VersionChoice:
    """Which protocol version to try next: 5 first, 3.1.1 when the broker does not take it.

    A broker that says so is believed for good. One that only hangs up is asked again next time;
    once it has spoken 5, hanging up has another reason (a failover), and 5 stays: under 3.1.1 a
    publish that is denied looks like one that was taken.
    """

    def __init__(self, setting: Literal["auto", "5", "3.1.1"]) -> None:
        self._fixed = setting != "auto"
        self._spoke_5 = False
        self.version: Version = "5" if setting == "auto" else setting

    def unsupported(self) -> None:
        """The broker said that it does not speak the version."""
        if not self._fixed:
            self.version, self._fixed = "3.1.1", True

    def hung_up(self) -> None:
        """The broker ended the connection without an answer."""
        if not self._fixed and not self._spoke_5:
            self.version = "3.1.1" if self.version == "5" else "5"

    def accepted(self) -> None:
        """The broker accepted a connection with the version."""
        self._spoke_5 = self._spoke_5 or self.version == "5"

    def lost(self) -> None:
        """An accepted connection ended."""
        if not self._fixed:
            self.version = "5"


class AddressChoice:
    """Which broker to try next: the present one until it does not accept a connection."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = tuple(addresses)
        self.present = self._addresses[0]

    def failed(self, address: Address) -> None:
        """A connection to an address was not accepted: the one after it is next."""
        place = self._addresses.index(address) + 1
        self.present = self._addresses[place % len(self._addresses)]
