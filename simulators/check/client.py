"""Reading the platform's HTTP API with nothing but the standard library."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPException, HTTPResponse
from io import TextIOWrapper
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from plant.clock import from_microseconds, microseconds
from plant.errors import ProtocolError, TransientError

_TIMEOUT_S = 60.0


class ApiClient:
    """The API at an address; raises TransientError when it does not answer as it should."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def listing(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        """Return the `data` of a listing."""
        with self._answer(path, parameters) as answer:
            try:
                data = json.load(answer)["data"]
            except (ValueError, KeyError, TypeError) as exc:
                raise ProtocolError(f"{self._url}{path} answers no listing: {exc}") from exc
        return list(data)

    def rows(self, path: str, **parameters: str) -> Iterator[list[str]]:
        """Yield the rows of a CSV answer, its header first."""
        with self._answer(path, parameters) as answer:
            yield from csv.reader(TextIOWrapper(answer, encoding="utf-8", newline=""))

    @contextmanager
    def _answer(self, path: str, parameters: dict[str, str]) -> Iterator[HTTPResponse]:
        address = f"{self._url}{path}?{urlencode(parameters)}"
        try:
            asked = Request(address, headers=self._headers)
            with urlopen(asked, timeout=_TIMEOUT_S) as answer:
                yield answer
        except HTTPError as exc:
            said = exc.read().decode("utf-8", "replace")[:500]
            exc.close()
            raise TransientError(f"{address} answers {exc.code}: {said}") from exc
        except (URLError, HTTPException, OSError) as exc:
            raise TransientError(f"{address} does not answer: {exc}") from exc


def instant(time_us: int) -> str:
    """Return a time as the API takes it."""
    return from_microseconds(time_us).isoformat().replace("+00:00", "Z")


def time_us(text: str) -> int:
    """Return a time that the API gave."""
    return microseconds(datetime.fromisoformat(text))
