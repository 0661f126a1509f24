"""What leaves the house: datasets, their release under disclosure control, and the ways out."""

from assessment.sharing.dataset import DATASETS, Dataset
from assessment.sharing.pulling import Pulled, Puller
from assessment.sharing.releasing import Release, Releasing

__all__ = ["DATASETS", "Dataset", "Pulled", "Puller", "Release", "Releasing"]
