"""Documents of every kind for the plant of `figure_plant`, and a short way to write them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from plant.mes import KINDS, Report, parse
from plant.mes.parsing import Item
from plant.settings import DatabaseSettings
from store import Connection
from store.mes.writing import Provenance, write_documents
from tests.plants.figure_plant import GRINDER, LINE, SAW, SITE

ENTERPRISE = "dong-nai"
NOW = datetime(2026, 3, 10, tzinfo=UTC)
PROVENANCE = Provenance("the test", "test.json", NOW, "because")

# One document of each kind, in the order in which they refer to one another.
SAMPLES: dict[str, dict[str, Any]] = {
    "products": {"enterprise": ENTERPRISE, "code": "bac-lot", "name_vi": "Bạc lót"},
    "planned-run-times": {
        "work_unit": SAW,
        "product": "bac-lot",
        "seconds": 26.5,
        "valid_from": "2026-03-03T08:00:00+07:00",
        "source": "bấm giờ",
    },
    "routings": {
        "work_unit": SAW,
        "product": "bac-lot",
        "position": 1,
        "parts_per_item": 2,
        "parts_per_cycle": 4,
        "seconds": 53,
    },
    "orders": {
        "site": SITE,
        "number": "LSX-7",
        "product": "bac-lot",
        "work_center": LINE,
        "planned_quantity": 240,
        "planned_start": "2026-03-03T06:00:00+07:00",
        "planned_end": "2026-03-03T14:00:00+07:00",
        "status": "running",
    },
    "lots": {
        "site": SITE,
        "number": "L-7",
        "product": "bac-lot",
        "order": "LSX-7",
        "quantity": 240,
        "started_at": "2026-03-03T06:00:00+07:00",
    },
    "order-runs": {
        "work_unit": SAW,
        "started_at": "2026-03-03T06:05:00+07:00",
        "ended_at": "2026-03-03T13:40:00+07:00",
        "order": "LSX-7",
        "product": "bac-lot",
        "lot": "L-7",
    },
    "time-zones": {"site": SITE, "time_zone": "Asia/Bangkok"},
    "shifts": {
        "site": SITE,
        "name": "ca-2",
        "start": "14:00",
        "end": "22:00",
        "weekdays": ["mon", "tue"],
        "breaks": [{"name": "trà", "start": "16:00", "end": "16:10"}],
        "valid_from": "2026-01-01",
    },
    "rotations": {
        "site": SITE,
        "name": "đảo ca",
        "valid_from": "2026-03-01",
        "cycle": [["ca-1", "ca-2"], ["ca-1"], []],
    },
    "holidays": {
        "site": SITE,
        "day": "2026-04-30",
        "name_vi": "Ngày Giải phóng",
        "name_en": "Reunification Day",
        "keeps": ["ca-1"],
    },
    "planned-maintenance": {
        "site": SITE,
        "number": "BT-1",
        "place": SAW,
        "start": "2026-03-03T09:00:00+07:00",
        "end": "2026-03-03T09:30:00+07:00",
        "description": "thay dầu",
    },
    "stop-reasons": {"enterprise": ENTERPRISE, "code": "hong-may", "name_vi": "Hỏng máy"},
    "scrap-reasons": {"enterprise": ENTERPRISE, "code": "tray-xuoc", "name_vi": "Trầy xước"},
    "rework-reasons": {"enterprise": ENTERPRISE, "code": "ba-via", "name_vi": "Ba via"},
    "inspections": {
        "site": SITE,
        "number": "KT-1",
        "work_unit": GRINDER,
        "product": "bac-lot",
        "serial_number": "SN-0001",
        "lot": "L-7",
        "order": "LSX-7",
        "result": "scrap",
        "reason": "tray-xuoc",
        "inspected_at": "2026-03-03T10:00:00+07:00",
        "produced_at": "2026-03-03T09:00:00+07:00",
    },
    "scrap-bookings": {
        "site": SITE,
        "number": "PP-1",
        "work_unit": GRINDER,
        "product": "bac-lot",
        "lot": "L-7",
        "becomes": "rework",
        "reason": "ba-via",
        "quantity": 3,
        "produced_at": "2026-03-03T09:15:00+07:00",
        "booked_at": "2026-03-05T09:00:00+07:00",
    },
    "energy-meters": {
        "site": SITE,
        "code": "cong-to-1",
        "name_vi": "Công tơ dây chuyền",
        "place": LINE,
        "tag": "cua/dien-nang",
        "kwh_per_unit": 0.001,
        "shares": {SAW: 2, GRINDER: 1},
    },
    "oee-targets": {"place": LINE, "planned_oee": 0.75, "valid_from": "2026-01-01T00:00:00+07:00"},
    "import-mappings": {
        "enterprise": ENTERPRISE,
        "name": "SAP lệnh",
        "kind": "orders",
        "header_row": 3,
        "code_page": "windows-1258",
        "delimiter": ";",
        "decimal_mark": ",",
        "date_order": "dmy",
        "time_zone": "Asia/Ho_Chi_Minh",
        "columns": {"number": ["Auftrag"], "planned_start": ["Eckstart", "Uhrzeit"]},
        "constants": {"site": SITE},
        "values": {"work_center": {"L1": LINE}},
    },
}


def write(
    target: DatabaseSettings | Connection,
    kind: str,
    documents: Iterable[Mapping[str, Any]],
    **options: Any,
) -> Report:
    """Write documents of one kind as a file of them would be written."""
    parsed = (parse(KINDS[kind], values, Item(n)) for n, values in enumerate(documents))
    return write_documents(target, parsed, PROVENANCE, **options)


def write_samples(target: DatabaseSettings | Connection) -> None:
    """Write one document of each kind."""
    for kind, sample in SAMPLES.items():
        report = write(target, kind, [sample])
        assert report.committed, (kind, report.problems)
