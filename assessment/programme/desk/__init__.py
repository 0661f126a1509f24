"""The desk at which records of a programme are written, moved on and looked at.

Whoever calls says who acts; what they may do is decided by the workflow, and what they see by the
login that `reader` has. Changes are made by `writer`, in one transaction each.
"""

from assessment.programme.desk.desk import Desk
from assessment.programme.desk.held import holding, window_of_period

__all__ = ["Desk", "holding", "window_of_period"]
