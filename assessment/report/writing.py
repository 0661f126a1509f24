"""Reports from material: final report, quarterly results, minutes of selection, proposal.

Every figure stands beside its short code, which leads back to its record. What nobody wrote or
measured is said to be missing; nothing is filled in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from assessment.document import Annex, Chart, Clause, Report, Section, Table
from assessment.evidence import METRICS, number_vi
from assessment.form import forms
from assessment.programme.cost import BUDGET, cost_lines_vi
from assessment.programme.figures import part_of
from assessment.programme.kind import KINDS
from assessment.report.letterhead import LetterSettings
from assessment.report.material import Assessed, Material
from assessment.sharing.releasing import trace_code
from plant.errors import DataError

_NOT_WRITTEN: Final = "Chưa có nội dung."
_SIDES: Final = ("Trung vị kỳ nền", "Trung vị kỳ sau")
_SIZES_VI: Final = {"micro": "siêu nhỏ", "small": "nhỏ", "medium": "vừa", "large": "lớn"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A document that can be made of a record."""

    record: str
    name_vi: str
    write: Callable[[Material, LetterSettings, str], Report]


def report_of(material: Material, settings: LetterSettings, kind: str, period: str) -> Report:
    """Return the document of a record of the programme.

    Raises:
        DataError: Records of this kind have no document.
    """
    for one in DOCUMENTS:
        if one.record == kind:
            return one.write(material, settings, period)
    raise DataError("no_document", f"{KINDS[kind].name_vi} không có văn bản riêng")


def _final(material: Material, settings: LetterSettings, period: str) -> Report:
    said = material.values_of("final", period)
    surveyed = len(material.of_kind("survey"))
    work = (
        Clause("Công tác chỉ đạo, ban hành văn bản", _text(said, "chi_dao")),
        Clause(
            "Khảo sát, đánh giá thực trạng doanh nghiệp",
            (
                *_text(said, "khao_sat"),
                f"Đã khảo sát {surveyed:02} doanh nghiệp:",
                _enterprises(material),
            ),
        ),
        Clause("Lựa chọn doanh nghiệp theo dõi", _text(said, "lua_chon")),
        Clause("Đào tạo, tập huấn", _text(said, "dao_tao")),
        Clause("Tư vấn, hỗ trợ ứng dụng công nghệ số", _text(said, "tu_van")),
        Clause("Hạ tầng thu thập dữ liệu", (*_text(said, "ha_tang"), _collection(material))),
    )
    results = (
        Clause("Chỉ số trước và sau", _before_after(material)),
        Clause("Bằng chứng theo tiêu chí", _criteria(material)),
        Clause("Kinh phí, nhân lực đã sử dụng", _text(said, "kinh_phi")),
        Clause("Mức độ hoàn thành nhiệm vụ theo Kế hoạch", _text(said, "nhiem_vu")),
    )
    judged = (
        Clause("Mặt đạt được", _text(said, "dat_duoc")),
        Clause("Hạn chế", _text(said, "han_che")),
        Clause("Nguyên nhân", _text(said, "nguyen_nhan")),
        Clause("Bài học kinh nghiệm", _text(said, "bai_hoc")),
        Clause("Giới hạn của số liệu", (_LIMITS,)),
    )
    proposals = (
        Clause("Với cấp trên trực tiếp", _text(said, "kien_nghi_tinh")),
        Clause("Với Bộ Công Thương, Sở Khoa học và Công nghệ", _text(said, "kien_nghi_bo")),
        Clause("Nhân rộng", _text(said, "nhan_rong")),
    )
    sections = (
        Section("Tình hình triển khai", clauses=work),
        Section("Kết quả", clauses=results),
        Section("Đánh giá", clauses=judged),
        Section("Phương hướng, giải pháp", _text(said, "phuong_huong")),
        Section("Đề xuất, kiến nghị", clauses=(*proposals, _closing())),
    )
    year = material.programme.year
    subject = f"Kết quả triển khai mô hình nhà máy thông minh năm {year} và đề xuất nhân rộng"
    return _letter(
        material,
        settings,
        "BÁO CÁO",
        "BC",
        subject,
        sections,
        bases=_lines(said, "can_cu"),
        annexes=(_figures_annex(material), _formulas_annex()),
    )


