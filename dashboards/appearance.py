"""What a state, a ratio or a shortage looks like: the same on every panel.

Colour is never the only sign: each colour goes with its word.
"""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

NO_VALUE = "—"
"""What stands where there is no figure; never 0."""

STATES = {
    "production": ("Chạy · production", "#56A64B"),
    "unscheduled_production": ("Chạy ngoài kế hoạch · unscheduled production", "#96D98D"),
    "setup": ("Chuyển đổi · setup", "#5794F2"),
    "breakdown": ("Hỏng · breakdown", "#E02F44"),
    "held": ("Dừng do máy · held", "#FF780A"),
    "suspended": ("Chờ · suspended", "#FADE2A"),
    "stopped": ("Dừng · stopped", "#FF9830"),
    "delay": ("Dừng khi có lệnh · delay", "#FFB357"),
    "down": ("Không có lệnh · down", "#B877D9"),
    "planned_break": ("Nghỉ ca · planned break", "#C0D8FF"),
    "planned_maintenance": ("Bảo trì · planned maintenance", "#8AB8FF"),
    "not_scheduled": ("Ngoài ca · not scheduled", "#DEE3E9"),
    "unknown": ("Không rõ · unknown", "#808080"),
}
"""Time elements, and the kinds of stop that a delay is told apart by; unknown is grey."""


REFUSALS = {
    "unknown_tag": "Điểm đo chưa khai báo",
    "unknown_quality": "Chất lượng tín hiệu lạ",
    "wrong_type": "Sai kiểu giá trị",
    "too_long": "Chuỗi quá dài",
    "unstorable": "Giá trị không lưu được",
    "future_source_time": "Giờ đo ở tương lai",
    "past_source_time": "Giờ đo quá xa trong quá khứ",
    "out_of_range": "Ngoài dải đo",
    "no_birth": "Chưa có bản khai sinh",
    "too_large": "Gói tin quá lớn",
}
"""Why data are refused, by the code that `nhipmay ingest replay-rejected` takes."""


def refusal_mappings() -> list[model.ValueMapping]:
    """Return words for the reasons of rejections; what has none is shown as it is."""
    return [
        model.ValueMap(
            options={
                code: model.ValueMappingResult(text=f"{words} · {code}", index=index)
                for index, (code, words) in enumerate(REFUSALS.items())
            }
        )
    ]


def state_mappings() -> list[model.ValueMapping]:
    """Return the words and colours of every state."""
    return [
        model.ValueMap(
            options={
                code: model.ValueMappingResult(text=text, color=color, index=index)
                for index, (code, (text, color)) in enumerate(STATES.items())
            }
        )
    ]


def thresholds(*steps: tuple[float | None, str]) -> build.ThresholdsConfig:
    """Return absolute thresholds; the first step has no value and holds below the second."""
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value, color) for value, color in steps])
    )


NEUTRAL = thresholds((None, "blue"))
NONE_WANTED = thresholds((None, "green"), (1, "red"))
COVERAGE = thresholds((None, "red"), (0.9, "orange"), (0.98, "green"))
BUFFER_HOURS = thresholds((None, "red"), (4, "orange"), (24, "green"))
LAG = thresholds((None, "green"), (60, "orange"), (600, "red"))


def properties(**values: object) -> list[model.DynamicConfigValue]:
    """Return field settings of an override; `__` in a name stands for a dot."""
    return [
        model.DynamicConfigValue(name.replace("__", "."), value) for name, value in values.items()
    ]
