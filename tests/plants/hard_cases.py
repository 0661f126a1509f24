"""A shop whose machines each have one hard case of counters, states or master data.

A machine's case is what its tags say minute by minute, and what must be said of its shift. Times
are minutes after 06:00; product `a` has 60 s per part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from analytics.service import compute_pass
from analytics.settings import AnalyticsSettings
from plant.description import PlantDescription
from plant.settings import DatabaseSettings
from store import connect, load_plant
from tests.golden.story import each_minute

MORNING = datetime(2026, 3, 2, 23, tzinfo=UTC)
"""06:00 in Hồ Chí Minh City on the 3rd."""
SHIFT = 480
SITE = "co-khi/nha-may"
OTHER_SITE = "co-khi/nha-may-2"
AREA = f"{SITE}/xuong"
Told = Sequence[tuple[float, Any]]
ALL_DAY: Told = [(minute, "EXECUTE") for minute in range(SHIFT + 1)]
PRODUCT: Told = [(0, "a")]
NO_SCRAP: Told = [(minute, 0.0) for minute in range(SHIFT + 1)]
KNOWN = {"state": ALL_DAY, "product": PRODUCT, "scrap_count": NO_SCRAP}


def counted(**how: Any) -> Told:
    """Return a counter minute by minute; see `tests.golden.story.each_minute`."""
    lost = how.pop("lost", range(0))
    shown = each_minute({"minutes": SHIFT, **how})
    return [(minute, value) for minute, value in enumerate(shown) if minute not in lost]


def spans(*parts: tuple[int, str]) -> Told:
    """Return a state minute by minute, from minutes on."""
    found = []
    for minute in range(SHIFT + 1):
        begun = [state for start, state in parts if start <= minute]
        found.append((minute, begun[-1]))
    return found


@dataclass(frozen=True)
class Case:
    """A machine: its tags by role, and what is right of its shift."""

    rows: str
    """Which rows of the list of hard cases it shows."""
    told: Mapping[str, Told]
    right: Mapping[str, Any]
    faults: frozenset[str] = frozenset()
    missing: Mapping[str, str] = field(default_factory=dict)
    modulus: float | None = None
    rate: float | None = None
    silence_s: float = 600.0
    run_time_s: float | None = None
    """A planned run time of the machine's own."""
    stops: tuple[tuple[int, int], ...] | None = None
    """Whole stops, in minutes."""


def glitch(rows: str, made: float, faults: set[str], **how: Any) -> Case:
    """Return a machine whose good counter shows something odd."""
    given = {key: how.pop(key) for key in ("modulus", "rate") if key in how}
    told = {**KNOWN, "good_count": how.pop("told", None) or counted(**how)}
    right = {"good_quantity": made, "oee": made / SHIFT, "quality_ratio": 1 if made else None}
    return Case(rows, told, right, frozenset(faults), **given)


def far(readings: Sequence[tuple[float, float]]) -> Told:
    """Return two readings of a counter that nobody read between."""
    return list(readings)


