"""The metrics E01 to E18: their names, what each can and cannot show, and how one is computed."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from assessment.evidence import formula, inputs
from assessment.evidence.before_after import before_after
from assessment.evidence.figure import Evidence, Outcome, Window, inputs_hash, missing
from assessment.scoring import DataQuality, GateSettings
from plant.errors import DataError


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of the catalogue; `criteria` are those of DBI-SME-1970 it is evidence for."""

    code: str
    label_vi: str
    unit: str
    criteria: tuple[str, ...]
    can_show_vi: str
    cannot_show_vi: str
    takes: type
    compute: Callable[..., Outcome]
    version: int = 1

    @property
    def formula_version(self) -> str:
        """Code and number of the formula, as a record names them."""
        return f"{self.code}/{self.version}"


_ALL: Final = (
    Metric(
        "E01",
        "Tỷ lệ máy kết nối",
        "%",
        ("3.2.9",),
        "Số máy và bộ phận sản xuất có kết nối thật trong kỳ.",
        "Bộ phận văn phòng; danh mục máy có đủ hay không; cán bộ chuyên trách (mức 5).",
        inputs.Connection,
        formula.connected_machines,
    ),
    Metric(
        "E02",
        "Độ đầy đủ dữ liệu",
        "%",
        ("6.1.4",),
        "Việc thu thập chạy thật và liên tục.",
        "Số liệu có đúng hay không (cần E10).",
        inputs.Samples,
        formula.completeness,
    ),
    Metric(
        "E03",
        "Độ trễ dữ liệu (p50/p95)",
        "giây",
        (),
        "Khả năng gần thời gian thực.",
        "Việc sử dụng khả năng đó.",
        inputs.Latencies,
        formula.latency,
    ),
    Metric(
        "E04",
        "Tỷ lệ thu thập tự động",
        "%",
        ("6.1.4", "3.2.12"),
        "Phần bản ghi không còn nhập tay.",
        "Sổ giấy có còn ghi song song hay không.",
        inputs.Collection,
        formula.automatic_collection,
    ),
    Metric(
        "E05",
        "Liên thông hệ thống",
        "%",
        ("3.2.4", "3.2.6"),
        "Có ERP/MES và đã nối một phần với xưởng.",
        "Mọi bộ phận đều dùng (từ mức 3).",
        inputs.Orders,
        formula.linked_orders,
    ),
    Metric(
        "E06",
        "OEE = A×P×Q và tổn thất",
        "%",
        ("4.1.4", "6.1.6"),
        "Hiệu suất được đo và xem xét, cùng một công thức mỗi kỳ.",
        "OEE cao không phải là mức trưởng thành; không so sánh giữa các nhà máy; không nói lên "
        "nguyên nhân của thay đổi.",
        inputs.OeeFigure,
        formula.oee,
    ),
    Metric(
        "E07",
        "Tỷ lệ dừng máy có lý do",
        "%",
        ("4.1.4", "6.1.7"),
        "Thói quen tìm nguyên nhân dừng máy.",
        "Lý do được ghi có đúng hay không.",
        inputs.Stops,
        formula.stops_with_reason,
    ),
    Metric(
        "E08",
        "Tỷ lệ chế độ tự động",
        "%",
        ("3.2.11", "3.2.12"),
        "Tự động hóa đang dùng trên máy đã nối; robot có mặt và đang chạy.",
        "Tự động hóa của dây chuyền chưa nối; ưu tiên trong chiến lược (mức 4); cán bộ chuyên "
        "trách (mức 5).",
        inputs.Automation,
        formula.automatic_mode,
    ),
    Metric(
        "E09",
        "Truy xuất theo lô/mã",
        "%",
        ("3.2.13",),
        "Nhận diện tự động trong nhà máy cho các sản phẩm này.",
        "Chuỗi cung ứng ngoài cổng nhà máy.",
        inputs.Traces,
        formula.traced,
    ),
    Metric(
        "E10",
        "Kiểm chứng dữ liệu",
        "%",
        (),
        "Mức tin cậy của các con số trong những ca đã kiểm.",
        "Những thời gian không lấy mẫu.",
        inputs.Checks,
        formula.checked_counts,
    ),
    Metric(
        "E11",
        "Cảnh báo & phản hồi",
        "%",
        ("6.1.7", "6.1.2"),
        "Hệ thống có báo; có nguyên nhân đã xác nhận là chẩn đoán; báo trước hỏng hóc là dự báo.",
        "Khả năng tự thích nghi.",
        inputs.Alarms,
        formula.alarms,
    ),
    Metric(
        "E12",
        "Sử dụng bảng điều khiển",
        "người",
        ("6.1.6", "3.2.4", "6.1.1", "6.1.3"),
        "Có người xem, theo bộ phận; với 6.1.1 và 6.1.3 chỉ là cận dưới.",
        "Quyết định có theo số liệu hay không.",
        inputs.Use,
        formula.dashboard_use,
    ),
    Metric(
        "E13",
        "Nhật ký quyết định",
        "%",
        ("6.1.7",),
        "Số liệu được dẫn trong quyết định.",
        "Chất lượng quyết định; mẫu số do doanh nghiệp khai.",
        inputs.Decisions,
        formula.decisions,
    ),
    Metric(
        "E14",
        "Năng lượng",
        "kWh",
        (),
        "Điện năng được theo dõi.",
        "Phần tiết kiệm gắn với thí điểm.",
        inputs.Energy,
        formula.energy,
    ),
    Metric(
        "E15",
        "An toàn kết nối",
        "%",
        ("3.2.8", "4.1.1", "4.1.5"),
        "Tình trạng bảo vệ của riêng đường truyền số liệu.",
        "ISO 27001 và chính sách của doanh nghiệp (cần văn bản).",
        inputs.Security,
        formula.security,
    ),
    Metric(
        "E16",
        "Danh mục & siêu dữ liệu",
        "%",
        ("3.2.2", "6.1.1", "6.1.3"),
        "Có cơ sở dữ liệu sản xuất được quản lý.",
        "Chính sách dữ liệu của toàn doanh nghiệp.",
        inputs.TagCatalogue,
        formula.tag_catalogue,
    ),
    Metric(
        "E17",
        "Kiểm soát chất lượng số",
        "%",
        ("4.1.3",),
        "Dữ liệu kiểm tra chất lượng ở dạng số.",
        "Chứng chỉ bảo đảm chất lượng.",
        inputs.Quality,
        formula.digital_quality,
    ),
    Metric(
        "E18",
        "Trước/sau thí điểm",
        "",
        (),
        "Độ lớn của thay đổi, trùng thời điểm với thí điểm.",
        "Quan hệ nhân quả: không có nhóm đối chứng.",
        inputs.BeforeAfter,
        before_after,
    ),
)
METRICS: Final = {metric.code: metric for metric in _ALL}
"""The catalogue, by code."""

