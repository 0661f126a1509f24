"""The client in both ways: one waits, the other is awaited."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from typing import Literal, Self, TypeVar

import httpx

from nhipmay.client import asking
from nhipmay.client.answers import Measurement, OeeResult, Place, Point, Stop, Tag
from nhipmay.client.asking import Level, Listing, Question

T = TypeVar("T")
_ROOT = "/api/v1/"
_PAGE = 10_000


class Client:
    """Asks and waits."""

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`address` is that of the service, such as `https://nhip-may.example`."""
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=address.rstrip("/"),
            headers=asking.headers(token),
            timeout=asking.PATIENCE,
            transport=transport,
        )

    def __enter__(self) -> Self:
        """Keep connections until the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def places(self) -> list[Place]:
        """Return every place that may be seen, parents first."""
        return self._ask(asking.places()).data

    def tags(self, place: str) -> list[Tag]:
        """Return the tags at or below a place, each with its newest measurement."""
        return self._ask(asking.tags(place)).data

    def measurements(
        self, tag: str, start: datetime | None = None, end: datetime | None = None
    ) -> Iterator[Measurement]:
        """Yield measurements of a tag in time order, as many pages as there are."""
        question: Question[Measurement] | None = asking.measurements(tag, start, end, _PAGE)
        while question is not None:
            page = self._ask(question)
            yield from page.data
            mark = page.meta.get("next")
            question = question.page_after(mark) if mark else None

    def series(
        self,
        tag: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        points: int = 1000,
        method: Literal["minmax", "lttb"] = "minmax",
    ) -> list[Point]:
        """Return a number tag over any time in few points."""
        return self._ask(asking.series(tag, start, end, points, method)).data

    def oee(
        self,
        place: str,
        kind: Literal["hour", "shift"] = "shift",
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        level: Level | None = None,
    ) -> list[OeeResult]:
        """Return the figures of a place, or of those of a level below it."""
        return self._ask(asking.oee(place, kind, start, end, level)).data

    def stops(
        self,
        place: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        limit: int = 1000,
    ) -> list[Stop]:
        """Return the stops at or below a place that overlap a window, newest first."""
        return self._ask(asking.stops(place, start, end, limit)).data

    def _ask(self, question: Question[T]) -> Listing[T]:
        tries = 0
        while True:
            tries += 1
            response = self._http.get(_ROOT + question.path, params=dict(question.params))
            seconds = asking.wait_s(response, tries)
            if seconds is None:
                return question.answer(response)
            self._sleep(seconds)


class AsyncClient:
    """Asks and is awaited; the same questions as `Client`."""

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`address` is that of the service, such as `https://nhip-may.example`."""
        self._http = httpx.AsyncClient(
            base_url=address.rstrip("/"),
            headers=asking.headers(token),
            timeout=asking.PATIENCE,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        """Keep connections until the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def places(self) -> list[Place]:
        """Return every place that may be seen, parents first."""
        return (await self._ask(asking.places())).data

    async def tags(self, place: str) -> list[Tag]:
        """Return the tags at or below a place, each with its newest measurement."""
        return (await self._ask(asking.tags(place))).data

    async def measurements(
        self, tag: str, start: datetime | None = None, end: datetime | None = None
    ) -> AsyncIterator[Measurement]:
        """Yield measurements of a tag in time order, as many pages as there are."""
        question: Question[Measurement] | None = asking.measurements(tag, start, end, _PAGE)
        while question is not None:
            page = await self._ask(question)
            for row in page.data:
                yield row
            mark = page.meta.get("next")
            question = question.page_after(mark) if mark else None

    async def series(
        self,
        tag: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        points: int = 1000,
        method: Literal["minmax", "lttb"] = "minmax",
    ) -> list[Point]:
        """Return a number tag over any time in few points."""
        return (await self._ask(asking.series(tag, start, end, points, method))).data

    async def oee(
        self,
        place: str,
        kind: Literal["hour", "shift"] = "shift",
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        level: Level | None = None,
    ) -> list[OeeResult]:
        """Return the figures of a place, or of those of a level below it."""
        return (await self._ask(asking.oee(place, kind, start, end, level))).data

    async def stops(
        self,
        place: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        limit: int = 1000,
    ) -> list[Stop]:
        """Return the stops at or below a place that overlap a window, newest first."""
        return (await self._ask(asking.stops(place, start, end, limit))).data

    async def _ask(self, question: Question[T]) -> Listing[T]:
        tries = 0
        while True:
            tries += 1
            response = await self._http.get(_ROOT + question.path, params=dict(question.params))
            seconds = asking.wait_s(response, tries)
            if seconds is None:
                return question.answer(response)
            await asyncio.sleep(seconds)
