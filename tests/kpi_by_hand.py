"""Every figure of a place, formed by hand from stored rows: slices, tiles and the master data.

A second implementation of the tables in `docs/reference/kpi.md`, with no formula of the engine.
Rows are those of the database by column name; what cannot be told is None.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
Amounts = dict[str, float | None]
HOUR_MS = 3_600_000
SUMMED = (
    *("calendar_ms", "pot_ms", "pbt_ms", "apt_ms", "aust_ms", "adet_ms", "adot_ms", "unknown_ms"),
    *("unscheduled_production_ms", "planned_break_ms", "planned_maintenance_ms"),
    *("planned_setup_ms", "breakdown_ms", "pri_pq_ms", "pri_gq_ms", "line_pri_gq_ms"),
    *("start_up_pri_ms", "produced_quantity", "good_quantity", "scrap_quantity"),
    *("rework_quantity", "energy_kwh", "idle_energy_kwh", "inspected_parts"),
    *("unpriced_items", "line_pri_sq_ms"),
)
_OEE_ONLY = (
    *("pri_pq_ms", "pri_gq_ms", "line_pri_gq_ms", "start_up_pri_ms"),
    *("unpriced_items", "line_pri_sq_ms"),
)
_COUNTED = ("produced", "good", "scrap", "rework")


@dataclass(frozen=True)
class Works:
    """A line: its machines by path, in the order of the flow."""

    kind: str
    bottleneck: str | None
    units: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """The choices that the figures depend on."""

    minor_s: float
    minor_runs: bool
    """Whether minor stops stay in running time."""
    at_least_s: float
    merge_s: float
    states: tuple[str, ...]
    plus_1: bool


@dataclass(frozen=True)
class Failed:
    """A failure; `end` is None while nothing shows that it is over."""

    start: datetime
    end: datetime | None


@dataclass
class Plant:
    """What is stored of all machines, by path, and what is known of them."""

    slices: Mapping[str, Sequence[Row]]
    tiles: Mapping[str, Sequence[Row]]
    lines: Sequence[Works]
    policy: Policy
    per_item: Mapping[tuple[str, str], float]
    """Parts that a machine makes for an item of a product; 1 where nothing is said."""
    stateless: frozenset[str]
    failures: dict[str, list[Failed]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for unit, tiles in self.tiles.items():
            self.failures[unit] = failures_of(tiles, self.policy)


def failures_of(tiles: Sequence[Row], policy: Policy) -> list[Failed]:
    """Return the failures of a machine's tiles: standing broken, with nothing else said between."""
    horizon = max((tile["end_time"] for tile in tiles), default=None)
    whole: list[list[datetime | None]] = []
    going = False
    for tile in tiles:
        broken = tile["stop_kind"] in policy.states
        if broken and tile["element"] in ("delay", "down"):
            if not going:
                whole.append([tile["start_time"], None, None])
            going = True
            whole[-1][1] = tile["end_time"]
        elif not broken and (tile["element"] == "setup" or tile["state"] is not None):
            if going:
                whole[-1][2] = whole[-1][1]
            going = False
    found: list[Failed] = []
    for start, _, over in whole:
        assert start is not None
        assert horizon is not None
        if ((over or horizon) - start).total_seconds() < policy.at_least_s:
            continue
        last = found[-1].end if found else None
        if last is not None and (start - last).total_seconds() < policy.merge_s:
            found[-1] = Failed(found[-1].start, over)
        else:
            found.append(Failed(start, over))
    return found


