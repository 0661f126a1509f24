"""Trees of reasons that come with the program, one per sector."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import yaml

from plant.errors import ConfigurationError
from plant.mes import KINDS, Parsed, parse
from plant.mes.file.b2mml_element import Named

_LISTS = ("stop-reasons", "scrap-reasons", "rework-reasons")


def sectors() -> list[str]:
    """Return the sectors that have a tree."""
    folder = files("ingest.mes") / "reason_trees"
    return sorted(
        file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")
    )


def reason_tree(sector: str, enterprise: str) -> Iterator[Parsed]:
    """Yield the reasons of a sector for an enterprise; raise ConfigurationError without a tree."""
    known = sectors()
    if sector not in known:
        raise ConfigurationError(f"there is no tree '{sector}'; there are: {', '.join(known)}")
    text = (files("ingest.mes") / "reason_trees" / f"{sector}.yaml").read_text(encoding="utf-8")
    content: dict[str, list[dict[str, Any]]] = yaml.safe_load(text)
    for kind in _LISTS:
        for values in content[kind.replace("-", "_")]:
            named = Named(f"{sector} {kind} {values['code']}")
            yield parse(KINDS[kind], {"enterprise": enterprise} | values, named)
