"""An evidence figure: value, window, coverage, gate, formula version, inputs' hash, limits."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import Any

from assessment.scoring import DataQuality
from plant.errors import DataError

Number = Fraction | float | int


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open period `[start, end)` of aware moments."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise DataError("window_without_zone", "kỳ đo phải có múi giờ")
        if self.start >= self.end:
            raise DataError("window_empty", f"kỳ đo {self.start} đến {self.end} trống")

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Part:
    """A number beside the value, with its label in Vietnamese; `None` is not known."""

    label_vi: str
    value: Number | None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a formula gave: a value, or `None` with the reason; and levels it would support."""

    value: Number | None
    n_samples: int | None
    """`None` where time, not samples, was added up."""
    parts: tuple[Part, ...] = ()
    missing_vi: str | None = None
    levels: tuple[tuple[str, int], ...] = ()
    """By criterion of DBI-SME-1970: the level that the figure alone supports."""
    notes_vi: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.value is None) == (self.missing_vi is None):
            raise ValueError("a value, or the reason for none")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A figure as a record keeps it."""

    metric_code: str
    label_vi: str
    formula_version: str
    window: Window
    outcome: Outcome
    unit: str
    coverage: Fraction | None
    """Share of the enterprise's machines that the figure speaks of."""
    quality: DataQuality
    below_gate_vi: tuple[str, ...]
    inputs_hash: str
    can_show_vi: str
    limits_vi: str

    @property
    def shown_vi(self) -> str:
        """The value in words, or *Chưa đủ dữ liệu* with the reasons; never 0 for missing data."""
        if self.outcome.missing_vi is not None:
            return f"Chưa đủ dữ liệu: {self.outcome.missing_vi}"
        if self.below_gate_vi:
            return f"Chưa đủ dữ liệu: {'; '.join(self.below_gate_vi)}"
        return number_vi(self.outcome.value, self.unit)

    def metric_level(self, criterion_id: str) -> int | None:
        """Return the level that the figure alone supports, `None` if it supports none."""
        return dict(self.outcome.levels).get(criterion_id)


def missing(reason_vi: str, *parts: Part) -> Outcome:
    """Return the outcome without a value."""
    return Outcome(None, 0, parts, reason_vi)


def ratio(part: int | timedelta | None, whole: int | timedelta | None, whole_vi: str) -> Outcome:
    """Return `part / whole` with both beside it, or why there is none.

    `whole_vi` names the denominator, as in "chưa có {whole_vi}".
    """
    if part is None or whole is None:
        return missing(f"chưa có {whole_vi}" if whole is None else f"chưa có tử số của {whole_vi}")
    above, below = _whole(part), _whole(whole)
    parts = (Part("Tử số", _shown(part)), Part(f"Mẫu số: {whole_vi}", _shown(whole)))
    if above < 0 or below < 0:
        return missing(f"{whole_vi}: có giá trị âm", *parts)
    if below == 0:
        return missing(f"{whole_vi} bằng 0 trong kỳ", *parts)
    if above > below:
        return missing(f"tử số lớn hơn {whole_vi}; hãy kiểm tra số liệu", *parts)
    return Outcome(Fraction(above, below), below if isinstance(whole, int) else None, parts)


def number_vi(value: Number | None, unit: str) -> str:
    """Return a number as Vietnamese writes it: comma for decimals, a share in percent."""
    if value is None:
        return "—"
    if isinstance(value, int) and unit != "%":
        return f"{value:,} {unit}".translate(_VIETNAMESE).strip()
    shown = float(value) * (100 if unit == "%" else 1)
    text = f"{shown:,.1f}" if abs(shown) >= 0.05 or shown == 0 else f"{shown:.3g}"
    return f"{text.translate(_VIETNAMESE)} {unit}".strip()


_VIETNAMESE = str.maketrans({",": ".", ".": ","})


def _whole(value: int | timedelta) -> int:
    return value // timedelta(microseconds=1) if isinstance(value, timedelta) else value


def _shown(value: int | timedelta) -> Number:
    return Fraction(_whole(value), 60_000_000) if isinstance(value, timedelta) else value


def inputs_hash(metric_code: str, formula_version: str, window: Window, inputs: object) -> str:
    """Return the SHA-256 of everything a figure was computed from, as hexadecimal digits.

    The same values give the same hash in any process: keys are sorted, moments are UTC, ratios are
    exact. A changed field, window or formula gives another.
    """
    content = [metric_code, formula_version, canonical(window), canonical(inputs)]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> Any:
    """Return a value as JSON that does not depend on the process.

    Raises:
        TypeError: There is no such form for its type.
    """
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: canonical(getattr(value, field.name)) for field in fields(value)}
        return {"is": type(value).__name__, **held}
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case float():
            return {"float": value.hex()}
        case Fraction():
            return f"{value.numerator}/{value.denominator}"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
        case timedelta():
            return {"us": value // timedelta(microseconds=1)}
        case tuple() | list():
            return [canonical(one) for one in value]
        case set() | frozenset():
            return sorted((canonical(one) for one in value), key=repr)
        case Mapping():
            return {str(key): canonical(one) for key, one in value.items()}
    raise TypeError(f"no canonical form of {type(value).__name__}")
