"""The dossier for level 2 of information security: controls, and where each is met."""

from assessment.dossier.control import Control, Running, State, controls
from assessment.dossier.writing import dossier

__all__ = ["Control", "Running", "State", "controls", "dossier"]
