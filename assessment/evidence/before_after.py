"""E18: a figure before and after the pilot began, with an interval and what else was different.

There is no control group: the change coincides with the pilot ("trùng thời điểm với"), and no words
here say that it comes from it.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import chain

import numpy as np

from assessment.evidence.figure import Outcome, Part, missing, number_vi
from assessment.evidence.inputs import BeforeAfter, PilotPeriod


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """What a comparison needs before it is shown."""

    days: int = 28
    """From the first to the last day of each side."""
    least_share_of_days: Fraction = Fraction(9, 10)
    """Days with a value, of those days."""
    draws: int = 2000
    confidence_percent: int = 95
    different_mix: Fraction = Fraction(1, 5)
    """Half the sum of the differences of product shares above which the mix is told apart."""


def before_after(
    held: BeforeAfter,
    generator: np.random.Generator,
    settings: ComparisonSettings = ComparisonSettings(),
) -> Outcome:
    """Return the difference of the medians, after − before, with its interval beside it.

    The interval is the percentile interval of a block bootstrap: whole days are drawn with
    replacement, each side by itself, so that the values of a day stay together. The same generator
    state gives the same figure.
    """
    for side, name in ((held.before, "kỳ nền"), (held.after, "kỳ sau")):
        if reason := _too_little(side, settings):
            return missing(f"{name}: {reason}")
    if held.before.machines != held.after.machines:
        other = held.before.machines ^ held.after.machines
        return missing(f"hai kỳ không cùng máy: {len(other)} máy khác nhau")
    if not held.before.machines:
        return missing("không rõ máy nào được so sánh")
    if max(one.day for one in held.before.values) >= min(one.day for one in held.after.values):
        return missing("kỳ nền và kỳ sau chồng nhau")
    medians = [_median(side) for side in (held.before, held.after)]
    drawn = [_draws(side, generator, settings.draws) for side in (held.before, held.after)]
    tail = (100 - settings.confidence_percent) / 2
    low, high = (float(one) for one in np.percentile(drawn[1] - drawn[0], [tail, 100 - tail]))
    difference = medians[1] - medians[0]
    unit = held.unit
    parts = (
        Part("Trung vị kỳ nền", medians[0], unit),
        Part("Trung vị kỳ sau", medians[1], unit),
        Part(f"Cận dưới {settings.confidence_percent} %", low, unit),
        Part(f"Cận trên {settings.confidence_percent} %", high, unit),
        Part("Ngày có số liệu, kỳ nền", _days(held.before), "ngày"),
        Part("Ngày có số liệu, kỳ sau", _days(held.after), "ngày"),
        Part("Sản lượng kỳ nền", _volume(held.before), "sản phẩm"),
        Part("Sản lượng kỳ sau", _volume(held.after), "sản phẩm"),
        *_mix(held),
    )
    sentence = (
        f"{held.figure_vi}: trung vị từ {number_vi(medians[0], unit)} thành "
        f"{number_vi(medians[1], unit)} (chênh {number_vi(difference, unit)}; khoảng "
        f"{settings.confidence_percent} % từ {number_vi(low, unit)} đến {number_vi(high, unit)}), "
        f"trùng thời điểm với {held.pilot_vi}; không có nhóm đối chứng."
    )
    notes = [sentence, f"Công thức {held.formula_version} cho cả hai kỳ."]
    distance = _mix_distance(held)
    if distance is None:
        notes.append("Không có sản lượng theo sản phẩm: không biết cơ cấu sản phẩm có đổi không.")
    elif distance > settings.different_mix:
        moved = number_vi(distance, "%")
        notes.append(
            f"Cơ cấu sản phẩm hai kỳ khác nhau ({moved} sản lượng): so sánh kém chắc chắn."
        )
    if low <= 0 <= high:
        notes.append("Khoảng tin cậy chứa 0: chưa thấy thay đổi rõ.")
    samples = len(held.before.values) + len(held.after.values)
    return Outcome(difference, samples, parts, notes_vi=tuple(notes))


def _too_little(side: PilotPeriod, settings: ComparisonSettings) -> str | None:
    if not side.values:
        return "không có số liệu"
    if not all(np.isfinite(one.value) for one in side.values):
        return "có giá trị không phải số"
    days = [one.day for one in side.values]
    span = (max(days) - min(days)) // timedelta(days=1) + 1
    if span < settings.days:
        return f"{span} ngày, cần ≥ {settings.days} ngày"
    if _days(side) < settings.least_share_of_days * span:
        return f"chỉ {_days(side)} trong {span} ngày có số liệu"
    return None


def _days(side: PilotPeriod) -> int:
    return len({one.day for one in side.values})


def _median(side: PilotPeriod) -> float:
    return float(np.median([one.value for one in side.values]))


def _draws(side: PilotPeriod, generator: np.random.Generator, draws: int) -> np.ndarray:
    """Return the medians of `draws` samples of whole days; shape (draws,)."""
    by_day: dict[object, list[float]] = defaultdict(list)
    for one in sorted(side.values, key=lambda value: (value.day, value.value)):
        by_day[one.day].append(one.value)
    days = list(by_day.values())
    chosen = generator.integers(len(days), size=(draws, len(days)))
    return np.array(
        [np.median(list(chain.from_iterable(days[index] for index in row))) for row in chosen]
    )


def _volume(side: PilotPeriod) -> int | None:
    return sum(amount for _, amount in side.volumes) if side.volumes else None


def _shares(side: PilotPeriod) -> dict[str, Fraction]:
    total = _volume(side)
    return {name: Fraction(amount, total) for name, amount in side.volumes} if total else {}


def _mix(held: BeforeAfter) -> list[Part]:
    before, after = _shares(held.before), _shares(held.after)
    return [
        Part(f"Tỷ trọng {product}, {name}", shares.get(product, Fraction(0)), "%")
        for product in sorted(before | after)
        for name, shares in (("kỳ nền", before), ("kỳ sau", after))
    ]


def _mix_distance(held: BeforeAfter) -> Fraction | None:
    before, after = _shares(held.before), _shares(held.after)
    if not before or not after:
        return None
    none = Fraction(0)
    return (
        sum((abs(before.get(one, none) - after.get(one, none)) for one in before | after), none) / 2
    )
