"""Questions and what their answers mean, whichever way one waits for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import httpx
import msgspec

from nhipmay.client.answers import Measurement, OeeResult, Place, Point, Stop, Tag

T = TypeVar("T")

TRIES = 5
LONGEST_WAIT_S = 60.0
PATIENCE = httpx.Timeout(30.0)
_AGAIN = frozenset((429, 503))
Level = Literal["enterprise", "site", "area", "work_center", "work_unit"]


class ApiError(Exception):
    """The API refused; `code` is stable and stands in its reference, the rest is for people."""

    def __init__(self, status: int, code: str, detail: str, request_id: str) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        super().__init__(f"{status} {code}: {detail} (request {request_id})")


class Listing(msgspec.Struct, Generic[T]):
    """Rows under `data`; `next` of a page leads to the one after it."""

    data: list[T]
    meta: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """One question, whose answer is a list of `row`."""

    path: str
    row: type[T]
    params: Mapping[str, str | int]

    def page_after(self, mark: str) -> "Question[T]":
        """Return the question for the page after a mark."""
        return Question(self.path, self.row, {**self.params, "after": mark})

    def answer(self, response: httpx.Response) -> Listing[T]:
        """Return the rows; raise ApiError for a refusal."""
        if response.status_code >= 400:
            raise refusal(response)
        found: Listing[T] = msgspec.json.decode(response.content, type=Listing[self.row])  # type: ignore[name-defined]  # a type at run time
        return found


def refusal(response: httpx.Response) -> ApiError:
    """Return what an answer with an error says, also where something between us answered."""
    try:
        said = response.json()
        kind = str(said["type"]).removeprefix("urn:nhipmay:problem:")
        return ApiError(response.status_code, kind, str(said["detail"]), str(said["request_id"]))
    except (ValueError, LookupError, TypeError):
        request = response.headers.get("x-request-id", "")
        return ApiError(response.status_code, "not-ours", response.text[:200], request)


def wait_s(response: httpx.Response, tries: int) -> float | None:
    """Return how long to wait before the same is asked again; None when it is not to be."""
    if response.status_code not in _AGAIN or tries >= TRIES:
        return None
    given = response.headers.get("retry-after", "")
    seconds = float(given) if given.isascii() and given.isdigit() else 2.0**tries
    return seconds if seconds <= LONGEST_WAIT_S else None


def places() -> Question[Place]:
    """Every place that may be seen, parents first."""
    return Question("places", Place, {})


def tags(place: str) -> Question[Tag]:
    """Tags at or below a place."""
    return Question("tags", Tag, {"place": place})


def measurements(
    tag: str, start: datetime | None, end: datetime | None, limit: int
) -> Question[Measurement]:
    """Measurements of a tag in time order, by pages."""
    return Question("measurements", Measurement, _asked(start, end, tag=tag, limit=limit))


def series(
    tag: str,
    start: datetime | None,
    end: datetime | None,
    points: int,
    method: Literal["minmax", "lttb"],
) -> Question[Point]:
    """A signal in few points."""
    return Question("series", Point, _asked(start, end, tag=tag, points=points, method=method))


def oee(
    place: str,
    kind: Literal["hour", "shift"],
    start: datetime | None,
    end: datetime | None,
    level: Level | None,
) -> Question[OeeResult]:
    """Figures by hour or shift."""
    more = {} if level is None else {"level": level}
    return Question("oee", OeeResult, _asked(start, end, place=place, kind=kind, **more))


def stops(place: str, start: datetime | None, end: datetime | None, limit: int) -> Question[Stop]:
    """Stops that overlap a window, newest first."""
    return Question("stops", Stop, _asked(start, end, place=place, limit=limit))


def _asked(start: datetime | None, end: datetime | None, **more: str | int) -> dict[str, str | int]:
    window = {"start": start, "end": end}
    return more | {name: _moment(moment) for name, moment in window.items() if moment is not None}


def _moment(moment: datetime) -> str:
    if moment.utcoffset() is None:
        raise ValueError("a time needs a zone: `datetime(..., tzinfo=UTC)`")
    return moment.isoformat()


def headers(token: str | None) -> dict[str, str]:
    """Return what every request carries."""
    return {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
