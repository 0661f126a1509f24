"""Criteria sets as versioned, validated data: shipped, imported, and mappings between them."""

from assessment.framework.criteria import (
    CapStep,
    Component,
    Criterion,
    Document,
    OverallRule,
    OverallStep,
    Pillar,
    PillarBand,
    Telemetry,
    Unknown,
)
from assessment.framework.framework import (
    CriteriaSet,
    Dimension,
    Framework,
    Orientation,
    framework_from_json,
)
from assessment.framework.mapping import Correspondence, Mapping, Relation
from assessment.framework.reading import CellProblem, TableNotValidError, read_criteria
from assessment.framework.shipped import shipped, shipped_ids

__all__ = [
    "CapStep",
    "CellProblem",
    "Component",
    "Correspondence",
    "CriteriaSet",
    "Criterion",
    "Dimension",
    "Document",
    "Framework",
    "Mapping",
    "Orientation",
    "OverallRule",
    "OverallStep",
    "Pillar",
    "PillarBand",
    "Relation",
    "TableNotValidError",
    "Telemetry",
    "Unknown",
    "framework_from_json",
    "read_criteria",
    "shipped",
    "shipped_ids",
]
