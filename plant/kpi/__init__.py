"""ISO 22400-2: base sums, policies, results, and the one implementation of every formula.

Pure Python over values: `analytics` stores what it computes, the API forms figures of any window
from stored base sums, both with these functions.
"""

from plant.kpi.policy import OeePolicy
from plant.kpi.result import Missing, OeeResult, ResultWindow
from plant.kpi.sums import BaseSums, add

__all__ = ["BaseSums", "Missing", "OeePolicy", "OeeResult", "ResultWindow", "add"]
