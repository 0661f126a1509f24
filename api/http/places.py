"""The tree of places, as questions about paths need it."""

from collections.abc import Iterator, Sequence

from api.http.problems import unknown_place, wrong_level
from plant.place import Level
from store.reading.row import PlaceRow


class PlaceTree:
    """Places by path, in the order in which the database gives them."""

    def __init__(self, places: Sequence[PlaceRow]) -> None:
        self._by_path = {place.path: place for place in places}

    def __iter__(self) -> Iterator[PlaceRow]:
        return iter(self._by_path.values())

    def get(self, path: str) -> PlaceRow:
        """Return the place of a path; raise the problem `unknown-place` otherwise."""
        place = self._by_path.get(path)
        if place is None:
            raise unknown_place(path)
        return place

    def of_level(self, path: str, level: Level) -> PlaceRow:
        """Return the place of a path if it is of a level; raise a problem otherwise."""
        place = self.get(path)
        if place.level != level:
            raise wrong_level(path, place.level, f"a place of level {level}")
        return place

    def within(self, path: str | None, level: Level) -> list[PlaceRow]:
        """Return the places of a level at or below a path (None: everywhere)."""
        return [
            place
            for place in self._by_path.values()
            if place.level == level
            and (path is None or place.path == path or place.path.startswith(f"{path}/"))
        ]

    def children(self, path: str) -> list[PlaceRow]:
        """Return the places right below a path."""
        return [place for place in self._by_path.values() if place.parent == path]

    def ancestors(self, path: str) -> list[PlaceRow]:
        """Return the places that hold a path, from the outside in, without itself."""
        codes = path.split("/")
        return [self.get("/".join(codes[:depth])) for depth in range(1, len(codes))]

    def unit_ids(self, path: str | None) -> list[int]:
        """Return the ids of the machines at or below a path."""
        return [place.place_id for place in self.within(path, Level.WORK_UNIT)]