IMPLAUSIBLE, UNDECIDED, RESET = (
    {f"counter_{event}:good_count"} for event in ("implausible", "undecided", "reset")
)
CASES: dict[str, Case] = {
    "f1": glitch("F1, F28", 479, IMPLAUSIBLE, start=50_000, but={200: 0}, rate=0.1),
    "f2": glitch(
        "F2",
        479,
        IMPLAUSIBLE,
        start=2000,
        other={"from": 200, "to": 230, "start": 599_999},
        rate=0.1,
    ),
    "f3": glitch("F3", 479, IMPLAUSIBLE, start=131_000, but={200: 196_736}, rate=0.1),
    "f4": glitch("F4", 479, set(), start=32_600, signed=65_536, modulus=65_536, rate=1.0),
    # The same shift of eight hours, with nothing between.
    "f5": glitch(
        "F5",
        28_800,
        {"parts_of_unknown_time"},
        told=far([(-1, 50_000), (479, 13_264)]),
        modulus=65_536,
        rate=1.0,
    ),
    "f6": glitch(
        "F6",
        7_636,
        {"parts_of_unknown_time"},
        told=far([(0, 58_900), (2000 / 60, 1000)]),
        modulus=65_536,
        rate=5.0,
    ),
    "f7": glitch(
        "F7",
        19_850,
        {*RESET, "parts_of_unknown_time"},
        told=far([(-200, 20_000), (400, 19_850)]),
        rate=1.0,
    ),
    "f7-khong-toc-do": glitch("F7", 0, UNDECIDED, told=far([(-200, 20_000), (400, 19_850)])),
    "f8": Case(
        "F8",
        {"state": ALL_DAY, "energy": counted(start=5000, step=0.25, but={60: 0})},
        {"energy_kwh": 119.75},
        frozenset({"counter_implausible:energy"}),
        rate=0.01,
    ),
    "f11": Case(
        "F11",
        {
            "state": ALL_DAY,
            "product": PRODUCT,
            "total_count": [(0, 0.0), (470, 100.0)],
            "scrap_count": [(0, 0.0), (470, 120.0)],
        },
        {"quality_ratio": -0.2, "oee": -20 / 480},
        frozenset({"negative_good"}),
    ),
    "f13": Case(
        "F13",
        {
            "product": PRODUCT,
            "good_count": [(0, 0.0), (478, 440.0), (479, 440.0)],
            "scrap_count": [(0, 0.0), (479, 8.0)],
        },
        {"quality_ratio": 440 / 448, "oee": 440 / 480, "availability": None, "effectiveness": None},
        missing={"availability": "no_state", "effectiveness": "no_state"},
        silence_s=86_400,
    ),
    "f14": Case(
        "F14",
        {"state": ALL_DAY, "product": PRODUCT, "good_count": [(0, 0.0), (479, 400.0)]},
        {"oee": 400 / 480, "quality_ratio": None, "availability": 1.0},
        missing={"quality_ratio": "no_scrap_counts", "effectiveness": "no_scrap_counts"},
    ),
    "f15": Case(
        "F15",
        {
            **KNOWN,
            "product": [(0, "a"), (400, "TEST"), (420, "a")],
            "good_count": [(0, 0.0), (399, 400.0), (410, 401.0)],
        },
        {"oee": 400 / 480, "quality_ratio": 1.0, "run_time_coverage": 400 / 401},
        frozenset({"no_planned_run_time:TEST"}),
    ),
    "f16": Case(
        "F16",
        {"state": ALL_DAY, "good_count": [(0, 0.0), (479, 400.0)]},
        {"oee": 400 / 480, "availability": 1.0},
        run_time_s=60.0,
    ),
    "f18": Case(
        "F18",
        {
            "state": [one for one in ALL_DAY if not 240 < one[0] < 360],
            "product": PRODUCT,
            "good_count": counted(start=70_000, lost=range(241, 360)),
            "scrap_count": [one for one in NO_SCRAP if not 240 < one[0] < 360],
        },
        {"oee": 479 / 480, "good_quantity": 479},
        # A scrap counter at zero that nobody read for two hours may have been reset in them.
        frozenset({"parts_of_unknown_time", "counter_undecided:scrap_count"}),
        rate=0.1,
    ),
    "f19": Case(
        "F19",
        {**KNOWN, "state": spans((0, "EXECUTE"), (240, "HELD")), "good_count": counted(start=0)},
        {"good_quantity": 479},
        frozenset({"counts_while_stopped"}),
    ),
    "f22": Case(
        "F22",
        {"state": spans((0, "EXECUTE"), (300, "HELD"), (450, "EXECUTE"))},
        {"adet_ms": 60 * 60_000},
        stops=((300, 450),),
    ),
    "f23": Case(
        "F23",
        {
            "state": spans((0, "EXECUTE"), (240, "ABORTED"), (300, "EXECUTE")),
            "mode": spans((0, "PRODUCTION"), (245, "MAINTENANCE"), (300, "PRODUCTION")),
        },
        {"adet_ms": 60 * 60_000, "aust_ms": 0, "failure_events": 1},
        stops=((240, 300),),
    ),
    "f24": Case(
        "F24",
        {
            "state": spans(
                (0, "EXECUTE"),
                (60, "cleaning"),
                (90, "EXECUTE"),
                (120, "changeover"),
                (140, "EXECUTE"),
                (180, "maintenance"),
                (190, "EXECUTE"),
            )
        },
        {"adet_ms": 10 * 60_000, "aust_ms": 20 * 60_000, "unknown_ms": 0},
    ),
    "f25": Case(
        "F25",
        {"state": [*spans((0, "EXECUTE"), (240, "ABORTED"), (250, "EXECUTE")), (244.7, None)]},
        {"adet_ms": 10 * 60_000, "failure_events": 1, "unknown_ms": 0},
        stops=((240, 250),),
    ),
}
POOL = {"be-1": KNOWN | {"good_count": counted(start=0)}, "be-2": {}}
SERIAL = {
    "nut": {**KNOWN, "good_count": [(minute, float(min(minute, 25))) for minute in range(26)]},
    "cuoi": {
        **KNOWN,
        "good_count": [(minute, float(min(2 * minute, 35))) for minute in range(26)],
        "scrap_count": [(minute, float(min(minute, 2))) for minute in range(26)],
    },
}
BOOKED = {"f10": {**KNOWN, "good_count": counted(start=0)}}
"""A machine for which scrap is booked later."""
PLANS = {"f22": (330, 420)}
"""Planned maintenance of a machine from minute to minute."""


