"""Kinds of records of a programme, in the order in which they come."""

import re
from dataclasses import dataclass
from typing import Final

from plant.errors import DataError

_ONCE: Final = re.compile(r"^lần-\d{1,2}$")
_MONTH: Final = re.compile(r"^\d{4}(0[1-9]|1[0-2])$")
_QUARTER: Final = re.compile(r"^\d{4}[1-4]$")
_YEAR: Final = re.compile(r"^\d{4}$")
_DAYS: Final = re.compile(r"^\d{4}-\d{2}-\d{2}_\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: its name, form, period and whose it is."""

    code: str
    name_vi: str
    name_en: str
    period: re.Pattern[str]
    period_vi: str
    form: str | None = None
    of_programme: bool = False

    def check_period(self, period: str) -> None:
        """Raise DataError for a period that is not of this kind's form."""
        if not self.period.match(period):
            raise DataError(
                "period_not_valid", f"{self.name_vi}: kỳ {period!r}, cần {self.period_vi}"
            )


_ALL: Final = (
    Kind("survey", "Phiếu khảo sát hiện trạng", "Survey", _ONCE, "lần-1", "phieu_khao_sat"),
    Kind("register", "Danh mục máy, thiết bị", "Asset register", _ONCE, "lần-1"),
    Kind(
        "selection",
        "Biên bản lựa chọn doanh nghiệp",
        "Selection minutes",
        _ONCE,
        "lần-1",
        "bien_ban_lua_chon",
        of_programme=True,
    ),
    Kind("baseline", "Kỳ nền", "Baseline", _DAYS, "YYYY-MM-DD_YYYY-MM-DD"),
    Kind(
        "monthly", "Phiếu theo dõi tháng", "Monthly sheet", _MONTH, "YYYYMM", "ho_so_theo_doi_thang"
    ),
    Kind("journal", "Nhật ký sự kiện", "Journal of events", _MONTH, "YYYYMM"),
    Kind("assessment", "Đánh giá theo tiêu chí", "Assessment", _DAYS, "YYYY-MM-DD_YYYY-MM-DD"),
    Kind("quarterly", "Kết quả quý", "Quarterly results", _QUARTER, "YYYYQ", of_programme=True),
    Kind("final", "Báo cáo tổng kết", "Final report", _YEAR, "YYYY", of_programme=True),
    Kind(
        "replication",
        "Đề xuất nhân rộng",
        "Replication proposal",
        _YEAR,
        "YYYY",
        "de_xuat_nhan_rong",
        of_programme=True,
    ),
)
KINDS: Final = {one.code: one for one in _ALL}
"""By code."""
