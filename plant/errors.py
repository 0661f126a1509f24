"""The error tree of Nhịp Máy.

::

    NhipmayError
    ├── ConfigurationError      a person must change something; retrying is pointless
    ├── TransientError          the world is briefly not as needed; retry with backoff
    │   ├── StoreUnavailableError
    │   ├── BrokerUnavailableError
    │   └── SourceUnavailableError   a PLC or protocol server, naming every unreachable tag
    ├── DataError               this datum is bad: reject it, keep its raw form, count it
    └── ProtocolError           the other side broke the contract

Retry policy reads the class, never the message. Every message says what to do.
"""

from collections.abc import Sequence


class NhipmayError(Exception):
    """Something in Nhịp Máy failed; the message says what and what to do about it."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or type(self).__name__).strip())


class ConfigurationError(NhipmayError):
    """The configuration is not usable; correct it and start again."""


class TransientError(NhipmayError):
    """A part of the system is not reachable at the moment; it is tried again."""


class StoreUnavailableError(TransientError):
    """The database cannot be reached; check that it runs and that its address is right."""


class BrokerUnavailableError(TransientError):
    """The MQTT broker cannot be reached; check that it runs and that its address is right."""


class SourceUnavailableError(TransientError):
    """A data source cannot be reached or does not know some of the configured tags."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(f"{source}: " + "; ".join(problems))


class DataError(NhipmayError):
    """A datum cannot be accepted; it is kept with its reason."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


class ProtocolError(NhipmayError):
    """The other side broke the agreed protocol."""