def _unit(code: str) -> dict[str, Any]:
    case = CASES.get(code)
    own = None if case is None else case.run_time_s
    more = {} if own is None else {"planned_run_time_s": own}
    states = {"cleaning": "PLANNED_DOWNTIME", "changeover": "SETUP", "maintenance": "DELAY"}
    return {"code": code, "name_vi": code.upper(), "state_map": states, **more}


def description() -> PlantDescription:
    """Return the shop: a line of its own for each case, a pool, a serial line, another site."""
    lines: list[dict[str, Any]] = [
        {"code": f"day-{code}", "name_vi": code, "kind": "parallel", "work_units": [_unit(code)]}
        for code in (*CASES, *BOOKED)
    ]
    lines.append(
        {"code": "be", "name_vi": "Bể", "kind": "parallel", "work_units": [*map(_unit, POOL)]}
    )
    lines.append(
        {
            "code": "chuyen",
            "name_vi": "Chuyền",
            "bottleneck": "nut",
            "work_units": [*map(_unit, SERIAL)],
        }
    )
    shift = [{"name": "ca", "start": "06:00", "end": "14:00"}]
    others = [
        {"code": f"day-{code}", "name_vi": code, "kind": "parallel", "work_units": [_unit(code)]}
        for code in ("khac", "thu")
    ]
    places = {code: line for line in lines for code in [one["code"] for one in line["work_units"]]}
    return PlantDescription.model_validate(
        {
            "enterprise": {"code": "co-khi", "name_vi": "Cơ khí"},
            "sites": [
                {
                    "code": "nha-may",
                    "name_vi": "Nhà máy",
                    "edges": ["tram"],
                    "shifts": shift,
                    "areas": [{"code": "xuong", "name_vi": "Xưởng", "work_centers": lines}],
                },
                {
                    "code": "nha-may-2",
                    "name_vi": "Nhà máy 2",
                    "edges": ["tram"],
                    "shifts": shift,
                    "policy": {"mtbf_per": "failure_plus_1"},
                    "areas": [{"code": "xuong", "name_vi": "Xưởng", "work_centers": others}],
                },
            ],
            "products": [
                {
                    "code": "a",
                    "name_vi": "A",
                    "planned_run_times": [
                        {"work_unit": f"nha-may/xuong/{line['code']}/{code}", "seconds": 60}
                        for code, line in places.items()
                    ]
                    + [
                        {"work_unit": f"nha-may-2/xuong/day-{code}/{code}", "seconds": 60}
                        for code in ("khac", "thu")
                    ],
                },
                {"code": "TEST", "name_vi": "Thử"},
            ],
        }
    )


