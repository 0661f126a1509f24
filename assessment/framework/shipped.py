"""The frameworks that come with the project."""

from functools import cache
from importlib.resources import files

from assessment.framework.framework import CriteriaSet, Orientation, framework_from_json
from plant.errors import DataError

_FILES = {"DBI-SME-1970": "dbi_sme_1970.json", "DBI-1567": "dbi_1567.json", "SIRI": "siri.json"}


def shipped_ids() -> tuple[str, ...]:
    """Return the identities of the frameworks that come with the project."""
    return tuple(_FILES)


@cache
def shipped(framework_id: str) -> CriteriaSet | Orientation:
    """Return a framework that comes with the project.

    Raises:
        DataError: None has this identity.
    """
    if framework_id not in _FILES:
        raise DataError(
            "unknown_framework", f"không có bộ tiêu chí {framework_id!r}; có {', '.join(_FILES)}"
        )
    folder = files("assessment.framework") / "data"
    return framework_from_json((folder / _FILES[framework_id]).read_bytes())
