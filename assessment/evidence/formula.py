"""The formulas E01 to E17, each a pure function of its inputs (assessment of DBI-SME-1970).

Levels follow the texts of the criteria as far as telemetry can: level 1, a department or a product;
level 2, several, sharing where the text asks for it; level 3 only of E01 (a candidate). Everything
else supports no level.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from math import isfinite

from assessment.evidence import inputs as given
from assessment.evidence.figure import Number, Outcome, Part, missing, ratio


def connected_machines(held: given.Connection) -> Outcome:
    """E01: machines with good samples on enough planned days ÷ machines of the register."""
    if not held.register:
        return missing("chưa có danh mục máy")
    if not held.register_confirmed:
        return missing("danh mục máy chưa được doanh nghiệp xác nhận")
    department_of = {one.machine: one.department for one in held.register}
    if len(department_of) != len(held.register):
        return missing("danh mục máy có mã máy trùng")
    if any(not 0 <= one.good_days <= one.planned_days for one in held.days):
        return missing("số ngày có dữ liệu không hợp với số ngày kế hoạch")
    connected = {
        one.machine
        for one in held.days
        if one.planned_days
        and Fraction(one.good_days, one.planned_days) >= held.least_share_of_days
    }
    outside = {one.machine for one in held.days} - department_of.keys()
    machines: dict[str, list[bool]] = defaultdict(list)
    for machine, department in department_of.items():
        machines[department].append(machine in connected)
    shares = {name: Fraction(sum(own), len(own)) for name, own in sorted(machines.items())}
    reached = sum(share > 0 for share in shares.values())
    level = _level_of(reached, held.shares_data)
    if level == 2 and min(shares.values()) >= Fraction(4, 5):
        level = 3
    parts = [
        Part("Máy kết nối", len(connected & department_of.keys()), "máy"),
        Part("Máy trong danh mục (R)", len(department_of), "máy"),
        Part("Máy gửi số liệu nhưng ngoài danh mục", len(outside), "máy"),
        *(Part(f"Bộ phận {name}", share, "%") for name, share in shares.items()),
    ]
    value = Fraction(len(connected & department_of.keys()), len(department_of))
    return Outcome(value, len(department_of), tuple(parts), None, (("3.2.9", level),))


def completeness(held: given.Samples) -> Outcome:
    """E02: samples received ÷ expected within planned production time."""
    return ratio(held.received, held.expected, "số mẫu dự kiến trong giờ kế hoạch")


def latency(held: given.Latencies) -> Outcome:
    """E03: the median of ingest time − source time, p95 beside it, by nearest rank; seconds."""
    if not held.seconds:
        return missing("không có mẫu nào trong kỳ")
    if not all(isfinite(one) for one in held.seconds):
        return missing("độ trễ có giá trị không phải số")
    parts = (
        Part("p95", _rank(held.seconds, 95), "giây"),
        Part("Mẫu có giờ nguồn đi trước giờ nhận", sum(one < 0 for one in held.seconds), "mẫu"),
    )
    return Outcome(_rank(held.seconds, 50), len(held.seconds), parts)


def automatic_collection(held: given.Collection) -> Outcome:
    """E04: records from signals ÷ all count, quality and stop records."""
    automatic = sum(one.automatic for one in held.departments)
    all_records = automatic + sum(one.manual for one in held.departments)
    found = ratio(automatic, all_records, "số bản ghi sản lượng, chất lượng, dừng máy")
    reached = sum(one.automatic > 0 for one in held.departments)
    return _with_levels(found, ("6.1.4", _level_of(reached, held.shares_data)))


def linked_orders(held: given.Orders) -> Outcome:
    """E05: run time that carries an order or lot of ERP or MES ÷ run time."""
    found = ratio(held.run_time_with_order, held.run_time, "thời gian chạy")
    return _beside(found, Part("Hệ thống trao đổi mỗi tuần", held.systems_per_week, "hệ thống"))


def oee(held: given.OeeFigure) -> Outcome:
    """E06: availability × effectiveness × quality ratio (ISO 22400-2), with its losses."""
    three = (held.availability, held.effectiveness, held.quality_ratio)
    names = ("Mức sẵn sàng (A)", "Mức hiệu suất (P)", "Mức chất lượng (Q)")
    parts = [Part(name, value, "%") for name, value in zip(names, three, strict=True)]
    reasons = ratio(held.stop_time_with_reason, held.stop_time, "thời gian dừng")
    parts.append(Part("Thời gian dừng có lý do", reasons.value, "%"))
    largest = sorted(held.losses, key=lambda loss: (-loss[1], loss[0]))[:5]
    parts += [
        Part(f"Tổn thất: {name}", time / timedelta(minutes=1), "phút") for name, time in largest
    ]
    product: Fraction = Fraction(1)
    for name, value in zip(names, three, strict=True):
        if value is None:
            return missing(held.lacking_vi or f"chưa có {name}", *parts)
        product *= value
    return Outcome(product, None, tuple(parts), notes_vi=(f"Công thức {held.formula_version}.",))


def stops_with_reason(held: given.Stops) -> Outcome:
    """E07: unplanned stop time with a reason ÷ all unplanned stop time."""
    return ratio(held.with_reason, held.unplanned, "thời gian dừng ngoài kế hoạch")


def automatic_mode(held: given.Automation) -> Outcome:
    """E08: time in automatic mode ÷ running time, with interventions and robot time."""
    if not held.departments:
        return missing("chưa có máy nào báo chế độ chạy")
    none = timedelta()
    automatic = sum((one.automatic for one in held.departments), none)
    running = sum((one.running for one in held.departments), none)
    robots = sum((one.robot_run_time for one in held.departments), none)
    found = ratio(automatic, running, "thời gian chạy")
    counted = [one for one in held.departments if one.cycles and one.interventions is not None]
    cycles = sum(one.cycles or 0 for one in counted)
    interventions = sum(one.interventions or 0 for one in counted)
    found = _beside(
        found,
        Part(
            "Can thiệp trên 100 chu kỳ", Fraction(100 * interventions, cycles) if cycles else None
        ),
        Part("Giờ chạy robot", robots / timedelta(hours=1), "giờ"),
    )
    with_robot = sum(one.robot_run_time > none for one in held.departments)
    with_automation = sum(one.automatic > none for one in held.departments)
    # Level 2 of 3.2.11 asks for sharing, which no mode of a machine shows.
    return _with_levels(found, ("3.2.11", min(1, with_robot)), ("3.2.12", min(2, with_automation)))


def traced(held: given.Traces) -> Outcome:
    """E09: parts or lots identified at two steps or more ÷ those produced."""
    if any(one.identified > one.produced for one in held.products):
        return missing("số lượng nhận diện lớn hơn số lượng sản xuất; hãy kiểm tra số liệu")
    identified = sum(one.identified for one in held.products)
    found = ratio(identified, sum(one.produced for one in held.products), "số lượng sản xuất")
    reached = sum(one.identified > 0 for one in held.products)
    found = _beside(found, Part("Sản phẩm có nhận diện", reached, "sản phẩm"))
    return _with_levels(found, ("3.2.13", min(2, reached)))


def checked_counts(held: given.Checks) -> Outcome:
    """E10: Σ|automatic − inspected| ÷ Σ inspected, over sampled shifts that the firm signed.

    Differences of shifts do not cancel each other; the value may exceed 1.
    """
    signed = [one for one in held.shifts if one.signed]
    if not signed:
        return missing("chưa có ca kiểm chứng nào được doanh nghiệp ký")
    if any(one.automatic < 0 or one.inspected < 0 for one in signed):
        return missing("số đếm âm")
    inspected = sum(one.inspected for one in signed)
    if inspected == 0:
        return missing("số kiểm kê bằng 0")
    difference = sum(abs(one.automatic - one.inspected) for one in signed)
    parts = (
        Part("Ca lấy mẫu đã ký", len(signed), "ca"),
        Part("Ca chưa ký, không tính", len(held.shifts) - len(signed), "ca"),
    )
    return Outcome(Fraction(difference, inspected), len(signed), parts)


def alarms(held: given.Alarms) -> Outcome:
    """E11: deviations acknowledged ÷ raised, with times in minutes and confirmed precision."""
    found = ratio(held.acknowledged, held.raised, "số cảnh báo phát sinh")
    judged = None
    if held.confirmed is not None and held.refuted is not None:
        judged = held.confirmed + held.refuted
    precision = ratio(held.confirmed, judged, "số cảnh báo đã kết luận")
    return _beside(
        found,
        Part("Trung vị thời gian xác nhận", _median(held.minutes_to_acknowledge), "phút"),
        Part("Trung vị thời gian đóng", _median(held.minutes_to_close), "phút"),
        Part("Độ chính xác đã xác nhận", precision.value, "%"),
        Part("Trung vị thời gian báo trước", _median(held.minutes_of_lead), "phút"),
    )


def dashboard_use(held: given.Use) -> Outcome:
    """E12: distinct users, a lower bound of the employees who use the data; with active days."""
    if not held.departments:
        return missing("chưa có nhật ký sử dụng")
    active = [one for one in held.departments if one.users > 0 and one.active_days > 0]
    users = sum(one.users for one in active)
    parts = (
        *(Part(f"Bộ phận {one.department}: ngày dùng", one.active_days, "ngày") for one in active),
        Part("Lượt kết xuất", held.exports, "lượt"),
    )
    levels = (("6.1.6", _level_of(len(active), held.shares_data)),)
    return Outcome(users, users, parts, None, levels)


def decisions(held: given.Decisions) -> Outcome:
    """E13: decisions that cite a metric ÷ all decisions declared."""
    return ratio(held.with_metric, held.declared, "tổng quyết định doanh nghiệp khai trong kỳ")


def energy(held: given.Energy) -> Outcome:
    """E14: kWh of the period; kWh per good part, share without production, machines metered."""
    if held.kwh is None:
        return missing("chưa có công tơ đo điện")
    per_part = held.kwh / held.good_parts if held.good_parts else None
    idle = held.idle_kwh / held.kwh if held.idle_kwh is not None and held.kwh else None
    metered = ratio(held.machines_metered, held.machines, "máy trong danh mục")
    parts = (
        Part("Suất điện", per_part, "kWh/sản phẩm đạt"),
        Part("Tỷ trọng chạy không tải", idle, "%"),
        Part("Máy có công tơ", metered.value, "%"),
    )
    return Outcome(held.kwh, held.machines_metered or 0, parts)


def security(held: given.Security) -> Outcome:
    """E15: gateways on TLS with a credential of their own ÷ gateways."""
    found = ratio(held.gateways_secured, held.gateways, "số cổng kết nối")
    mfa = ratio(held.administrators_with_mfa, held.administrators, "số quản trị viên")
    return _beside(
        found,
        Part("Quản trị viên dùng xác thực đa yếu tố", mfa.value, "%"),
        Part("Lần rà soát tài khoản", held.account_reviews, "lần"),
        Part("Đăng nhập thất bại", held.failed_logins, "lần"),
        Part("Tuổi bản vá", held.patch_age_days, "ngày"),
        Part("Lưu nhật ký", held.log_retention_days, "ngày"),
    )


def tag_catalogue(held: given.TagCatalogue) -> Outcome:
    """E16: tags with unit, description and owner ÷ tags."""
    found = ratio(held.described, held.tags, "số điểm đo")
    mapped = ratio(held.mapped, held.tags, "số điểm đo")
    return _beside(
        found,
        Part("Điểm đo gắn với mô hình chung", mapped.value, "%"),
        Part("Lưu trữ", held.retention_days, "ngày"),
        Part("Từ lần thử khôi phục gần nhất", held.days_since_restore_test, "ngày"),
    )


def digital_quality(held: given.Quality) -> Outcome:
    """E17: lots with digital inspection records ÷ lots."""
    found = ratio(held.lots_inspected, held.lots, "số lô")
    first = ratio(held.passed_first, held.parts_inspected, "số sản phẩm kiểm tra")
    handled = ratio(held.spc_handled, held.spc_hits, "số vi phạm quy tắc SPC")
    return _beside(
        found,
        Part("Đạt ngay lần đầu", first.value, "%"),
        Part("Vi phạm SPC đã xử lý", handled.value, "%"),
    )


def _level_of(departments: int, shares_data: bool | None) -> int:
    return min(1, departments) if departments < 2 or not shares_data else 2


def _with_levels(found: Outcome, *levels: tuple[str, int]) -> Outcome:
    return found if found.value is None else replace(found, levels=levels)


def _beside(found: Outcome, *parts: Part) -> Outcome:
    return replace(found, parts=(*found.parts, *parts))


def _rank(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


def _median(values: Sequence[float]) -> Number | None:
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