def _sum(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else sum(one for one in known if one is not None)


def _over(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


@dataclass(frozen=True)
class Told:
    """What a place has of a group: sums, and whether nothing can be divided."""

    sums: Amounts
    absent: bool
    minor_ms: float
    stateless: bool = False
    """Whether nothing says when it ran."""

    @property
    def mute(self) -> bool:
        """Whether it was to work, and nothing was ever told or counted of it."""
        s = self.sums
        planned = 0 < (s["pbt_ms"] or 0) == s["unknown_ms"]
        counted = (s["produced_quantity"], s["good_quantity"]) != (None, None)
        return planned and not counted and not s["energy_kwh"]


class Group:
    """The figures of places from some slices of their machines."""

    def __init__(self, plant: Plant, rows: Mapping[str, Sequence[Row]], *, timed: bool) -> None:
        """Take the slices of each machine that has any; `timed` where they are one stretch."""
        self.plant = plant
        self.rows = {unit: own for unit, own in rows.items() if own}
        self.timed = timed

    def unit(self, path: str) -> Told:
        """Return the sums of a machine."""
        rows = self.rows[path]
        sums: Amounts = {name: _sum(row[name] for row in rows) for name in SUMMED}
        for name in _COUNTED:
            sums[f"{name}_items"] = _sum(
                _over(row[f"{name}_quantity"], self._per_item(path, row)) for row in rows
            )
        sums["failure_events"] = float(len(self.began(path)))
        minor = self._minor_ms(path) if self.plant.policy.minor_runs else 0.0
        return Told(sums, False, minor, path in self.plant.stateless)

    def place(self, lines: Sequence[Works]) -> Told:
        """Return the sums of lines together."""
        return _pool([self.line(line) for line in lines if any(u in self.rows for u in line.units)])

    def line(self, line: Works) -> Told:
        """Return the sums of a line."""
        units = {path: self.unit(path) for path in line.units if path in self.rows}
        if line.kind == "parallel":
            return _pool(list(units.values()))
        if len(line.units) == 1:
            alone = units[line.units[0]]
            items = {f"{name}_quantity": alone.sums[f"{name}_items"] for name in _COUNTED}
            return Told(alone.sums | items, alone.absent, alone.minor_ms, alone.stateless)
        units = {path: unit for path, unit in units.items() if not unit.mute}
        paced = line.bottleneck
        last = units.get(line.units[-1])
        of_all: Amounts = {
            name: _sum(unit.sums[name] for unit in units.values())
            for name in ("energy_kwh", "idle_energy_kwh", "scrap_items", "rework_items")
        }
        of_all |= {
            name: _sum(unit.sums[name] for unit in units.values())
            for name in ("failure_events", "inspected_parts")
        }
        of_all |= {f"{name}_quantity": of_all[f"{name}_items"] for name in ("scrap", "rework")}
        good = None if last is None else last.sums["good_items"]
        of_all |= {"good_items": good, "good_quantity": good}
        clocks = [own.sums["calendar_ms"] or 0 for own in (units.get(paced or ""), last) if own]
        uneven = self.timed and min(clocks, default=0) < 0.9 * max(clocks, default=0)
        if paced is None or paced not in units or last is None or uneven:
            clock = max((unit.sums["calendar_ms"] or 0 for unit in units.values()), default=0)
            nothing: Amounts = dict.fromkeys(SUMMED, 0)
            nothing |= dict.fromkeys((*_OEE_ONLY, "produced_quantity", "produced_items"))
            return Told(nothing | of_all | {"calendar_ms": clock}, absent=True, minor_ms=0)
        own = units[paced]
        sums = own.sums | of_all
        scrap = _sum(_scrapped(unit.sums) for unit in units.values())
        left, out = _sum((good, scrap)), last.sums["line_pri_gq_ms"]
        sums |= {"scrap_items": scrap, "scrap_quantity": scrap}
        sums |= {"produced_quantity": left, "produced_items": left, "pri_gq_ms": out}
        scrap_ms = _sum(unit.sums["line_pri_sq_ms"] for unit in units.values())
        sums |= {"pri_pq_ms": _sum((out, scrap_ms))}
        return Told(sums, own.absent, own.minor_ms, own.stateless)

    def began(self, path: str) -> list[Failed]:
        """Return the failures that began in the slices of a machine."""
        return [
            failed
            for failed in self.plant.failures[path]
            if any(r["slice_start"] <= failed.start < r["slice_end"] for r in self.rows[path])
        ]

    def corrective_ms(self, path: str, end: datetime) -> float:
        """Return working time in failures; of a group in pieces of those which began in it."""
        if not self.timed:
            return sum(
                self._stood_ms(path, failed.start, min(failed.end or end, end))
                for failed in self.began(path)
            )
        first = min(row["slice_start"] for row in self.rows[path])
        last = max(row["slice_end"] for row in self.rows[path])
        return sum(
            self._stood_ms(path, max(failed.start, first), min(failed.end or last, last))
            for failed in self.plant.failures[path]
        )

    def _stood_ms(self, path: str, first: datetime, last: datetime) -> float:
        """Return for how long a machine did not run in planned busy time of a span."""
        return sum(
            max(0.0, _ms(min(tile["end_time"], last) - max(tile["start_time"], first)))
            for tile in self.plant.tiles[path]
            if tile["element"] in ("delay", "down", "unknown")
        )

    def operated_to_last_ms(self, path: str) -> float:
        """Return the operating time of a machine up to its last failure here."""
        last = max(failed.start for failed in self.began(path))
        return sum(
            _ms(min(tile["end_time"], last) - tile["start_time"])
            for row in self.rows[path]
            for tile in self._tiles(path, row)
            if tile["start_time"] < last
            and (
                tile["element"] == "production"
                or (tile["element"] == "setup" and not row["planned_setup_ms"])
            )
        )

    def executed_ms(self) -> float:
        """Return AOET of the machines: of each order from its first to its last moment."""
        spans: dict[str, list[Row]] = {}
        for own in self.rows.values():
            for row in own:
                if row["order_number"] is not None:
                    spans.setdefault(row["order_number"], []).append(row)
        return sum(
            _ms(max(r["slice_end"] for r in rows) - min(r["slice_start"] for r in rows))
            for rows in spans.values()
        )

    def _per_item(self, path: str, row: Row) -> float:
        return self.plant.per_item.get((path, row["product_code"] or ""), 1.0)

    def _minor_ms(self, path: str) -> float:
        limit = timedelta(seconds=self.plant.policy.minor_s)
        whole = list(_stops(self.plant.tiles[path]))
        return sum(
            _ms(tile["end_time"] - tile["start_time"])
            for row in self.rows[path]
            for tile in self._tiles(path, row)
            if tile["element"] == "delay"
            and any(s <= tile["start_time"] < e and e - s < limit for s, e in whole)
        )

    def _tiles(self, path: str, row: Row) -> list[Row]:
        return [
            tile
            for tile in self.plant.tiles[path]
            if row["slice_start"] <= tile["start_time"] < row["slice_end"]
        ]


def _scrapped(sums: Amounts) -> float | None:
    """Return scrap in items: counted, or what is neither good nor rework."""
    made, good = sums["produced_items"], sums["good_items"]
    if sums["scrap_items"] is not None or made is None or good is None:
        return sums["scrap_items"]
    return made - good - (sums["rework_items"] or 0)


def _stops(tiles: Sequence[Row]) -> Iterator[tuple[datetime, datetime]]:
    """Yield whole stops with an order: the same way of standing, pauses of the plan within."""
    place = 0
    while place < len(tiles):
        first = tiles[place]
        if first["element"] not in ("delay", "down"):
            place += 1
            continue
        look, last = place, place
        while look < len(tiles) and tiles[look]["stop_kind"] == first["stop_kind"]:
            if tiles[look]["element"] == first["element"]:
                last = look
            elif tiles[look]["element"] not in ("planned_break", "planned_maintenance"):
                break
            look += 1
        if first["element"] == "delay":
            yield first["start_time"], tiles[last]["end_time"]
        place = last + 1


def _pool(members: Sequence[Told]) -> Told:
    """Return several places together; what is not planned adds nothing that OEE divides."""
    shares: list[Amounts] = []
    for member in members:
        sums = dict(member.sums)
        counted = [f"{name}_{unit}" for name in _COUNTED for unit in ("quantity", "items")]
        if not member.absent and 0 < (sums["pbt_ms"] or 0) == sums["unknown_ms"]:
            if not sums["pri_gq_ms"]:
                sums |= {name: sums[name] or 0 for name in (*counted, *_OEE_ONLY)}
        elif not member.absent and not sums["pbt_ms"]:
            sums |= dict.fromkeys(_OEE_ONLY, 0)
            if not sums["unscheduled_production_ms"]:
                sums |= {name: sums[name] or 0 for name in counted}
        shares.append(sums)
    names = shares[0].keys() if shares else ()
    return Told(
        {name: _sum(share[name] for share in shares) for name in names},
        any(member.absent for member in members),
        sum(member.minor_ms for member in members if member.sums["pbt_ms"]),
        all(member.stateless for member in members if member.sums["pbt_ms"])
        and any(member.sums["pbt_ms"] for member in members),
    )


def figures(
    group: Group, told: Told, members: Sequence[str], first: Told | None, end: datetime
) -> Amounts:
    """Return every figure of a place by name.

    `members` are its machines, `first` what is known of the first machine of its serial line if it
    is that or of that, `end` the end of the window.
    """
    return _of_oee(told) | _of_all(group, told, members, first, end)


def _of_oee(told: Told) -> Amounts:
    s = told.sums
    planned, good, pbt = s["pri_pq_ms"], s["pri_gq_ms"], s["pbt_ms"] or 0
    divided = not told.absent and pbt > 0
    unseen = s["unknown_ms"] == pbt and not told.stateless
    known = divided and (not unseen or bool(planned) or bool(good))
    ran_known = known and not told.stateless and not unseen
    ran = (s["apt_ms"] or 0) + told.minor_ms
    unpriced = bool(s["unpriced_items"]) and not planned and not good
    made, well = (planned, good)
    if not planned or good is None:
        made, well = s["produced_quantity"], s["good_quantity"]
    quality = _over(well, made) if (made or 0) > 0 else None
    aupt = (s["apt_ms"] or 0) + (s["aust_ms"] or 0)
    speed = None if unpriced else _over(planned, ran)
    clocked = not told.absent and good is not None and not unpriced
    clocked = clocked and (known or pbt == 0)
    numerator = good if clocked else None
    nee = None
    iso_speed = None if unpriced else _over(planned, s["apt_ms"])
    if ran_known and iso_speed is not None and quality is not None:
        nee = aupt / pbt * iso_speed * quality
    return {
        "availability": ran / pbt if ran_known else None,
        "effectiveness": speed if ran_known else None,
        "quality_ratio": quality if known else None,
        "oee": _over(good, pbt) if known and not unpriced else None,
        "net_equipment_effectiveness": nee,
        "overall_operations_effectiveness": _over(numerator, s["pot_ms"]),
        "total_effective_equipment_performance": _over(numerator, s["calendar_ms"]),
    }


def _of_all(
    group: Group, told: Told, members: Sequence[str], first: Told | None, end: datetime
) -> Amounts:
    s = told.sums
    units = [path for path in members if path in group.rows]
    own = [group.unit(path).sums for path in units]
    apt, aust, adet = (
        sum(one[name] or 0 for one in own) for name in ("apt_ms", "aust_ms", "adet_ms")
    )
    maintained = sum(one["planned_maintenance_ms"] or 0 for one in own)
    executed = group.executed_ms()
    began = {path: group.began(path) for path in units}
    count = sum(map(len, began.values()))
    repairs = [_ms(f.end - f.start) for each in began.values() for f in each if f.end is not None]
    worked = [
        sum(
            _ms(tile["end_time"] - tile["start_time"])
            for tile in group.plant.tiles[path]
            if f.start <= tile["start_time"] < f.end
            and tile["element"] in ("delay", "down", "unknown")
        )
        for path, each in began.items()
        for f in each
        if f.end is not None
    ]
    corrective = sum(group.corrective_ms(path, end) for path in units)
    to_last = sum(group.operated_to_last_ms(path) for path in units if began[path])
    per_failure = _over(apt + aust, count * HOUR_MS)
    plus_1 = _over(apt + aust, (count + 1) * HOUR_MS) if count else None
    aupt = (s["apt_ms"] or 0) + (s["aust_ms"] or 0)
    aubt = aupt + (s["adet_ms"] or 0)
    steps: Amounts = {} if first is None else first.sums
    made = s["produced_quantity"]
    found: Amounts = {
        "utilization_efficiency": _over(s["apt_ms"], aubt),
        "allocation_efficiency": _over(aubt, s["pbt_ms"]),
        "technical_efficiency": _over(s["apt_ms"], (s["apt_ms"] or 0) + (s["adet_ms"] or 0)),
        "setup_ratio": _over(s["aust_ms"], aupt),
        "allocation_ratio": _over(apt + aust + adet, executed),
        "production_process_ratio": _over(apt, executed),
        "throughput_rate": None if made is None else _over(made * HOUR_MS, executed),
        "scrap_ratio": _over(s["scrap_quantity"], made),
        "rework_ratio": _over(s["rework_quantity"], made),
        "first_pass_yield": None,
        "fall_off_ratio": _over(s["scrap_items"], steps.get("produced_items")),
        "mtbf": plus_1 if group.plant.policy.plus_1 else per_failure,
        "mtbf_per_failure": per_failure,
        "mtbf_per_failure_plus_1": plus_1,
        "mttf": _over(to_last, count * HOUR_MS),
        "mttr": _over(sum(worked), len(repairs) * HOUR_MS),
        "mttr_calendar": _over(sum(repairs), len(repairs) * HOUR_MS),
        "corrective_maintenance_ratio": _over(corrective, corrective + maintained),
        "energy_per_item": _over(s["energy_kwh"], made),
        "energy_per_good_item": _over(s["energy_kwh"], s["good_quantity"]),
        "idle_energy_share": _over(s["idle_energy_kwh"], s["energy_kwh"]),
    }
    # Nothing of when it ran is known where nothing tells its state.
    timed: tuple[str, ...] = (
        "utilization_efficiency",
        "allocation_efficiency",
        "technical_efficiency",
    )
    timed += ("setup_ratio", "allocation_ratio", "production_process_ratio")
    return found | (dict.fromkeys(timed) if told.stateless else {})


def _ms(length: timedelta) -> float:
    return length / timedelta(milliseconds=1)
