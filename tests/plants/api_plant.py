"""A small plant in the database for tests of the API: two lines, one present, every special case.

Everything is relative to `NOW`, at which the plant's clock stands: 12:30 in Biên Hòa, in the
middle of the first shift.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from api import ApiSettings
from plant.settings import ClockSettings, DatabaseSettings
from tests.peers.services import url_of

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
SHIFT_START = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
SHIFT_END = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
ENTERPRISE = "dong-nai"
SITE = "dong-nai/bien-hoa"
AREA = "dong-nai/bien-hoa/co-khi"
LINE = "dong-nai/bien-hoa/co-khi/phay"
POOL = "dong-nai/bien-hoa/co-khi/ep"
CNC_1 = f"{LINE}/cnc-1"
CNC_2 = f"{LINE}/cnc-2"
WASHER = f"{LINE}/rua"
PRESS = f"{POOL}/ep-1"
TEMPERATURE = f"{SITE}/cnc-1/spindle_temperature"
STATE = f"{SITE}/cnc-1/state"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def api_settings(database: DatabaseSettings, **more: Any) -> ApiSettings:
    """Return settings whose clock stands at NOW."""
    clock = ClockSettings(wall_origin=NOW, plant_origin=NOW, until=NOW)
    return ApiSettings(database=database, clock=clock, **more)


class Seeder:
    """Writes rows as the other services would."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection
        self.places: dict[str, int] = {}
        self.tags: dict[str, int] = {}

    def insert(self, table: str, returning: str | None = None, **values: Any) -> int:
        columns = ", ".join(values)
        holders = ", ".join(f"%({name})s" for name in values)
        statement = f"insert into {table} ({columns}) values ({holders})"
        if returning is None:
            self._connection.execute(statement, values)
            return 0
        row = self._connection.execute(f"{statement} returning {returning}", values).fetchone()
        assert row is not None
        return int(row[0])

    def place(self, path: str, level: str, name_vi: str, name_en: str, **more: Any) -> None:
        parent = path.rpartition("/")[0]
        self.places[path] = self.insert(
            "place",
            "place_id",
            parent_id=self.places.get(parent),
            level=level,
            path=path,
            name_vi=name_vi,
            name_en=name_en,
            **more,
        )

    def tag(self, machine: str, name: str, value_type: str, edge_id: int, **more: Any) -> None:
        self.tags[name] = self.insert(
            "tag",
            "tag_id",
            site_id=self.places[SITE],
            work_unit_id=self.places[machine],
            edge_id=edge_id,
            name=name,
            value_type=value_type,
            **more,
        )

    def measure(self, name: str, at: datetime, value: float | str | None, quality: int = 0) -> None:
        table = "text_measurement" if isinstance(value, str) else "measurement"
        self.insert(
            table,
            tag_id=self.tags[name],
            source_time=at,
            received_time=at + timedelta(milliseconds=250),
            value=value,
            quality=quality,
        )

    def states(self, unit: str, start: datetime, *stretches: tuple[float, str, str | None]) -> None:
        """Write stretches of (minutes, element, stop kind), cut at hours as analytics does."""
        for length, element, kind in stretches:
            end = start + minutes(length)
            while start < end:
                hour_end = start.replace(minute=0, second=0) + timedelta(hours=1)
                self.insert(
                    "state_interval",
                    work_unit_id=self.places[unit],
                    start_time=start,
                    end_time=min(end, hour_end),
                    element=element,
                    state={"production": "EXECUTE", "delay": "HELD"}.get(element),
                    stop_kind=kind,
                    stop_reason=None,
                    order_number="LSX-0142" if element != "unknown" else None,
                    product_code="truc-a" if element != "unknown" else None,
                )
                start = min(end, hour_end)

    def stop(
        self, unit: str, start: datetime, length: timedelta | None, reason: str | None, **more: Any
    ) -> None:
        values = {"element": "delay", "state": "HELD", "stop_kind": "held", **more}
        self.insert(
            "stop",
            work_unit_id=self.places[unit],
            start_time=start,
            end_time=None if length is None else start + length,
            stop_reason=reason,
            **values,
        )

    def result(self, place: str, kind: str, start: datetime, end: datetime, **more: Any) -> None:
        values: dict[str, Any] = {
            "business_date": date(2026, 3, 2),
            "shift": "Ca 1",
            "availability": 0.8,
            "effectiveness": 0.9,
            "quality_ratio": 0.975,
            "oee": 0.702,
            "coverage": 1.0,
            "availability_low": 0.8,
            "availability_high": 0.8,
            "missing": {},
            "faults": [],
            "pbt_ms": 21_600_000,
            "apt_ms": 17_280_000,
            "aust_ms": 1_080_000,
            "adet_ms": 2_160_000,
            "adot_ms": 1_080_000,
            "unknown_ms": 0,
            "produced_quantity": 1200.0,
            "good_quantity": 1170.0,
            "scrap_quantity": 30.0,
            "rework_quantity": None,
            "failure_events": 1,
            "energy_kwh": 84.25,
            "policy_version": 1,
            "formula_version": "1",
            "as_of": NOW,
            "final": False,
        } | more
        values["missing"] = Jsonb(values["missing"])
        self.insert(
            "oee_result",
            place_id=self.places[place],
            kind=kind,
            window_start=start,
            window_end=end,
            **values,
        )


