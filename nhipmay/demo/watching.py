"""The demo has its machines watched as an engineer would: signals, learning, trial, approval."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from nhipmay.demo.readiness import Asking

_LEARN = timedelta(hours=2)
_TRIAL = timedelta(hours=1.5)
_EVERY_S = 10.0
_LEAST_SIGNALS = 2
_ROWS = 200
_STEP_S = 5


@dataclass(slots=True)
class Watching:
    """Machines that are not watched yet; a step at a time, beside whatever else the demo does."""

    api: Asking
    machines: list[str]
    _next: float = field(default=0.0)

    def step(self) -> bool:
        """Go on with every machine, if it is time; return False, as the demo never ends by it."""
        if not self.machines or time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + _EVERY_S
        for place in list(self.machines):
            try:
                if self._is_watched(place):
                    self.machines.remove(place)
            except OSError:
                # Away for a moment, or it answers that it cannot yet: asked again.
                continue
        return False

    def _is_watched(self, place: str) -> bool:
        """Do what is next for a machine; return whether nothing is left to do."""
        query = urlencode({"place": place})
        models = self.api.fetched(f"/api/v1/anomalies/models?{query}")["data"]
        if models:
            newest = models[0]
            if newest["status"] == "ready":
                decision = {"place": place, "model": newest["model_id"], "decision": "approve"}
                self._post("/api/v1/anomalies/models/decision", decision)
            return bool(newest["status"] == "live")
        found = self.api.fetched(f"/api/v1/anomalies/signals?{query}")
        if found["first_time"] is None:
            return False
        first, last = (datetime.fromisoformat(found[name]) for name in ("first_time", "last_time"))
        if last - first < _LEARN + _TRIAL:
            return False
        signals = [one["tag"] for one in found["signals"] if one["chosen"]]
        if len(signals) < _LEAST_SIGNALS:
            return True
        model = {
            "place": place,
            "signals": signals,
            # Some of a machine's signals are quicker than the usual one, and hours are few here.
            "step_s": min(found["step_s"], _STEP_S),
            "learn_rows": _ROWS,
            "train_from": first.isoformat(),
            "train_to": (first + _LEARN).isoformat(),
            "trial_to": (first + _LEARN + _TRIAL).isoformat(),
        }
        self._post("/api/v1/anomalies/models", model)
        return False

    def _post(self, path: str, body: dict[str, Any]) -> None:
        asked = urllib.request.Request(
            f"{self.api.url}{path}",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.api.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(asked, timeout=30) as response:
                response.read()
        except urllib.error.HTTPError as exc:
            raise OSError(f"{path} answered {exc.code}") from exc
