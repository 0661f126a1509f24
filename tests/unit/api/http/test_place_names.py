"""What places are called where their own names repeat, and in which zone their times are shown."""

from api.http.places import PlaceTree
from plant.place import Level
from store.reading.row import PlaceRow


def place(path: str, level: str, name: str, zone: str | None = None) -> PlaceRow:
    parent = path.rpartition("/")[0] or None
    return PlaceRow(len(path), path, level, parent, name, name, 0, zone, None, None)


def tree(*sites: tuple[str, str]) -> PlaceTree:
    rows = [place("e", "enterprise", "E")]
    for site, zone in sites:
        rows += [
            place(f"e/{site}", "site", site.upper(), zone),
            place(f"e/{site}/a", "area", "Xưởng", zone),
        ]
        for line in ("l1", "l2"):
            rows.append(place(f"e/{site}/a/{line}", "work_center", f"Chuyền {line[1]}", zone))
            rows += [
                place(f"e/{site}/a/{line}/{unit}", "work_unit", "Máy ép", zone)
                for unit in ("m1", "m2")
            ]
    rows.append(place("e/s1/a/l1/rua", "work_unit", "Máy rửa", "Asia/Ho_Chi_Minh"))
    return PlaceTree(rows)


def test_no_two_machines_are_called_the_same_when_their_names_repeat() -> None:
    places = tree(("s1", "Asia/Ho_Chi_Minh"), ("s2", "Asia/Ho_Chi_Minh"))
    units = places.within(None, Level.WORK_UNIT)
    called = places.names(units, "vi")
    assert len(set(called.values())) == len(units)
    assert called["e/s1/a/l1/rua"] == "Máy rửa"
    of_line = places.names(places.within("e/s1/a/l1", Level.WORK_UNIT), "vi")
    assert of_line["e/s1/a/l1/m1"] == "Máy ép · Chuyền 1 (m1)"


def test_an_enterprise_has_the_zone_of_its_sites_when_they_have_one() -> None:
    same = tree(("s1", "Asia/Ho_Chi_Minh"), ("s2", "Asia/Ho_Chi_Minh"))
    assert same.get("e").time_zone == "Asia/Ho_Chi_Minh"
    assert same.zones(None) == ["Asia/Ho_Chi_Minh"]
    two = tree(("s1", "Asia/Ho_Chi_Minh"), ("s2", "Asia/Tokyo"))
    assert two.get("e").time_zone is None
    assert set(two.zones("e")) == {"Asia/Ho_Chi_Minh", "Asia/Tokyo"}
    assert two.zone("e/s2/a/l1") == "Asia/Tokyo"
