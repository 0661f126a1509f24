"""The dossier as a document in the department's form."""

from collections import Counter
from datetime import date

from assessment.document import Annex, Clause, Report, Section, Table
from assessment.dossier.control import Control, Running, State, controls
from assessment.report import LetterSettings


def dossier(running: Running, settings: LetterSettings, day: date) -> Report:
    """Return the dossier of level 2; blanks are for whoever runs the installation."""
    superior, issuer = settings.names(day)
    found = controls(running)
    counted = Counter(one.state for one in found)
    summary = ", ".join(f"{state.value}: {counted[state]}" for state in State)
    table = Table(
        ("TT", "Nhóm (TCVN 14423:2026)", "Biện pháp", "Hiện trạng", "Nơi đáp ứng, việc cần làm"),
        tuple(
            (str(number), one.group, one.measure_vi, one.state.value, one.where_vi)
            for number, one in enumerate(found, 1)
        ),
    )
    blank = "(đơn vị vận hành điền)"
    overview = (
        Clause("Chủ quản hệ thống thông tin", (issuer,)),
        Clause("Đơn vị vận hành; đơn vị chuyên trách; dịch vụ thuê ngoài", (blank,)),
        Clause(
            "Phạm vi, quy mô, đối tượng",
            (
                "Thu nhận số liệu máy từ cổng kết nối của doanh nghiệp thí điểm; Sở chỉ đọc số "
                "liệu gộp và hồ sơ mà doanh nghiệp đã xác nhận.",
            ),
        ),
        Clause(
            "Kiến trúc",
            (
                "Cổng kết nối → MQTT → tiếp nhận → PostgreSQL/TimescaleDB → tính toán → dịch vụ "
                f"HTTP (địa chỉ {running.host}); sơ đồ mạng và địa chỉ kèm phụ lục.",
            ),
        ),
    )
    level = (
        Clause(
            "Loại thông tin và căn cứ",
            (
                "Thông tin nội bộ, thông tin bí mật kinh doanh của doanh nghiệp; không có bí mật "
                "nhà nước. Một cơ quan sử dụng, chỉ đọc: cấp độ 2.",
            ),
        ),
        Clause(
            "Yếu tố tăng cấp",
            ("Phục vụ nhiều cơ quan thì xét cấp độ 3; không kết nối điều khiển máy.",),
        ),
        Clause("Nhận diện rủi ro sơ bộ", (blank,)),
    )
    plan = (
        Clause("Biện pháp theo 15 nhóm", (summary + ".", table)),
        Clause("Giải pháp dùng chung", (blank,)),
        Clause("Kế hoạch khắc phục", _todo(found)),
        Clause("Kết luận", (f"Trên đây là hồ sơ đề xuất cấp độ của {issuer}.",)),
    )
    return Report(
        superior=superior,
        issuer=issuer,
        symbol=f"HS-{settings.issuer_symbol}",
        place=settings.place,
        dated=day,
        kind="HỒ SƠ ĐỀ XUẤT CẤP ĐỘ",
        subject="Hệ thống thông tin thí điểm nhà máy thông minh, đề xuất cấp độ 2",
        bases=("Căn cứ Nghị định số 331/2026/NĐ-CP của Chính phủ",),
        opening=(f"Hồ sơ lập từ cấu hình đang chạy, phiên bản phần mềm {running.version}.",),
        sections=(
            Section("Thuyết minh tổng quan", clauses=overview),
            Section("Đề xuất cấp độ", clauses=level),
            Section("Phương án bảo đảm an ninh mạng", clauses=plan),
        ),
        recipients=settings.recipients,
        signature=settings.signature(),
        to_superior=False,
        annexes=(
            Annex(
                "Danh mục kèm theo",
                (
                    "Sơ đồ mạng; cấu hình; danh mục tài sản; Quy chế bảo đảm an ninh mạng (ban "
                    "hành trước khi phê duyệt); quyết định phân công; phiếu sàng lọc; sổ rủi ro; "
                    "hợp đồng dịch vụ.",
                ),
            ),
        ),
    )


def _todo(found: list[Control]) -> tuple[Table, ...]:
    rows = tuple(
        (one.group, one.measure_vi, one.where_vi, "") for one in found if one.state is not State.MET
    )
    return (Table(("Nhóm", "Biện pháp", "Việc cần làm", "Hạn"), rows),)
