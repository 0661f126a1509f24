"""Points that people declared, added by a framework's rules; and levels proposed to people."""

from assessment.scoring.proposal import (
    CapReason,
    ConfirmedDocuments,
    DataQuality,
    GateSettings,
    LevelView,
    Proposal,
    conflicts,
    propose,
)
from assessment.scoring.self_assessment import (
    Declaration,
    PillarLevel,
    SelfAssessment,
    SelfAssessmentResult,
)

__all__ = [
    "CapReason",
    "ConfirmedDocuments",
    "DataQuality",
    "Declaration",
    "GateSettings",
    "LevelView",
    "PillarLevel",
    "Proposal",
    "SelfAssessment",
    "SelfAssessmentResult",
    "conflicts",
    "propose",
]
