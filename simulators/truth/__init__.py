"""Ground truth: what truly happened on a simulated plant, and what its servers gave out."""

from simulators.truth.figures import TrueFigures, true_figures
from simulators.truth.reading import TruthReader
from simulators.truth.record import Batch, Identity, TruthFile

__all__ = ["Batch", "Identity", "TrueFigures", "TruthFile", "TruthReader", "true_figures"]