_LIMITS: Final = (
    "Chỉ một số ít doanh nghiệp được theo dõi, không có nhóm đối chứng: thay đổi được ghi là trùng "
    "thời điểm với thí điểm, không phải do thí điểm. OEE cao không phải là mức trưởng thành và "
    "không dùng để xếp hạng nhà máy. Bằng chứng từ số liệu đo không phải là điểm chuyển đổi số."
)


def _quarterly(material: Material, settings: LetterSettings, period: str) -> Report:
    said = material.values_of("quarterly", period)
    year, quarter = period[:4], period[4:]
    rows = tuple(
        (
            str(number),
            str(one.content["ten"]),
            str(one.content["dvt"]),
            _cell(one.content["thuc_hien_ky"]),
            _cell(one.content["luy_ke"]),
            _cell(one.content["uoc_ky"]),
            _cell(one.content["ghi_chu"]),
        )
        for number, one in enumerate(material.released, 1)
    )
    head = ("TT", "Chỉ tiêu", "Đơn vị tính", "Thực hiện", "Lũy kế", "Ước cả kỳ", "Ghi chú")
    until = f"Số liệu đến ngày {_day(material)}; kỳ báo cáo chốt ngày 14 tháng cuối quý."
    sections = (
        Section("Kết quả", (until, Table(head, rows))),
        Section("Nhận xét", _text(said, "nhan_xet")),
        Section("Kiến nghị", ("Không.",), (_closing(),)),
    )
    subject = f"Kết quả mô hình nhà máy thông minh quý {quarter} năm {year}"
    return _letter(material, settings, "BÁO CÁO", "BC", subject, sections)


def _selection(material: Material, settings: LetterSettings, period: str) -> Report:
    said = material.values_of("selection", period)
    opening = (
        f"Thời gian bắt đầu: {said.get('L01', '…')}.",
        f"Địa điểm: {said.get('L02', '…')}.",
    )
    sections = (
        Section("Thành phần tham dự", (*_text(said, "L03"), f"Chủ trì: {said.get('L04', '…')}.")),
        Section("Nội dung", _text(said, "L06")),
        Section(
            "Tiêu chí lựa chọn", _as_table(said, "L07", ("Tiêu chí", "Trọng số", "Thang", "Nguồn"))
        ),
        Section(
            "Điểm của từng doanh nghiệp",
            _as_table(said, "L08", ("Doanh nghiệp", "Tiêu chí", "Điểm", "Ghi chú")),
        ),
        Section("Khai báo xung đột lợi ích", _text(said, "L09")),
        Section("Kết luận", (*_text(said, "L10"), f"Kết thúc vào {said.get('L11', '…')}")),
    )
    subject = "Về việc lựa chọn doanh nghiệp theo dõi mô hình nhà máy thông minh"
    report = _letter(material, settings, "BIÊN BẢN", "BB", subject, sections, opening=opening)
    return replace(
        report,
        secretary="Thư ký",
        signature=type(report.signature)(None, "Chủ tọa"),
        to_superior=False,
    )


def _replication(material: Material, settings: LetterSettings, period: str) -> Report:
    said = material.values_of("replication", period)
    fields = forms()["de_xuat_nhan_rong"].fields
    cost = cost_lines_vi(said.get(BUDGET, ""), material.records)
    sections = tuple(
        Section(
            field.label_vi,
            (*_text(said, field.code), *(cost if field.code == "R10" else ())),
            (_closing("tờ trình"),) if field is fields[-1] else (),
        )
        for field in fields
    )
    subject = "Về việc nhân rộng mô hình nhà máy thông minh"
    return _letter(material, settings, "TỜ TRÌNH", "TTr", subject, sections)


