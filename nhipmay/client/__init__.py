"""A client of the platform's API for programs: the same questions to wait for, or to await.

    with Client("https://nhip-may.example", token=token) as client:
        for row in client.measurements("dong-nai/bien-hoa/cnc-1/nhiet-do", start, end):
            print(row.source_time, row.value)

    async with AsyncClient("https://nhip-may.example", token=token) as client:
        stops = await client.stops("dong-nai/bien-hoa")

Times are aware, ratios fractions; None is no value. A refusal is an `ApiError` with the stable
`code` of the reference; too much at once and a database that is away are asked again a few times.
"""

from nhipmay.client.answers import (
    Measurement,
    OeeResult,
    Place,
    Point,
    Stop,
    Tag,
)
from nhipmay.client.asking import ApiError
from nhipmay.client.waiting import AsyncClient, Client

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "Measurement",
    "OeeResult",
    "Place",
    "Point",
    "Stop",
    "Tag",
]