def seed(database: DatabaseSettings) -> Seeder:
    """Fill a migrated, empty database and return the seeder."""
    with psycopg.connect(url_of(database)) as connection:
        seeder = Seeder(connection)
        _places(seeder)
        _tags(seeder)
        _figures(seeder)
    return seeder


def _places(s: Seeder) -> None:
    s.place(ENTERPRISE, "enterprise", "Cơ khí Đồng Nai", "Dong Nai Mechanics")
    s.place(SITE, "site", "Nhà máy Biên Hòa", "Bien Hoa plant", time_zone="Asia/Ho_Chi_Minh")
    s.place(AREA, "area", "Xưởng cơ khí", "Machine shop")
    s.place(LINE, "work_center", "Chuyền phay", "Milling line", position=1, line_kind="serial")
    s.place(POOL, "work_center", "Tổ ép", "Presses", position=2, line_kind="parallel")
    s.place(CNC_1, "work_unit", "Máy phay CNC 1", "CNC mill 1", position=1)
    s.place(CNC_2, "work_unit", "Máy phay CNC 2", "CNC mill 2", position=2)
    s.place(WASHER, "work_unit", "Máy rửa", "Washer", position=3)
    s.place(PRESS, "work_unit", "Máy ép 1", "Press 1", position=1)
    s._connection.execute(
        "update place set bottleneck_id = %s where path = %s", (s.places[CNC_2], LINE)
    )
    s.insert(
        "oee_policy",
        site_id=s.places[SITE],
        version=1,
        minor_stop_threshold_s=300,
        minor_stops_in="availability",
    )
    enterprise = s.places[ENTERPRISE]
    for code, name_vi, name_en in (
        ("thieu-phoi", "Thiếu phôi", "No blanks"),
        ("ket-dao", "Kẹt dao", "Tool jammed"),
    ):
        s.insert(
            "stop_reason", enterprise_id=enterprise, code=code, name_vi=name_vi, name_en=name_en
        )
    product = s.insert(
        "product",
        "product_id",
        enterprise_id=enterprise,
        code="truc-a",
        name_vi="Trục A",
        name_en="Shaft A",
    )
    s.insert(
        "planned_run_time",
        product_id=product,
        work_unit_id=s.places[CNC_1],
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=15.0,
    )


def _tags(s: Seeder) -> None:
    edges = {
        code: s.insert("edge", "edge_id", site_id=s.places[SITE], code=code)
        for code in ("tram-1", "tram-2")
    }
    first, second = edges.values()
    s.tag(CNC_1, "cnc-1/state", "text", first, role="state")
    s.tag(CNC_1, "cnc-1/total", "number", first, role="total_count")
    s.tag(
        CNC_1,
        "cnc-1/spindle_temperature",
        "number",
        first,
        unit="°C",
        description="Nhiệt độ trục chính",
        low=-20,
        high=200,
    )
    s.tag(CNC_1, "cnc-1/spindle_load", "number", first, unit="%")
    s.tag(CNC_2, "cnc-2/state", "text", first, role="state")
    s.tag(WASHER, "rua/state", "text", second, role="state")
    for step in range(60):
        at = NOW - minutes(120) + minutes(2 * step)
        s.measure("cnc-1/spindle_temperature", at, 60 + 8 * ((step * 7) % 11) / 11)
        s.measure("cnc-1/spindle_load", at, 1234.5 + step)
    s.measure("cnc-1/spindle_temperature", NOW - minutes(2), 68.5)
    s.measure("cnc-1/spindle_temperature", NOW - minutes(2), 68.5)
    s.measure("cnc-1/spindle_temperature", NOW - minutes(1), 71.25, 1)
    s.measure("cnc-1/state", NOW - minutes(30), "EXECUTE")
    s.measure("cnc-1/state", NOW - minutes(5), 'HELD, "cửa mở"')
    s._connection.execute(
        """
        insert into delivery_ledger (edge_id, epoch, committed, rejected_count, duplicate_count,
            dropped, issued_id, first_commit_at)
        values
            (%(first)s, 'xuan', '{[1,101),[111,201)}', 2, 7, '{[101,106)}', 210, %(before)s),
            (%(second)s, 'cu', '{[1,51)}', 0, 0, '{}', 50, %(before)s),
            (%(second)s, 'moi', '{[1,11)}', 0, 0, '{}', 10, %(now)s)
        """,
        {"first": first, "second": second, "before": NOW - minutes(60), "now": NOW},
    )
    for edge, epoch, online, unreachable in (
        (first, "xuan", True, []),
        (second, "moi", False, ["rua/state: không trả lời"]),
    ):
        s.insert(
            "edge_status",
            edge_id=edge,
            online=online,
            epoch=epoch,
            reported_at=NOW - minutes(0 if online else 25),
            issued_id=210 if online else 10,
            pending=5,
            buffer_hours_left=71.5,
            clock_offset_ms=-12.0,
            unreachable=unreachable,
        )
    s.insert(
        "rejection",
        received_time=NOW,
        topic="nm/v1/dong-nai/bien-hoa/tram-1/data",
        reason="out_of_range",
        detail="999 > 200",
        raw=b"{}",
    )
    s.insert("dirty_window", work_unit_id=s.places[CNC_1], hour=SHIFT_START, marked_at=NOW)


