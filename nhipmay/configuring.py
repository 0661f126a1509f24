"""The command `nhipmay edge push-config`: checked as the edge will check it, then sent."""

from pathlib import Path

from edge_agent.configuration import checked_for
from ingest import IngestSettings, push_configuration
from plant.errors import ConfigurationError
from plant.native.message import EdgeAddress
from plant.place import checked_code


def push_config(settings: IngestSettings, edge: str, file: Path, who: str, why: str) -> str:
    """Push a file of sources to an edge (enterprise/site/edge) and say in words what happened."""
    codes = edge.split("/")
    if len(codes) != 3:
        raise ConfigurationError(f"--edge {edge!r} is not enterprise/site/edge")
    address = EdgeAddress(*(checked_code(code) for code in codes))
    for option, words in (("--who", who), ("--why", why)):
        if not words.strip():
            raise ConfigurationError(f"{option} is empty: it is kept with the version")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{file} cannot be read: {exc}") from exc
    checked = checked_for(address, text)
    units = {tag.work_unit for tag in checked.tags()}
    version = push_configuration(settings, address, text, units, who.strip(), why.strip())
    return (
        f"version {version} is at the broker for {edge}: {len(checked.tags())} tags; "
        "the page /fleet shows what becomes of it"
    )