_GATE: Final = GateSettings()


def evidence(
    code: str,
    window: Window,
    held: inputs.Inputs | None,
    quality: DataQuality,
    *,
    coverage: Fraction | None = None,
    gate: GateSettings = _GATE,
    generator: np.random.Generator | None = None,
    missing_vi: str | None = None,
) -> Evidence:
    """Return a metric over a window; without its input, *Chưa đủ dữ liệu* with the reason.

    `generator` is what E18 draws with; its state is part of the inputs, so that the figure can be
    computed again.

    Raises:
        DataError: No such metric, an input of another metric, or E18 without a generator.
    """
    if code not in METRICS:
        raise DataError("unknown_metric", f"{code!r}; có {', '.join(METRICS)}")
    metric = METRICS[code]
    used: Any = held
    if held is None:
        outcome = missing(missing_vi or "chưa có dữ liệu đầu vào")
    elif not isinstance(held, metric.takes):
        words = f"{code} cần {metric.takes.__name__}, nhận {type(held).__name__}"
        raise DataError("input_of_another_metric", words)
    elif isinstance(held, inputs.BeforeAfter):
        if generator is None:
            raise DataError("no_generator", "E18 cần một bộ sinh số ngẫu nhiên")
        used = (held, str(generator.bit_generator.state))
        outcome = before_after(held, generator)
    else:
        outcome = metric.compute(held)
    return Evidence(
        metric_code=code,
        label_vi=metric.label_vi,
        formula_version=metric.formula_version,
        window=window,
        outcome=outcome,
        unit=held.unit if isinstance(held, inputs.BeforeAfter) else metric.unit,
        coverage=coverage,
        quality=quality,
        below_gate_vi=quality.failures_vi(gate),
        inputs_hash=inputs_hash(code, metric.formula_version, window, used),
        can_show_vi=metric.can_show_vi,
        limits_vi=metric.cannot_show_vi,
    )
