"""Names of tags: each metric of each machine has one of its own, or none."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256

from ingest.sparkplug.settings import NodeSettings

LONGEST_NAME = 200
_DIGITS = 12

Prefixes = dict[tuple[str, str], str]
"""By `enterprise/site` and `area/line/machine`."""


def prefixes(nodes: Iterable[NodeSettings]) -> Prefixes:
    """Return what stands before the names of each machine's tags.

    That is the machine's code, or as much of `area/line/machine` as tells it from the machines of
    the same code within its site that the settings name.
    """
    namesakes = defaultdict(set)
    for node in nodes:
        for unit in {node.work_unit, *node.devices.values()} - {None}:
            assert unit is not None
            namesakes[node.address.site_path, unit.rpartition("/")[2]].add(unit)
    return {
        (site, unit): _shortest(unit, units)
        for (site, _), units in namesakes.items()
        for unit in units
    }


def _shortest(unit: str, units: set[str]) -> str:
    codes = unit.split("/")
    for start in (2, 1):
        short = "/".join(codes[start:])
        if sum(other == short or other.endswith(f"/{short}") for other in units) == 1:
            return short
    return unit


def tag_name(prefix: str, metric: str) -> str:
    """Return the name of a metric's tag; a prefix that is there already does not come twice.

    A name that is too long ends with a digest of all of it.
    """
    name = metric if metric.startswith(f"{prefix}/") else f"{prefix}/{metric}"
    if len(name) <= LONGEST_NAME:
        return name
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{name[: LONGEST_NAME - _DIGITS - 1]}~{digest}"