def path_of(code: str) -> str:
    """Return the path of a machine."""
    line = {**dict.fromkeys(POOL, "be"), **dict.fromkeys(SERIAL, "chuyen")}.get(code, f"day-{code}")
    return f"{AREA}/{line}/{code}"


def at(minutes: float) -> datetime:
    """Return a moment of the shift."""
    return MORNING + timedelta(minutes=minutes)


def write(database: DatabaseSettings) -> None:
    """Load the shop, store what its machines said, and compute its figures."""
    load_plant(database, description())
    with connect(database, autocommit=True) as connection:
        for code, case in CASES.items():
            _machine(connection, path_of(code), case.told, case)
        for code, told in {**POOL, **SERIAL, **BOOKED}.items():
            _machine(connection, path_of(code), told, None)
        broken = spans((0, "EXECUTE"), (240, "ABORTED"), (300, "EXECUTE"))
        other = {**KNOWN, "state": broken, "good_count": counted(start=0)}
        _machine(connection, f"{OTHER_SITE}/xuong/day-khac/khac", other, None)
        _machine(connection, f"{OTHER_SITE}/xuong/day-thu/thu", CASES["f15"].told, None)
        for code, (start, end) in PLANS.items():
            connection.execute(
                "insert into planned_maintenance (site_id, number, place_id, start_time, end_time)"
                " select s.place_id, 'M-1', u.place_id, %s, %s from place s, place u"
                " where s.path = %s and u.path = %s",
                (at(start), at(end), SITE, path_of(code)),
            )
        connection.execute(
            "insert into edge_status (edge_id, online, epoch, reported_at, issued_id, pending,"
            " sampled_time) select edge_id, true, 'e', %(at)s, 9, 0, %(at)s from edge",
            {"at": at(SHIFT + 1)},
        )
        connection.execute(
            "insert into delivery_ledger (edge_id, epoch, committed, issued_id)"
            " select edge_id, 'e', '{[1,10)}', 9 from edge"
        )
        compute(database, connection)


def compute(database: DatabaseSettings, connection: psycopg.Connection[Any]) -> None:
    """Compute what is out of date just after the shift."""
    settings = AnalyticsSettings(database=database)
    while not compute_pass(connection, settings, at(SHIFT + 2)).complete:
        pass


_TEXT = {"state", "mode", "product"}


def _machine(
    connection: psycopg.Connection[Any], path: str, told: Mapping[str, Told], case: Case | None
) -> None:
    for role, readings in told.items():
        text = role in _TEXT
        site = "/".join(path.split("/")[:2])
        row = connection.execute(
            "insert into tag (site_id, work_unit_id, edge_id, name, value_type, role, unit,"
            " counter_modulus, max_rate_per_s, max_silence_s)"
            " select edge.site_id, u.place_id, edge_id, %s, %s, %s, %s, %s, %s, %s"
            " from edge join place s on s.place_id = edge.site_id and s.path = %s, place u"
            " where u.path = %s returning tag_id",
            (
                f"{path.rpartition('/')[2]}/{role}",
                "text" if text else "number",
                role,
                "kWh" if role == "energy" else "",
                None if text or case is None else case.modulus,
                None if text or case is None else case.rate,
                600.0 if case is None else case.silence_s,
                site,
                path,
            ),
        ).fetchone()
        assert row is not None
        table = "text_measurement" if text else "measurement"
        with (
            connection.cursor() as cursor,
            cursor.copy(
                f"copy {table} (tag_id, source_time, received_time, value, quality) from stdin"
            ) as copy,
        ):
            for minute, value in readings:
                copy.write_row((row[0], at(minute), at(minute), value, 2 if value is None else 0))
    connection.execute(
        "insert into dirty_window (work_unit_id, hour, marked_at)"
        " select place_id, h, now() from place,"
        " generate_series(%s::timestamptz, %s, interval '1 hour') h where path = %s"
        " on conflict do nothing",
        (at(-240), at(SHIFT), path),
    )