_CRITERIA_HEAD: Final = ("Tiêu chí", "Trọng số", "Thang", "Nguồn")
_POINTS_HEAD: Final = ("Doanh nghiệp", "Tiêu chí", "Điểm", "Ghi chú")

DOCUMENTS: Final = (
    Kind("final", "Báo cáo tổng kết", _final),
    Kind("quarterly", "Báo cáo kết quả quý", _quarterly),
    Kind("selection", "Biên bản lựa chọn", _selection),
    Kind("replication", "Tờ trình nhân rộng", _replication),
)


def _letter(
    material: Material,
    settings: LetterSettings,
    kind: str,
    symbol: str,
    subject: str,
    sections: tuple[Section, ...],
    *,
    bases: tuple[str, ...] = (),
    opening: tuple[str, ...] | None = None,
    annexes: tuple[Annex, ...] = (),
) -> Report:
    superior, issuer = settings.names(material.day)
    usual = (f"Thực hiện nhiệm vụ được giao, {issuer} báo cáo như sau:",)
    return Report(
        superior=superior,
        issuer=issuer,
        symbol=f"{symbol}-{settings.issuer_symbol}",
        place=settings.place,
        dated=material.day,
        kind=kind,
        subject=subject,
        bases=bases,
        opening=usual if opening is None else opening,
        sections=sections,
        recipients=settings.recipients,
        signature=settings.signature(),
        addressee=superior if kind != "BIÊN BẢN" else None,
        annexes=annexes,
    )


def _text(said: Mapping[str, str], name: str) -> tuple[str, ...]:
    return _lines(said, name) or (_NOT_WRITTEN,)


def _lines(said: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in said.get(name, "").splitlines() if line.strip())


def _as_table(said: Mapping[str, str], name: str, head: tuple[str, ...]) -> tuple[str | Table, ...]:
    rows = []
    for line in _lines(said, name):
        cells = [cell.strip() for cell in line.split("|")]
        rows.append(tuple([*cells, *[""] * len(head)][: len(head)]))
    return (Table(head, tuple(rows)),) if rows else (_NOT_WRITTEN,)


def _closing(kind: str = "báo cáo") -> Clause:
    return Clause("Kết luận", (f"Trên đây là {kind} của Sở Công Thương.",))


def _day(material: Material) -> str:
    return f"{material.day:%d/%m/%Y}"


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _enterprises(material: Material) -> Table:
    surveyed = {one.enterprise for one in material.of_kind("survey")}
    rows = tuple(
        (
            str(number),
            one.name_vi,
            one.tax_code,
            _SIZES_VI[one.size],
            "đã khảo sát" if one.enterprise in surveyed else "chưa chốt phiếu",
        )
        for number, one in enumerate(material.enterprises, 1)
    )
    return Table(("TT", "Doanh nghiệp", "Mã số thuế", "Quy mô", "Khảo sát"), rows)


def _collection(material: Material) -> Table:
    rows = tuple(
        (one.enterprise.name_vi, _figure(one, "E01"), _figure(one, "E02"), _period(one))
        for one in material.assessed
    )
    return Table(("Doanh nghiệp", "Tỷ lệ máy kết nối", "Độ đầy đủ dữ liệu", "Kỳ"), rows)


def _figure(one: Assessed, code: str) -> str:
    figure = one.figures.get(code)
    if figure is None:
        return "Chưa đủ dữ liệu"
    return f"{figure['shown_vi']} [{trace_code(one.record.record_id, code)}]"


def _period(one: Assessed) -> str:
    first, last = one.record.period.split("_")
    return f"{_shown_day(first)} – {_shown_day(last)}"


def _shown_day(text: str) -> str:
    year, month, day = text.split("-")
    return f"{day}/{month}/{year}"


