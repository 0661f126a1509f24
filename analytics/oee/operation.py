"""What the work of a machine on a product is planned to be: time per part, parts per cycle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from analytics.readings.interval import Moments
from analytics.readings.signal import Steps


class _Valid(Protocol):
    @property
    def valid_from(self) -> int: ...
    @property
    def valid_to(self) -> int | None: ...


V = TypeVar("V", bound=_Valid)


@dataclass(frozen=True, slots=True)
class PlannedRunTime:
    """A planned run time per item (PRI) of one product on one machine, and when it holds."""

    valid_from: int
    valid_to: int | None
    """Milliseconds, half-open; None for an end not known yet."""
    run_time_ms: float


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of the way of a product through a line, and when it holds."""

    valid_from: int
    valid_to: int | None
    """Milliseconds, half-open; None for an end not known yet."""
    parts_per_item: float = 1.0
    """Parts that the machine makes for one finished item."""
    parts_per_cycle: float = 1.0
    """Parts that one count of its counters is."""
    cycle_ms: float | None = None
    """Planned time of one cycle."""


class Routing:
    """The operations of one work unit, by product."""

    def __init__(self, by_product: Mapping[str, Iterable[Operation]]) -> None:
        self._by_product = _ordered(by_product)

    def at(self, product: str | None, moment: int) -> Operation | None:
        """Return the operation on a product at a moment, None without one."""
        return _held(self._by_product.get(product or "", ()), moment)

    def parts_per_item(self, product: str | None, moment: int) -> float:
        """Return how many parts make an item of a product; 1 where nobody says."""
        if not self._by_product:
            return 1.0
        held = self.at(product, moment)
        return 1.0 if held is None else held.parts_per_item

    def changes(self) -> Moments:
        """Return the moments at which any operation begins or ends."""
        return _changes(self._by_product)

    def parts_per_count(self, product: Steps, moments: Moments) -> NDArray[np.float64]:
        """Return how many parts one count is at each moment; shape is kept."""
        factors = np.ones(moments.size, dtype=np.float64)
        codes = product.at(moments)
        for code, name in enumerate(product.names):
            made = codes == code
            for entry, until in _stretches(self._by_product.get(name, ())):
                inside = made & (moments >= entry.valid_from)
                if until is not None:
                    inside &= moments < until
                factors[inside] = entry.parts_per_cycle
        return factors

    @property
    def counts_parts(self) -> bool:
        """Whether every count is one part."""
        return all(entry.parts_per_cycle == 1 for own in self._by_product.values() for entry in own)


class PlannedRunTimes:
    """The planned run times of one work unit, by product."""

    def __init__(
        self,
        by_product: Mapping[str, Iterable[PlannedRunTime]],
        routing: Routing | None = None,
        without_product_ms: float | None = None,
    ) -> None:
        self._by_product = _ordered(by_product)
        self.routing = routing or Routing({})
        self._without_product_ms = without_product_ms

    def at(self, product: str | None, moment: int) -> float | None:
        """Return the run time in milliseconds of a product made at a moment, None without one.

        The entry that began last holds until its own end; an ended one is not followed by an
        older one. Without one it is that of the routing: cycle time / parts per cycle. Where no
        product is told it is the machine's own.
        """
        if product is None:
            return self._without_product_ms
        held = _held(self._by_product.get(product or "", ()), moment)
        if held is not None:
            return held.run_time_ms
        operation = self.routing.at(product, moment)
        if operation is None or operation.cycle_ms is None:
            return None
        return operation.cycle_ms / operation.parts_per_cycle

    def per_part(self, product: str | None, moment: int, other: Routing) -> float | None:
        """Return how long this machine takes for what one part of another machine becomes.

        Parts of the other machine make items by its routing, and items parts here by this one's.
        """
        run_time_ms = self.at(product, moment)
        if run_time_ms is None:
            return None
        here = self.routing.parts_per_item(product, moment)
        return run_time_ms * here / other.parts_per_item(product, moment)

    def changes(self) -> Moments:
        """Return the moments at which any run time or operation begins or ends."""
        return np.union1d(_changes(self._by_product), self.routing.changes())


def _ordered(by_product: Mapping[str, Iterable[V]]) -> dict[str, list[V]]:
    return {
        product: sorted(entries, key=lambda entry: entry.valid_from)
        for product, entries in by_product.items()
    }


def _held(entries: Iterable[V], moment: int) -> V | None:
    held = None
    for entry in entries:
        if entry.valid_from > moment:
            break
        held = entry
    if held is None or (held.valid_to is not None and moment >= held.valid_to):
        return None
    return held


def _stretches(entries: Iterable[V]) -> list[tuple[V, int | None]]:
    """Return each entry with the moment at which it no longer holds."""
    every = list(entries)
    found = []
    for index, entry in enumerate(every):
        ends = [every[index + 1].valid_from] if index + 1 < len(every) else []
        ends += [entry.valid_to] if entry.valid_to is not None else []
        found.append((entry, min(ends, default=None)))
    return found


def _changes(by_product: Mapping[str, Iterable[_Valid]]) -> Moments:
    found = {
        moment
        for entries in by_product.values()
        for entry in entries
        for moment in (entry.valid_from, entry.valid_to)
        if moment is not None
    }
    return np.array(sorted(found), dtype=np.int64)
