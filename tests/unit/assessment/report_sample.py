"""A report with every part that the form knows."""

from datetime import date

from assessment.document import (
    Annex,
    Clause,
    Report,
    Section,
    Signature,
    Table,
    organisations,
)

DAY = date(2026, 12, 10)
FIGURES = Table(
    ("Chỉ số", "Kỳ nền", "Kỳ sau", "Mã bằng chứng"),
    (
        ("Tỷ lệ máy kết nối", "25,0 %", "75,0 %", "E01-0001"),
        ("Dừng máy ngoài kế hoạch", "63 phút", "43 phút", "E18-0002"),
    ),
)


def sample(annexes: int = 2, addressee: str | None = None) -> Report:
    names = organisations()
    return Report(
        superior=names.name_on("superior", DAY),
        issuer=names.name_on("department", DAY),
        symbol="BC-SCT",
        place="Đồng Nai",
        dated=DAY,
        kind="Báo cáo",
        subject="Kết quả triển khai mô hình nhà máy thông minh năm 2026 và đề xuất nhân rộng",
        bases=(
            "Căn cứ Luật Công nghiệp công nghệ số",
            "Căn cứ Quyết định số 1567/QĐ-BKHCN ngày 30 tháng 6 năm 2025 của Bộ trưởng Bộ Khoa học "
            "và Công nghệ về chỉ số chuyển đổi số doanh nghiệp",
        ),
        opening=("Sở Công Thương báo cáo kết quả thí điểm như sau:",),
        sections=(
            Section(
                "Tình hình triển khai",
                clauses=(
                    Clause(
                        "Khảo sát và lựa chọn",
                        ("Đã khảo sát 04 doanh nghiệp và chọn 01 doanh nghiệp để theo dõi.",),
                        tuple(f"nội dung thứ {number};" for number in range(1, 8)),
                    ),
                    Clause(None, ("Kỳ nền 28 ngày, kỳ sau 28 ngày.",)),
                ),
            ),
            Section(
                "Kết quả",
                (
                    "Thời gian dừng máy giảm 20 phút mỗi ca (khoảng 95 % từ 18 đến 22 phút), trùng "
                    "thời điểm với thí điểm; không có nhóm đối chứng.",
                    FIGURES,
                ),
            ),
            Section("Đề xuất, kiến nghị nhân rộng", ("Trân trọng đề nghị xem xét. " * 40,)),
        ),
        recipients=("Phòng Quản lý Công nghiệp", "Lưu: VT, CN"),
        signature=Signature("KT. Giám đốc", "Phó Giám đốc"),
        addressee=addressee,
        annexes=tuple(
            Annex(f"Phụ lục số liệu {number + 1}", ("Số liệu của kỳ.", FIGURES))
            for number in range(annexes)
        ),
    )
