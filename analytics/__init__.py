"""Rows to figures: states, counts, time elements, OEE by ISO 22400-2, and how complete they are."""

from analytics.proof import RecomputationReport, recompute_from_raw
from analytics.service import run
from analytics.settings import AnalyticsSettings

__all__ = ["AnalyticsSettings", "RecomputationReport", "recompute_from_raw", "run"]
