"""The tree of places, as questions about paths need it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from api.http.problems import unknown_place, wrong_level
from plant.place import Level
from store.reading.row import PlaceRow


class PlaceTree:
    """Places by path, in the order in which the database gives them.

    An enterprise has the time zone of its sites, where they have the same.
    """

    def __init__(self, places: Sequence[PlaceRow]) -> None:
        self._by_path = {place.path: place for place in places}
        for place in places:
            if place.time_zone is None and len(zones := self.zones(place.path)) == 1:
                self._by_path[place.path] = replace(place, time_zone=zones[0])

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

    def names(self, places: Sequence[PlaceRow], language: str) -> dict[str, str]:
        """Return what each of some places is called, by path; no two are called the same.

        A name that several have is followed by that of the place above, and by the code where
        that is not enough.
        """
        called = {place.path: name_of(place, language) for place in places}
        for path in _several(called):
            parent = self._by_path.get(path.rpartition("/")[0])
            if parent is not None:
                called[path] += f" · {name_of(parent, language)}"
        for path in _several(called):
            called[path] += f" ({path.rpartition('/')[2]})"
        for path in _several(called):
            called[path] = f"{called[path]} · {path}"
        return called

    def zones(self, path: str | None) -> list[str]:
        """Return the time zones at or below a path (None: everywhere), that of most sites first."""
        place = None if path is None else self.get(path)
        if place is not None and place.time_zone:
            return [place.time_zone]
        sites = Counter(site.time_zone for site in self.within(path, Level.SITE))
        return [zone for zone, _ in sites.most_common() if zone]

    def zone(self, path: str | None) -> str:
        """Return the zone in which times of a place are shown; UTC where no site has one."""
        return next(iter(self.zones(path)), "UTC")


def name_of(place: PlaceRow, language: str) -> str:
    """Return a place's own name in a language."""
    return place.name_vi if language == "vi" else place.name_en


def _several(called: dict[str, str]) -> list[str]:
    how_many = Counter(called.values())
    return [path for path, name in called.items() if how_many[name] > 1]
