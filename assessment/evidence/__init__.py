"""Evidence metrics E01 to E18 as pure functions over values."""

from assessment.evidence.before_after import ComparisonSettings, before_after
from assessment.evidence.figure import Evidence, Outcome, Part, Window, inputs_hash, number_vi
from assessment.evidence.metric import METRICS, Metric, evidence

__all__ = [
    "METRICS",
    "ComparisonSettings",
    "Evidence",
    "Metric",
    "Outcome",
    "Part",
    "Window",
    "before_after",
    "evidence",
    "inputs_hash",
    "number_vi",
]
