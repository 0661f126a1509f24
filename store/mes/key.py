"""Which keys an import has brought already, in bounded memory."""

from collections.abc import Iterator, Sequence

from plant.mes.parsing import Located
from plant.mes.problem import Problem, Reason
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("mes/mes")

IN_MEMORY = 50_000
"""Keys remembered by the process; from then on they are in a temporary table."""


class SeenKeys:
    """Finds keys that come twice."""

    def __init__(self, connection: Connection, in_memory: int = IN_MEMORY) -> None:
        self._connection = connection
        self._in_memory = in_memory
        self._places: dict[str, str] = {}
        self._table = False

    def repeated(self, batch: Sequence[Located]) -> Iterator[tuple[Located, list[Problem]]]:
        """Yield each document with the problem that its key has been there before, if it has."""
        keys = ["\x1f".join((one.document.KIND, *one.document.key)) for one in batch]
        where = [one.origin.of("") for one in batch]
        earlier = self._earlier(keys, where)
        for one, key, place in zip(batch, keys, where, strict=True):
            if earlier.get(key, place) == place:
                earlier[key] = place
                yield one, []
            else:
                words = f"the same {', '.join(one.document.KEY)} as {earlier[key]}"
                yield one, [Problem(place, "", Reason.DUPLICATE, words)]

    def _earlier(self, keys: Sequence[str], where: Sequence[str]) -> dict[str, str]:
        """Return where keys stood in earlier batches, and remember these."""
        if not self._table:
            found = {key: self._places[key] for key in keys if key in self._places}
            for key, place in zip(keys, where, strict=True):
                self._places.setdefault(key, place)
            if len(self._places) > self._in_memory:
                self._connection.execute(_Q["create_seen_keys"])
                self._see(list(self._places), list(self._places.values()))
                self._places.clear()
                self._table = True
            return found
        first = dict(zip(reversed(keys), reversed(where), strict=True))
        new = self._see(list(first), list(first.values()))
        old = [key for key in first if key not in new]
        return dict(self._connection.execute(_Q["seen_places"], {"keys": old}).fetchall())

    def _see(self, keys: list[str], where: list[str]) -> set[str]:
        rows = self._connection.execute(_Q["see_keys"], {"keys": keys, "places": where})
        return {row[0] for row in rows}
