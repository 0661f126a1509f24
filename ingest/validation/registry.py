"""Which edges are enrolled and which tags they have: a cache of the database, never its source."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.decoding.parcel import Parcel, RefusedParcel, refused
from plant.errors import DataError
from plant.measurement import TagRole, ValueType
from plant.native.message import EdgeAddress, TagDeclaration
from store.delivery.row import DeliveryTransaction, EdgeRow, TagRow

MAX_AGE_S = 10.0
"""Another worker, or an administrator, may have changed what was read."""

_MAX_FOUND = 1_000


@dataclass(frozen=True, slots=True)
class TagColumns:
    """What validation needs of all tags, one element per tag."""

    tag_id: NDArray[np.int64]
    work_unit_id: NDArray[np.int64]
    is_text: NDArray[np.bool_]
    has_role: NDArray[np.bool_]
    """Whether figures depend on it."""
    low: NDArray[np.float64]
    """Minus infinity where there is no bound."""
    high: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Sequence[TagRow]) -> "TagColumns":
        """Return the columns of the rows."""
        return cls(
            np.array([row.tag_id for row in rows], np.int64),
            np.array([row.work_unit_id for row in rows], np.int64),
            np.array([row.tag.value_type is ValueType.TEXT for row in rows], np.bool_),
            np.array([row.tag.role is not TagRole.NONE or row.is_meter for row in rows], np.bool_),
            np.array([_or(row.tag.low, -np.inf) for row in rows], np.float64),
            np.array([_or(row.tag.high, np.inf) for row in rows], np.float64),
        )


@dataclass(slots=True)
class Registry:
    """Reads edges and tags as they are needed, and again when they may have changed."""

    monotonic: Callable[[], float]
    """Seconds of a clock that never jumps."""
    require_enrolment: bool = False
    """Whether an edge must have a certificate of ours that is still good."""
    most_tags: int = 25_000
    """How many tags an edge may have in all: whoever writes has them all in memory."""
    _edges: dict[EdgeAddress, EdgeRow] = field(default_factory=dict)
    _heard: dict[int, set[int]] = field(default_factory=dict)
    """By site, the edges that spoke here: natively and by Sparkplug are two registries."""
    _sites: dict[int, dict[str, TagRow]] = field(default_factory=dict)
    """By site, the tags of these edges by their names."""
    _versions: dict[int, str | None] = field(default_factory=dict)
    """By site, of when its tags were read; none once they were changed here."""
    _before: dict[int, tuple[dict[str, TagRow] | None, str | None]] = field(default_factory=dict)
    """What this transaction changed, and its version, as it was before; None for what was not."""
    _positions: dict[int, dict[str, int]] = field(default_factory=dict)
    _columns: TagColumns = field(default_factory=lambda: TagColumns.of([]))
    _rows: list[TagRow] = field(default_factory=list)
    """What the columns are of."""
    _found: dict[tuple[int, tuple[str, ...]], tuple[NDArray[np.int64], bool]] = field(
        default_factory=dict
    )
    """Edges name the same tags in message after message."""
    _read_at: float | None = None
    _session: int | None = None
    """The connection by which all this was read."""

    def refresh(self, transaction: DeliveryTransaction, addresses: Iterable[EdgeAddress]) -> None:
        """Make sure that what is known of these edges and their tags is recent."""
        now = self.monotonic()
        recent = self._read_at is not None and now - self._read_at <= MAX_AGE_S
        # A new connection may lead to another server: after a failover or a restored backup the
        # same id may be another tag's.
        if not recent or transaction.session != self._session:
            self._check(transaction)
            self._read_at, self._session = now, transaction.session
        wanted = set(addresses)
        # Who is not accepted is looked up each time: it may have enrolled a moment ago, and the
        # birth with which it begins is sent once.
        if any(self.objection(address) for address in wanted):
            self._edges = {address_of(row): row for row in transaction.edges()}
        missing = set()
        for edge in (self._edges[address] for address in wanted if address in self._edges):
            heard = self._heard.setdefault(edge.site_id, set())
            if edge.edge_id not in heard or edge.site_id not in self._sites:
                heard.add(edge.edge_id)
                missing.add(edge.site_id)
        if missing:
            self._read(transaction, missing)

    def _check(self, transaction: DeliveryTransaction) -> None:
        """Forget the edges, and the tags of sites where they are no longer as they were read."""
        self._edges = {}
        # Not from the tags themselves: one sender may have announced thousands, and everybody's
        # next transaction would read them after each connection that is lost.
        now = transaction.tag_versions(self._sites.keys()) if self._sites else {}
        stale = {site_id for site_id in self._sites if now[site_id] != self._versions.get(site_id)}
        for site_id in stale:
            del self._sites[site_id]
        if stale:
            self._index()

    def _read(self, transaction: DeliveryTransaction, sites: Iterable[int]) -> None:
        # The version first: what changes in between is then read once more.
        self._versions |= transaction.tag_versions(sorted(sites))
        for site_id in sites:
            rows = transaction.tags(site_id, self._heard.get(site_id, ()))
            self._sites[site_id] = {row.tag.name: row for row in rows}
        self._index()

    def look_up(self, transaction: DeliveryTransaction, site_id: int, names: Sequence[str]) -> None:
        """Read tags of these names again: another worker may have stored them meanwhile.

        Not the whole site, as anybody may name what there is not, in message after message.
        """
        known = self._sites.get(site_id, {})
        rows = transaction.tags_named(site_id, names)
        if news := {row.tag.name: row for row in rows if known.get(row.tag.name) != row}:
            self._learned(site_id, news)

    def learn(self, transaction: DeliveryTransaction, site_id: int, names: Sequence[str]) -> None:
        """Read tags that this transaction stored; they are forgotten where it fails."""
        known = site_id in self._sites
        rows = (
            transaction.tags_about(site_id, names)
            if known
            else transaction.tags(site_id, self._heard.get(site_id, ()))
        )
        self._learned(site_id, {row.tag.name: row for row in rows})

    def _learned(self, site_id: int, rows: dict[str, TagRow]) -> None:
        known = self._sites.get(site_id)
        # As before the first change: another birth of the site within this transaction may not
        # replace it.
        self._before.setdefault(site_id, (known, self._versions.get(site_id)))
        # A new dictionary, as `_before` holds on to the old one.
        self._sites[site_id] = {**(known or {}), **rows}
        # Another worker may have stored others meanwhile: they are read with the next look.
        self._versions[site_id] = None
        self._index()

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Keep what a transaction teaches if it is committed; what it only read was there."""
        try:
            yield
        except BaseException:
            # Tags announced within it are not there.
            self._undo()
            raise
        self._before.clear()

    def _undo(self) -> None:
        if self._before:
            for site_id, (known, version) in self._before.items():
                self._versions[site_id] = version
                if known is None:
                    self._sites.pop(site_id, None)
                else:
                    self._sites[site_id] = known
            self._before.clear()
            self._index()

    def room(self, edge: EdgeRow) -> int:
        """Return how many more tags the edge may announce."""
        return self.most_tags - len(self._positions.get(edge.edge_id, ()))

    def edge(self, address: EdgeAddress) -> EdgeRow | None:
        """Return the edge of that address if what it says is accepted."""
        return self._edges.get(address) if self.objection(address) is None else None

    def objection(self, address: EdgeAddress) -> DataError | None:
        """Return why nothing in the name of that edge is accepted; None if it is.

        The broker binds topics to identities, so a topic's edge is its sender.
        """
        edge = self._edges.get(address)
        if edge is None:
            return DataError(
                "unknown_edge",
                f"{address.identity} is not enrolled: add it to `edges` of its site in the plant "
                "description",
            )
        if edge.revoked:
            return DataError(
                "edge_revoked",
                f"{address.identity} was turned out: `nhipmay edge invite` lets it enrol again",
            )
        if self.require_enrolment and not edge.certified:
            return DataError(
                "not_enrolled",
                f"{address.identity} has no certificate that is good: `nhipmay edge invite` lets "
                "it enrol",
            )
        return None

    def has_tags(self, edge: EdgeRow) -> bool:
        """Tell whether the edge has ever announced a tag."""
        return edge.edge_id in self._positions

    def knows(self, edge: EdgeRow, declarations: Sequence[TagDeclaration]) -> bool:
        """Tell whether all of these are stored as tags of the edge, just as they are declared."""
        known = self._positions.get(edge.edge_id, {})
        return all(
            declaration.name in known
            and self._rows[known[declaration.name]].tag == declaration.tag()
            for declaration in declarations
        )

    def positions(self, edge: EdgeRow, names: Sequence[str]) -> NDArray[np.int64]:
        """Return where in `columns` the edge's tags of these names are; -1 for unknown ones."""
        return self._find(edge, names)[0]

    def has_strange(self, edge: EdgeRow, names: Sequence[str]) -> bool:
        """Tell whether the edge has not announced one of these tags."""
        return self._find(edge, names)[1]

    def strange(self, edge: EdgeRow, names: Sequence[str]) -> list[str]:
        """Return those of the names that the edge has not announced."""
        known = self._positions.get(edge.edge_id, {})
        return [name for name in names if name not in known]

    def _find(self, edge: EdgeRow, names: Sequence[str]) -> tuple[NDArray[np.int64], bool]:
        key = (edge.edge_id, tuple(names))
        found = self._found.get(key)
        if found is None:
            known = self._positions.get(edge.edge_id, {})
            positions = np.array([known.get(name, -1) for name in names], np.int64)
            found = positions, bool((positions < 0).any())
            if len(self._found) >= _MAX_FOUND:
                self._found.clear()
            self._found[key] = found
        return found

    @property
    def columns(self) -> TagColumns:
        """All tags read so far."""
        return self._columns

    def _index(self) -> None:
        rows = [row for site in self._sites.values() for row in site.values()]
        self._columns, self._rows = TagColumns.of(rows), rows
        # Positions move with every change of tags: one kept over it would store values under
        # another tag.
        self._positions, self._found = {}, {}
        for position, row in enumerate(rows):
            self._positions.setdefault(row.edge_id, {})[row.tag.name] = position


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def stranger(parcel: Parcel, registry: Registry) -> RefusedParcel:
    """Return the parcel as refused for its sender, to whom the registry objects."""
    objection = registry.objection(parcel.address) if parcel.address else None
    assert objection is not None, "the registry knows no edge only if it objects to it"
    return refused(parcel, objection.reason, objection.detail)


def address_of(edge: EdgeRow) -> EdgeAddress:
    """Return the address by which an edge speaks."""
    enterprise, site = edge.site_path.split("/")
    return EdgeAddress(enterprise, site, edge.code)