def _figures(s: Seeder) -> None:
    start = NOW - timedelta(hours=8)
    s.states(
        CNC_1,
        start,
        (90, "not_scheduled", None),
        (15, "setup", None),
        (120, "production", None),
        (12, "delay", "held"),
        (63, "production", None),
        (30, "planned_break", None),
        (60, "production", None),
        (25, "delay", "breakdown"),
        (60, "production", None),
        (5, "delay", "held"),
    )
    s.states(CNC_2, start, (90, "not_scheduled", None), (390, "production", None))
    s.states(
        WASHER,
        start,
        (90, "not_scheduled", None),
        (300, "production", None),
        (65, "delay", "suspended"),
        (25, "unknown", None),
    )
    s.stop(CNC_1, NOW - minutes(255), minutes(12), "ket-dao")
    s.stop(CNC_1, NOW - minutes(90), minutes(25), None, stop_kind="breakdown", state="ABORTED")
    s.stop(CNC_1, NOW - minutes(5), None, None)
    s.stop(CNC_1, NOW - minutes(390), minutes(15), None, element="down", stop_kind="stopped")
    s.stop(CNC_1, NOW - timedelta(days=3), minutes(60), "thieu-phoi")
    s.stop(WASHER, NOW - minutes(90), minutes(65), "thieu-phoi", stop_kind="suspended")
    for place in (LINE, CNC_1, CNC_2):
        s.result(place, "shift", SHIFT_START, SHIFT_END)
        s.result(
            place,
            "shift",
            SHIFT_START - timedelta(hours=8),
            SHIFT_START,
            shift="Ca 3",
            business_date=date(2026, 3, 1),
            oee=0.643,
            final=True,
        )
    s.result(
        WASHER,
        "shift",
        SHIFT_START,
        SHIFT_END,
        availability=0.7,
        availability_low=0.7,
        availability_high=0.782,
        coverage=0.918,
        effectiveness=1.04,
        quality_ratio=None,
        oee=None,
        good_quantity=None,
        scrap_quantity=None,
        missing={"quality_ratio": "no_quality_counts", "oee": "no_quality_counts"},
        faults=["effectiveness_above_1"],
    )
    for hour in range(6):
        begin = SHIFT_START + timedelta(hours=hour)
        s.result(CNC_1, "hour", begin, begin + timedelta(hours=1), final=hour < 5)
        pbt_ms = 3_600_000 if hour != 4 else 1_800_000
        s.insert(
            "base_sum",
            work_unit_id=s.places[CNC_1],
            slice_start=begin,
            slice_end=begin + timedelta(hours=1),
            hour=begin,
            product_code="truc-a" if hour else None,
            calendar_ms=3_600_000,
            pot_ms=3_600_000,
            pbt_ms=pbt_ms,
            apt_ms=pbt_ms,
            aust_ms=0,
            adet_ms=0,
            adot_ms=0,
            unknown_ms=0,
            unscheduled_production_ms=0,
            pri_pq_ms=None,
            pri_gq_ms=None,
            produced_quantity=205.0 - 10 * hour,
            good_quantity=200.0 - 10 * hour,
            scrap_quantity=5.0,
            failure_events=0,
            policy_version=1,
            formula_version="1",
            as_of=NOW,
        )
