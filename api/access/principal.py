"""Who asks, and whose data they may see: decided here, and again by the database's logins."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from api.access.role import DATA, Right

Credential = Literal["none", "installation", "session", "personal", "bearer", "tablet"]


class Reach(Enum):
    """Whose data somebody sees, apart from those of one enterprise."""

    EVERYBODY = "everybody"
    """Of every enterprise: the one token of an installation without accounts."""
    AGGREGATES = "aggregates"
    """Sites of every enterprise, and nothing below."""
    NOBODY = "nobody"
    """Nobody's."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks."""

    name: str
    """As the audit names them: a login, or what kind of caller it is."""
    rights: frozenset[Right]
    reach: Reach | str
    """An enterprise's code, or one of `Reach`."""
    credential: Credential
    account_id: int | None = None
    session_hash: bytes | None = None
    must: Literal["", "second-factor", "password"] = ""
    """What they have to do before anything else."""
    within: str | None = None
    """The one place of the enterprise below which they see something, if it is but one."""
    device_id: int | None = None
    token_hash: bytes | None = None

    def may(self, right: Right) -> bool:
        """Tell whether a route that asks for this right is open to them."""
        if right is Right.OPEN:
            return True
        if right not in self.rights or (self.must and right is not Right.SELF):
            return False
        return self.reach is not Reach.NOBODY or right not in DATA

    def covers(self, path: str) -> bool:
        """Tell whether a place, tag or edge (its path) is one of those whose data they see."""
        if self.within is not None and path != self.within:
            return path.startswith(f"{self.within}/")
        match self.reach:
            case Reach.EVERYBODY:
                return True
            case Reach.AGGREGATES:
                return path.count("/") <= 1
            case Reach.NOBODY:
                return False
            case str() as enterprise:
                return path == enterprise or path.startswith(f"{enterprise}/")

    def leads_to(self, path: str) -> bool:
        """Tell whether a place is one that they see, or on the way to one."""
        on_the_way = self.within is not None and self.within.startswith(f"{path}/")
        return self.within is None or on_the_way or self.covers(path)

    @property
    def consumer(self) -> str:
        """Who it is that takes something of the service: all tokens of an account are one."""
        return f"account {self.account_id}" if self.account_id is not None else self.name

    @property
    def enterprise(self) -> str | None:
        """The one enterprise whose data they see, if it is one."""
        return self.reach if isinstance(self.reach, str) else None


NOBODY = Principal("nobody", frozenset(), Reach.NOBODY, "none")
"""Who shows nothing."""
INSTALLATION = Principal("installation", frozenset(Right), Reach.EVERYBODY, "installation")
"""Who has the one token of an installation without accounts, or asks one that has none."""

CURRENT: ContextVar[Principal] = ContextVar("principal", default=NOBODY)
"""Who the request being served is from; what reads the database for it goes by that."""
