"""Four fictional enterprises of a pilot programme with eight weeks of raw history each.

What their machines measured is written as the ingest writes it, and analytics computes it: every
figure of the programme leads back to these rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from plant.delivery.idset import IdSet
from plant.description import PlantDescription
from plant.measurement import Quality, Tag, TagRole, ValueType
from plant.settings import DatabaseSettings
from store import connect, load_plant
from store.delivery.row import NumberColumns, StatusRow, TagChange, TextColumns
from store.delivery.store import PostgresDeliveryStore

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
DAYS: Final = 56
"""Of history; the first half is the baseline."""
_SILENCE_S: Final = 3900.0
_EPOCH: Final = "demo"
_BUCKET: Final = 40
"""Of the time from source to commit: about a second."""


@dataclass(frozen=True, slots=True)
class Company:
    """An enterprise of the demo; any likeness is accidental."""

    code: str
    name_vi: str
    tax_code: str
    sector: int
    size: str
    commune: str
    departments: tuple[str, str]
    run_minutes: tuple[float, float]
    """Mean time between stops, in the baseline and after."""


COMPANIES: Final = (
    Company(
        "co-khi-a", "Công ty Cơ khí A (hư cấu)", "3600000001", 1, "medium", "26041",
        ("Gia công", "Lắp ráp"), (45, 70),
    ),
    Company(
        "dien-tu-b", "Công ty Điện tử B (hư cấu)", "3600000002", 1, "medium", "26080",
        ("Hàn dán", "Kiểm tra"), (60, 62),
    ),
    Company(
        "thuc-pham-c", "Công ty Thực phẩm C (hư cấu)", "3600000003", 2, "small", "26122",
        ("Chế biến", "Đóng gói"), (50, 66),
    ),
    Company(
        "nhua-d", "Công ty Nhựa D (hư cấu)", "3600000004", 4, "small", "26299",
        ("Ép phun", "Hoàn thiện"), (55, 58),
    ),
)  # fmt: skip


def machine(company: Company, index: int) -> str:
    """Return the path of a machine, index 0 or 1."""
    return f"{company.code}/nha-may/xuong/day-chuyen/may-{index + 1}"


def description(company: Company) -> PlantDescription:
    """Return a plant of two machines in a line, one shift a day."""
    units = [
        {"code": f"may-{index + 1}", "name_vi": f"Máy {index + 1} {company.departments[index]}"}
        for index in range(2)
    ]
    place = "nha-may/xuong/day-chuyen"
    return PlantDescription.model_validate(
        {
            "enterprise": {"code": company.code, "name_vi": company.name_vi},
            "sites": [
                {
                    "code": "nha-may",
                    "name_vi": "Nhà máy",
                    "time_zone": ZONE.key,
                    "edges": ["edge-1"],
                    "shifts": [{"name": "Ca 1", "start": "06:00", "end": "14:00"}],
                    "areas": [
                        {
                            "code": "xuong",
                            "name_vi": "Xưởng",
                            "work_centers": [
                                {
                                    "code": "day-chuyen",
                                    "name_vi": "Dây chuyền",
                                    "bottleneck": "may-1",
                                    "work_units": units,
                                }
                            ],
                        }
                    ],
                }
            ],
            "products": [
                {
                    "code": "sp-1",
                    "name_vi": "Sản phẩm 1",
                    "planned_run_times": [
                        {"work_unit": f"{place}/may-{index + 1}", "seconds": 40}
                        for index in range(2)
                    ],
                }
            ],
            "stop_reasons": [
                {"code": "doi-dao", "name_vi": "Đổi dao, khuôn"},
                {"code": "thieu-lieu", "name_vi": "Thiếu liệu"},
            ],
        }
    )


@dataclass(slots=True)
class _Rows:
    """Rows of one machine, as they come."""

    tags: dict[str, int]
    numbers: list[tuple[int, int, float]] = field(default_factory=list)
    texts: list[tuple[int, int, str]] = field(default_factory=list)
    hours: set[int] = field(default_factory=set)
    good: float = 0.0
    scrap: float = 0.0

    def say(self, role: str, at: datetime, value: float | str) -> None:
        us = round(at.timestamp() * 1_000_000)
        self.hours.add(us // 3_600_000_000 * 3_600_000_000)
        if isinstance(value, str):
            self.texts.append((self.tags[role], us, value))
        else:
            self.numbers.append((self.tags[role], us, value))

    def count(self, at: datetime) -> None:
        self.say("good_count", at, float(int(self.good)))
        self.say("scrap_count", at, float(int(self.scrap)))


_TEXTS: Final = ("state", "mode", "order", "product", "stop_reason")
_NUMBERS: Final = ("good_count", "scrap_count")


def write_history(settings: DatabaseSettings, until: date, seed: int) -> None:
    """Load the plants and write what their machines measured in the eight weeks before a day."""
    store = PostgresDeliveryStore(settings)
    try:
        for number, company in enumerate(COMPANIES):
            load_plant(settings, description(company))
            _write(store, company, until, np.random.default_rng((seed, number)))
    finally:
        store.close()


def compute_history(settings: DatabaseSettings, until: date, passed: Callable[[], None]) -> None:
    """Compute the figures of what was written; `passed` is called after each pass."""
    from analytics.service import compute_pass
    from analytics.settings import AnalyticsSettings

    now = datetime.combine(until, time(6), ZONE)
    with connect(settings, autocommit=True) as connection:
        while not compute_pass(connection, AnalyticsSettings(database=settings), now).complete:
            passed()


def days(until: date) -> list[date]:
    """Return the days of history, the last is the one before `until`."""
    return [until - timedelta(days=back) for back in range(DAYS, 0, -1)]


def _write(
    store: PostgresDeliveryStore, company: Company, until: date, random: np.random.Generator
) -> None:
    midnight = datetime.combine(until, time(0), ZONE)
    with store.transaction() as t:
        (edge,) = [one for one in t.edges() if one.site_path == f"{company.code}/nha-may"]
        t.lock_site(edge.site_id)
        units = t.work_units(edge.site_id)
        changes = [
            TagChange(edge.edge_id, edge.site_id, units[path], tag)
            for path in units
            for tag in _tags(path)
        ]
        t.save_tags(changes, midnight)
        by_name = {row.tag.name: row.tag_id for row in t.tags(edge.site_id, [edge.edge_id])}
        for path, unit_id in units.items():
            code = path.rpartition("/")[2]
            rows = _Rows({role: by_name[f"{code}/{role}"] for role in (*_TEXTS, *_NUMBERS)})
            for index, day in enumerate(days(until)):
                _day(rows, company, day, index >= DAYS // 2, random)
            _keep(t, rows, unit_id, midnight)
        for day in days(until):
            t.add_lags({edge.edge_id: {_BUCKET: 500}}, datetime.combine(day, time(14), ZONE))
        key = (edge.edge_id, _EPOCH)
        ledger = t.lock_ledgers([key])[key].taking(IdSet.of([(1, 2)]), 0)
        t.save_ledgers([ledger], {key: midnight})
        t.save_status(
            StatusRow(
                edge.edge_id,
                True,
                _EPOCH,
                midnight,
                True,
                issued_id=1,
                pending=0,
                sampled_time=midnight,
                clock_offset_ms=40.0,
            )
        )


def _keep(t: object, rows: _Rows, unit_id: int, now: datetime) -> None:
    from store.delivery.store import PostgresDeliveryTransaction

    assert isinstance(t, PostgresDeliveryTransaction)
    tag, us, value = (np.array(column) for column in zip(*rows.numbers, strict=True))
    good = np.full(len(tag), int(Quality.GOOD), np.int64)
    t.write_numbers(
        NumberColumns(
            tag.astype(np.int64),
            us.astype(np.int64),
            us.astype(np.int64) + 1_000_000,
            value.astype(np.float64),
            good,
        )
    )
    text_tag, text_us, words = zip(*rows.texts, strict=True)
    at = np.array(text_us, np.int64)
    good = np.full(len(at), int(Quality.GOOD), np.int64)
    t.write_texts(TextColumns(np.array(text_tag, np.int64), at, at + 1_000_000, words, good))
    t.mark_dirty([(unit_id, hour) for hour in sorted(rows.hours)], now)


def _tags(path: str) -> Iterator[Tag]:
    code = path.rpartition("/")[2]
    for role in _TEXTS:
        words = f"{role} của {code}"
        yield Tag(
            f"{code}/{role}",
            path,
            ValueType.TEXT,
            TagRole(role),
            "",
            words,
            max_silence_s=_SILENCE_S,
        )
    for role in _NUMBERS:
        words = f"{role} của {code}"
        yield Tag(
            f"{code}/{role}",
            path,
            ValueType.NUMBER,
            TagRole(role),
            "1",
            words,
            max_silence_s=_SILENCE_S,
        )


def _day(
    rows: _Rows, company: Company, day: date, after: bool, random: np.random.Generator
) -> None:
    """Write a shift: runs and stops, counts every ten minutes and at each change."""
    at = datetime.combine(day, time(6), ZONE)
    end = at + timedelta(hours=8)
    mean = company.run_minutes[after] * float(random.normal(1, 0.08))
    speed = 0.92 * float(random.normal(1, 0.02))
    rows.say("order", at, f"LSX-{day:%m%d}")
    rows.say("product", at, "sp-1")
    rows.say("mode", at, "AUTO")
    while at < end:
        rows.say("state", at, "EXECUTE")
        rows.say("order", at, f"LSX-{day:%m%d}")
        rows.say("product", at, "sp-1")
        rows.say("mode", at, "AUTO")
        until = min(end, at + timedelta(minutes=max(8.0, float(random.exponential(mean)))))
        while at < until:
            step = min(until, at + timedelta(minutes=10))
            made = (step - at).total_seconds() / 40 * speed
            rows.scrap += made * 0.02
            rows.good += made * 0.98
            at = step
            rows.count(at)
            rows.say("state", at, "EXECUTE")
            rows.say("mode", at, "AUTO")
        if at >= end:
            break
        rows.say("state", at, "HELD")
        if random.random() < (0.9 if after else 0.6):
            rows.say("stop_reason", at, "doi-dao" if random.random() < 0.5 else "thieu-lieu")
        at = min(end, at + timedelta(minutes=float(random.uniform(4, 18))))
    rows.say("state", end, "IDLE")
