"""Controls of the fifteen groups of TCVN 14423:2026, judged from settings; the rest is said open.

What a program cannot know of its own installation (people, contracts, scans) is *Chưa đáp ứng*
until somebody shows otherwise; nothing is met by being hoped for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How far a control is met, in the words of the dossier."""

    MET = "Đã đáp ứng"
    PARTLY = "Đáp ứng một phần"
    NOT = "Chưa đáp ứng"


@dataclass(frozen=True, slots=True)
class Running:
    """What the settings of an installation say, as far as controls depend on it."""

    version: str
    accounts: bool
    """Everybody has an account of their own."""
    tls: bool
    """Pages are served over TLS by this service itself."""
    database_tls: bool
    separate_writer: bool
    """Reading and writing are different logins of the database."""
    single_sign_on: bool
    enrolment: bool
    """Edges have certificates of their own."""
    visitors: bool
    """Roles without a password: a demo."""
    token_for_all: bool
    """One token that sees everything."""
    host: str


@dataclass(frozen=True, slots=True)
class Control:
    """A control with its state and the place where it is met, or what is to be done."""

    group: str
    measure_vi: str
    state: State
    where_vi: str


def controls(running: Running) -> list[Control]:
    """Return the controls of all groups, in the order of the standard."""
    return list(_controls(running))


def _if(met: bool, where: str, otherwise: str) -> tuple[State, str]:
    return (State.MET, where) if met else (State.NOT, otherwise)


def _controls(r: Running) -> Iterator[Control]:
    outside = "ngoài phần mềm; đơn vị vận hành thực hiện và lưu hồ sơ"
    yield Control("4.1 Rủi ro", "Sổ rủi ro, rà soát hằng năm", State.NOT, outside)
    yield Control(
        "4.2 Tài sản phần cứng",
        "Danh sách cổng kết nối, máy chủ",
        State.PARTLY,
        "cổng kết nối: trang /fleet; máy chủ: danh mục của đơn vị vận hành",
    )
    yield Control(
        "4.3 Tài sản phần mềm",
        "Phiên bản và thư viện ghim theo mã băm",
        State.MET,
        f"nhipmay {r.version}; requirements/*.txt có mã băm",
    )
    yield Control(
        "4.4 Tài sản thông tin",
        "Ba loại dữ liệu; số liệu từng máy ở lại doanh nghiệp",
        *_if(
            r.accounts,
            "quyền theo doanh nghiệp trong cơ sở dữ liệu (store/access/tenant.py)",
            "đặt `accounts` để tách dữ liệu theo doanh nghiệp",
        ),
    )
    yield Control(
        "4.4 Tài sản thông tin",
        "Mã hóa khi lưu thông tin xác thực",
        *_if(
            r.accounts,
            "mật khẩu Argon2id; mã xác thực AES-256-GCM; mã truy cập chỉ lưu mã băm",
            "đặt `accounts`",
        ),
    )
    yield Control(
        "4.5 Cấu hình an toàn",
        "Không có mật khẩu mặc định; bí mật đọc từ tệp",
        *_if(
            not r.visitors and not r.token_for_all,
            "tệp cấu hình; bí mật ở `…_file`",
            "bỏ `accounts.visitors`, và mã truy cập dùng chung `token`",
        ),
    )
    yield Control(
        "4.6 Tài khoản, quyền truy cập",
        "Mỗi người một tài khoản; khóa sau 5 lần sai; đóng sau 45 ngày không dùng",
        *_if(r.accounts, "api/access/rule.py", "đặt `accounts`"),
    )
    yield Control(
        "4.6 Tài khoản, quyền truy cập",
        "Xác thực hai lớp cho quản trị viên và người ngoài doanh nghiệp",
        *_if(
            r.accounts,
            "TOTP" + ("; nhà cung cấp định danh (amr)" if r.single_sign_on else ""),
            "đặt `accounts`",
        ),
    )
    yield Control(
        "4.6 Tài khoản, quyền truy cập",
        "Phiên ≤ 15 phút; quản trị viên ≤ 5 phút, đổi mật khẩu hai tháng một lần",
        *_if(r.accounts, "api/access/rule.py", "đặt `accounts`"),
    )
    yield Control(
        "4.6 Tài khoản, quyền truy cập",
        "Quyền tối thiểu trong cơ sở dữ liệu",
        *_if(
            r.separate_writer,
            "tài khoản đọc và ghi riêng (store/engine/grant_*.sql)",
            "đặt `writer` riêng với `database`",
        ),
    )
    yield Control("4.7 Lỗ hổng", "Dò quét hằng năm, vá lỗi", State.NOT, outside)
    yield Control(
        "4.8 Nhật ký",
        "Ai, làm gì, khi nào, từ đâu, kết quả; nối chuỗi bằng mã băm",
        *_if(r.accounts, "access.audit; `nhipmay audit verify`", "đặt `accounts`"),
    )
    yield Control(
        "4.8 Nhật ký",
        "Niêm phong nhật ký ở máy khác; lưu 12 tháng",
        State.PARTLY,
        "`nhipmay audit seal`; nhật ký không bị xóa; nơi lưu do đơn vị vận hành chọn",
    )
    yield Control("4.9 Trình duyệt, thư điện tử", "Máy trạm của người dùng", State.NOT, outside)
    yield Control("4.10 Mã độc", "Phòng chống mã độc trên máy chủ", State.NOT, outside)
    yield Control(
        "4.11 Sao lưu",
        "Bản sao có phiên bản, để nơi khác, thử khôi phục",
        State.PARTLY,
        "`nhipmay backup`, `nhipmay restore`; lịch và nơi lưu do đơn vị vận hành đặt",
    )
    yield Control(
        "4.12 Mạng",
        "Chỉ TLS tới người dùng",
        *_if(
            r.tls,
            "`tls` của dịch vụ",
            "đặt `tls`, hoặc ghi rõ máy chủ ủy quyền phía trước có TLS",
        ),
    )
    yield Control(
        "4.12 Mạng",
        "TLS tới cơ sở dữ liệu",
        *_if(r.database_tls, "`database.tls`", "đặt `database.tls` nếu khác máy"),
    )
    yield Control(
        "4.12 Mạng",
        "Cổng kết nối có chứng thư riêng, thu hồi được",
        *_if(r.enrolment, "`enrolment`; `nhipmay edge revoke`", "đặt `enrolment`"),
    )
    yield Control("4.13 Nhân sự", "Phân công, đào tạo, cam kết", State.NOT, outside)
    yield Control("4.14 Nhà cung cấp", "Danh sách, hợp đồng", State.NOT, outside)
    yield Control(
        "4.15 Sự cố",
        "Phát hiện và thông báo",
        State.PARTLY,
        "chỉ số Prometheus và cảnh báo; quy trình xử lý do đơn vị vận hành ban hành",
    )