def _before_after(material: Material) -> tuple[str | Table | Chart, ...]:
    head = (
        *("TT", "Chỉ số", "Kỳ nền", "Kỳ sau", "Chênh lệch (điểm %)"),
        *("Khoảng 95 %", "Số ngày", "Độ đầy đủ", "Mã"),
    )
    rows, names = [], []
    sides: list[list[float | None]] = [[], []]
    for number, one in enumerate(material.assessed, 1):
        figure = one.figures.get("E18")
        if figure is None or figure["value"] is None or figure["below_gate_vi"]:
            continue
        shown = {label: text for label, _, _, text in figure["parts"]}
        completeness = figure["quality"]["completeness"]
        share = Fraction(completeness) if completeness is not None else None
        rows.append(
            (
                str(number),
                f"OEE, {one.enterprise.name_vi}",
                *(shown[side] for side in _SIDES),
                figure["shown_vi"],
                f"{shown['Cận dưới 95 %']} đến {shown['Cận trên 95 %']}",
                f"{shown['Ngày có số liệu, kỳ nền']} / {shown['Ngày có số liệu, kỳ sau']}",
                number_vi(share, "%"),
                trace_code(one.record.record_id, "E18"),
            )
        )
        names.append(one.enterprise.name_vi)
        for values, side in zip(sides, _SIDES, strict=True):
            part = part_of(figure, side)
            value = part.value if part else None
            values.append(round(float(value) * 100, 1) if value is not None else None)
    if not rows:
        return ("Chưa đủ dữ liệu: chưa có đánh giá đã chốt với kỳ nền và kỳ sau đủ dài.",)
    chart = Chart(
        "OEE toàn doanh nghiệp, trung vị theo ngày",
        "%",
        tuple(names),
        (("Kỳ nền", tuple(sides[0])), ("Kỳ sau", tuple(sides[1]))),
    )
    note = "Thay đổi trùng thời điểm với thí điểm; không có nhóm đối chứng."
    return (Table(head, tuple(rows)), chart, note)


def _criteria(material: Material) -> tuple[str | Table, ...]:
    if not material.assessed:
        return ("Chưa có đánh giá nào đã chốt.",)
    blocks: list[str | Table] = []
    for one in material.assessed:
        rows = []
        for criterion, proposal in sorted(one.content.get("proposals", {}).items(), key=_in_order):
            if proposal["level"] is None and not one.content.get("confirmed", {}).get(criterion):
                continue
            confirmed = one.content.get("confirmed", {}).get(criterion)
            said = one.content["self"].get(criterion, {}).get("points")
            by = proposal["by"] or proposal["metrics"][0]
            rows.append(
                (
                    criterion,
                    _cell(said),
                    proposal["shown_vi"],
                    f"Mức {confirmed['level']}" if confirmed else "—",
                    trace_code(one.record.record_id, by),
                )
            )
        blocks.append(f"{one.enterprise.name_vi}, {one.content['framework']}, kỳ {_period(one)}:")
        head = ("Tiêu chí", "Tự đánh giá (điểm)", "Bằng chứng", "Xác nhận", "Mã")
        blocks.append(Table(head, tuple(rows)) if rows else "Chưa đủ dữ liệu cho tiêu chí nào.")
    return tuple(blocks)


def _in_order(item: tuple[str, object]) -> tuple[int, ...]:
    return tuple(int(part) for part in item[0].split(".") if part.isdigit())


def _figures_annex(material: Material) -> Annex:
    rows = tuple(
        (
            trace_code(one.record.record_id, code),
            one.enterprise.name_vi,
            f"{code} {figure['label_vi']}",
            figure["shown_vi"],
            figure["formula_version"],
            figure["inputs_hash"][:16],
        )
        for one in material.assessed
        for code, figure in sorted(one.figures.items())
    )
    head = ("Mã", "Doanh nghiệp", "Số đo", "Giá trị", "Công thức", "Mã băm đầu vào")
    return Annex("Số liệu và mã truy nguyên", (Table(head, rows),))


def _formulas_annex() -> Annex:
    rows = tuple(
        (one.formula_version, one.label_vi, one.can_show_vi, one.cannot_show_vi)
        for one in METRICS.values()
    )
    head = ("Công thức", "Số đo", "Cho biết", "Không cho biết")
    return Annex("Công thức và giới hạn", (Table(head, rows),))
