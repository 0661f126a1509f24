"""The datasets that may be pulled, with their catalogue entries."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Dataset:
    """A catalogue entry; `detail` is the consent that an enterprise's records need to be in it."""

    code: str
    name_vi: str
    name_en: str
    owner_vi: str
    sensitivity_vi: str
    cadence_vi: str
    quality_vi: str
    detail: str
    columns: tuple[tuple[str, str], ...]


_OWNER: Final = "Phòng Quản lý Công nghiệp, Sở Công Thương"
VALUE_COLUMNS: Final = (
    ("ma", "Mã chỉ tiêu"),
    ("ten", "Chỉ tiêu"),
    ("dvt", "Đơn vị tính"),
    ("ky", "Kỳ"),
    ("den_ngay", "Số liệu đến ngày"),
    ("ke_hoach", "Kế hoạch năm"),
    ("thuc_hien_ky", "Thực hiện trong kỳ"),
    ("luy_ke", "Lũy kế từ đầu năm"),
    ("uoc_ky", "Ước thực hiện cả kỳ"),
    ("nguon", "Nguồn bản ghi"),
    ("n_doanh_nghiep", "Số doanh nghiệp góp số liệu"),
    ("ghi_chu", "Ghi chú"),
)
"""Of the form for IOC and report system; the number is left out below the smallest group."""

_ALL: Final = (
    Dataset(
        "nmtm-chi-tieu",
        "Chỉ tiêu nhà máy thông minh cung cấp cho IOC và hệ thống báo cáo",
        "Smart-factory indicators for IOC and report system",
        _OWNER,
        "dùng chung; chỉ số đếm và tổng của nhóm",
        "tháng, quý, năm; chốt ngày 14",
        "từ hồ sơ đã chốt; kèm số doanh nghiệp góp số liệu",
        "counts",
        VALUE_COLUMNS,
    ),
    Dataset(
        "nmtm-bang-chung",
        "Bằng chứng theo tiêu chí của doanh nghiệp đã đồng ý",
        "Evidence per criterion of enterprises that consented",
        _OWNER,
        "bí mật kinh doanh; chỉ khi doanh nghiệp đồng ý bằng văn bản",
        "khi chốt đánh giá",
        "mỗi số kèm công thức, kỳ, độ đầy đủ, mã băm đầu vào",
        "figures",
        (
            ("doanh_nghiep", "Doanh nghiệp"),
            ("ky", "Kỳ"),
            ("bo_tieu_chi", "Bộ tiêu chí"),
            ("tieu_chi", "Tiêu chí"),
            ("tu_danh_gia", "Tự đánh giá"),
            ("bang_chung", "Bằng chứng (mức đề xuất)"),
            ("xac_nhan", "Xác nhận"),
            ("so_do", "Số đo"),
            ("gia_tri", "Giá trị"),
            ("do_day_du", "Độ đầy đủ"),
            ("cong_thuc", "Công thức"),
            ("ma_truy_nguyen", "Mã truy nguyên"),
            ("gioi_han", "Không cho biết"),
        ),
    ),
)
DATASETS: Final = {one.code: one for one in _ALL}
"""By code."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator of the IOC form; `sums` tells one that adds up what enterprises did."""

    code: str
    name_vi: str
    unit: str
    sums: bool


INDICATORS: Final = (
    Indicator("NMTM01", "Số doanh nghiệp đã khảo sát hiện trạng", "doanh nghiệp", sums=False),
    Indicator("NMTM02", "Số doanh nghiệp đang thí điểm/theo dõi", "doanh nghiệp", sums=False),
    Indicator("NMTM03", "Số doanh nghiệp đã tự đánh giá", "doanh nghiệp", sums=False),
    Indicator("NMTM04", "Số máy đã kết nối", "máy", sums=True),
    Indicator("NMTM05", "Tỷ lệ máy kết nối", "%", sums=True),
    Indicator("NMTM06", "Độ đầy đủ dữ liệu", "%", sums=True),
    Indicator("NMTM07", "Số DNNVV ngành quản lý tham gia SMEdx", "doanh nghiệp", sums=False),
    Indicator("NMTM08", "Tỷ lệ DNNVV sử dụng nền tảng số", "%", sums=False),
    Indicator("NMTM09", "Số lượt người được đào tạo về sản xuất thông minh", "lượt", sums=False),
    Indicator("NMTM10", "Số mô hình đề xuất nhân rộng", "mô hình", sums=False),
    Indicator("NMTM11", "Thay đổi OEE so kỳ nền (tổng hợp)", "điểm %", sums=True),
)
"""Of the IOC form; 07 to 09 are typed by officers, and blank while nobody did."""
