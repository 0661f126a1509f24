"""What the demo asks the API to learn how far the platform is."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def answers(url: str) -> bool:
    """Return whether a GET of the address succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@dataclass(frozen=True, slots=True)
class Asking:
    """The API, asked with the one token that sees every enterprise."""

    url: str
    token_file: Path

    @property
    def token(self) -> str:
        """The token."""
        return self.token_file.read_text(encoding="ascii")

    def fetched(self, path: str) -> dict[str, Any]:
        """Return the JSON object that a GET of the path answers; raise OSError when it fails."""
        asked = urllib.request.Request(
            f"{self.url}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(asked, timeout=30) as response:
            content = json.load(response)
        if not isinstance(content, dict):
            raise OSError(f"{path} did not answer a JSON object")
        return content


def has_figures(api: Asking, place: str) -> bool:
    """Return whether some OEE of a place is known."""
    try:
        rows = api.fetched(f"/api/v1/oee?place={place}&kind=hour")["data"]
    except OSError:
        return False
    return any(row["oee"] is not None for row in rows)


class Settling:
    """Whether the platform has taken in everything, for long enough to be sure.

    An edge reports what it holds every ten seconds; only what stays drained for longer than
    that is drained.
    """

    def __init__(self, api: Asking, quiet_s: float = 15.0) -> None:
        self._api = api
        self._quiet_s = quiet_s
        self._since: float | None = None
        self._committed: list[int] = []
        self.open: object = None
        """What was answered last: for people, where it does not settle."""

    def done(self) -> bool:
        """Ask once; return whether nothing has moved and nothing was open for long enough."""
        try:
            edges = self._api.fetched("/api/v1/delivery")["data"]
            progress = self._api.fetched("/api/v1/progress")
        except OSError as exc:
            # Not told is not moved: what was committed meanwhile shows when it answers again.
            self.open = exc
            return False
        self.open = progress, edges
        committed = [edge["committed_count"] for edge in edges]
        drained = progress["dirty_windows"] == 0 and all(
            not edge["pending"] and not edge["missing"] for edge in edges
        )
        if not drained or committed != self._committed:
            self._since = None
        self._committed = committed
        if self._since is None:
            self._since = time.monotonic()
        return drained and time.monotonic() - self._since > self._quiet_s
