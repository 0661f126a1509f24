"""Row by row: how many rows of an anomaly were called one, and how many others were."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rates:
    """F1, false-alarm rate and missed-alarm rate as fractions; None where nothing was to judge."""

    f1: float | None
    far: float | None
    mar: float | None

    def line(self) -> str:
        """Return the three as text, rates in percent."""
        f1 = "   –" if self.f1 is None else f"{self.f1:.3f}"
        return f"{f1}  {percent(self.far)}  {percent(self.mar)}"


def percent(rate: float | None) -> str:
    """Return a fraction in percent, five wide."""
    return "    –" if rate is None else f"{rate * 100:5.1f}"


def rates(called: Sequence[Flags], true: Sequence[Flags]) -> Rates:
    """Return the rates of several runs pooled: counts are summed before any ratio is formed."""
    here, there = np.concatenate(list(called)), np.concatenate(list(true))
    hits = int((here & there).sum())
    false, missed = int((here & ~there).sum()), int((~here & there).sum())
    normal, faulty = int((~there).sum()), int(there.sum())
    return Rates(
        f1=2 * hits / (2 * hits + false + missed) if hits + false + missed else None,
        far=false / normal if normal else None,
        mar=missed / faulty if faulty else None,
    )


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Return the half-open spans [first, past) in which the flags are set."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [(int(first), int(past)) for first, past in edges.reshape(-1, 2)]
