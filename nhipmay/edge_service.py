"""The command `nhipmay edge` as it runs for years: without the command line around it."""

from pathlib import Path

from nhipmay.runtime import missing_extra, run_service, share_one_heap
from plant.settings import load_settings


def run_edge(settings: Path | None) -> None:
    """Run an edge agent until it ends; raise ConfigurationError when its extra is missing."""
    try:
        from edge_agent import EdgeSettings, run
    except ImportError as exc:
        raise missing_extra("edge", "edge", exc) from exc
    share_one_heap()
    run_service(load_settings(EdgeSettings, settings), run)
