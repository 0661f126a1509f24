"""The command `nhipmay api`."""

from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra, run_service
from plant.settings import load_settings


def api(settings: Settings = None) -> None:
    """Serve the figures: HTTP API and live page."""
    try:
        from api import ApiSettings, run
    except ImportError as exc:
        raise missing_extra("api", "api", exc) from exc
    run_service(load_settings(ApiSettings, settings), run)
