"""From the Python specifications to files, and to a running Grafana."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.boards import (
    andon,
    delivery,
    department,
    energy,
    line,
    machine,
    plant,
    platform,
    quality,
    shift,
)
from plant.errors import ConfigurationError, TransientError

FOLDER = Path(__file__).parent / "grafana" / "dashboards"
"""Where the committed files are."""

_GRAFANA_FOLDER = "nm"

BOARDS = (plant, line, machine, shift, andon, energy, quality, delivery, platform, department)
"""Each has a function `dashboard`."""


def files() -> dict[str, str]:
    """Return the text of every dashboard file by its name, `<uid>.json`."""
    boards = [one.dashboard() for one in BOARDS]
    return {
        f"{board.uid}.json": json.dumps(board, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
        for board in boards
    }


def write(folder: Path) -> None:
    """Write every dashboard file into a folder and remove what no specification makes."""
    wanted = files()
    for stale in folder.glob("*.json"):
        if stale.name not in wanted:
            stale.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


def push(url: str, token: str) -> list[str]:
    """Send every dashboard to a running Grafana, into its folder `Nhịp Máy`; return their uids.

    The token is that of a service account with the role Editor. Raises ConfigurationError for what
    Grafana refuses (with its words) and TransientError when it cannot be reached or fails itself.
    """
    # The client is not typed.
    api: Any = GrafanaApi.from_url(url, credential=token)
    try:
        _ensure_folder(api)
        return [_send(api, json.loads(text)) for text in files().values()]
    except GrafanaClientError as exc:
        raise ConfigurationError(f"Grafana at {url} refuses the dashboards: {exc.message}") from exc
    except (GrafanaException, OSError) as exc:
        raise TransientError(f"Grafana at {url} cannot be used: {exc}") from exc


def _ensure_folder(api: Any) -> None:
    try:
        api.folder.get_folder(_GRAFANA_FOLDER)
    except GrafanaClientError as exc:
        if exc.status_code != HTTPStatus.NOT_FOUND:
            raise
        api.folder.create_folder("Nhịp Máy", uid=_GRAFANA_FOLDER)


def _send(api: Any, board: dict[str, object]) -> str:
    # The files are the truth: what somebody changed by hand is replaced.
    saved = api.dashboard.update_dashboard(
        {"dashboard": board, "folderUid": _GRAFANA_FOLDER, "overwrite": True}
    )
    return str(saved["uid"])
