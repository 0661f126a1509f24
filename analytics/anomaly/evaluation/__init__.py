"""The detector against data with known truth: the live code, one configuration, nothing tuned."""

from collections.abc import Callable
from pathlib import Path

from analytics.anomaly.evaluation import events, nab, skab, tep
from analytics.anomaly.evaluation.report import Evaluation, Table

__all__ = ["PROTOCOLS", "Evaluation", "Table"]

PROTOCOLS: dict[str, Callable[[Path, Callable[[str], None]], Evaluation]] = {
    "skab": skab.evaluate,
    "tep": tep.evaluate,
    "nab": nab.evaluate,
    "events": events.evaluate,
}
"""Protocols by name; each takes the folder of the data and what to tell about its progress."""
