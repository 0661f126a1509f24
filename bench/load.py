"""The load of the ingest's benchmark: a plant, its messages and the same rows for raw COPY."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plant.description import PlantDescription
from plant.measurement import TagRole
from plant.native.message import (
    SCHEMA,
    Birth,
    DataBatch,
    EdgeAddress,
    Leaf,
    Status,
    TagDeclaration,
    encode,
)
from store.delivery.row import NumberColumns

ENTERPRISE = "do-tai"
SITES = 4
TAGS = 200
MACHINES = 4
"""Per site; each has a counter, so that the load marks dirty windows as a real one does."""
CADENCE_US = 1_000_000
# Two sites for each of two workers, by the hash that divides them.
EDGES = tuple(EdgeAddress(ENTERPRISE, f"nha-may-{k}", "edge-1") for k in (1, 2, 4, 7))

NODES = 100
"""Sparkplug nodes, and devices that speak plain JSON, dealt out to the sites."""
DEVICES = 20


def node_address(number: int) -> EdgeAddress:
    """Return the edge that a Sparkplug node is to us."""
    return EdgeAddress(ENTERPRISE, EDGES[number % SITES].site, f"nut-{number}")


def device_address(number: int) -> EdgeAddress:
    """Return the edge that a device is to us."""
    return EdgeAddress(ENTERPRISE, EDGES[number % SITES].site, f"thiet-bi-{number}")


def plant() -> PlantDescription:
    """Return one enterprise of as many sites as there are edges."""
    machines = [{"code": f"may-{k + 1}", "name_vi": f"Máy {k + 1}"} for k in range(MACHINES)]
    line = {"code": "day-chuyen", "name_vi": "Dây chuyền", "work_units": machines}
    line["bottleneck"] = "may-1"
    area = {"code": "xuong", "name_vi": "Xưởng", "work_centers": [line]}
    sites = [
        {"code": edge.site, "name_vi": edge.site, "edges": _edges(edge), "areas": [area]}
        for edge in EDGES
    ]
    return PlantDescription.model_validate(
        {"enterprise": {"code": ENTERPRISE, "name_vi": "Đo tải"}, "sites": sites}
    )


def _edges(edge: EdgeAddress) -> list[str]:
    others = [*map(node_address, range(NODES)), *map(device_address, range(DEVICES))]
    return [edge.edge, *(other.edge for other in others if other.site == edge.site)]


def tag_names() -> list[str]:
    """Return the names of one edge's tags; the first of each machine is its counter."""
    return [f"may-{k % MACHINES + 1}/gia-tri-{k // MACHINES:03}" for k in range(TAGS)]


def birth(edge: EdgeAddress, epoch: str) -> bytes:
    """Return an edge's birth message."""
    tags = [
        TagDeclaration(
            name,
            f"{edge.site_path}/xuong/day-chuyen/{name.split('/')[0]}",
            role=TagRole.GOOD_COUNT if k < MACHINES else TagRole.NONE,
        )
        for k, name in enumerate(tag_names())
    ]
    return encode(Birth(SCHEMA, epoch, "bench", 0, tags))


def heartbeat(epoch: str) -> bytes:
    """Return a heartbeat; the platform answers it with an ack."""
    return encode(Status(SCHEMA, online=True, epoch=epoch))


@dataclass(frozen=True, slots=True)
class Load:
    """So many measurements, dealt out to the edges in turn, message by message."""

    rows: int
    batch: int
    epoch: str
    start_us: int
    """First source time."""

    @property
    def messages(self) -> int:
        """How many messages that is."""
        return self.rows // self.batch

    def last_ids(self) -> dict[EdgeAddress, int]:
        """Return what each edge's ack says once everything is committed."""
        counts = [len(range(k, self.messages, SITES)) for k in range(SITES)]
        return {edge: count * self.batch for edge, count in zip(EDGES, counts, strict=True)}

    def message(self, number: int, time_us: int | None = None) -> tuple[str, bytes]:
        """Return topic and payload of a message; `time_us` replaces all its source times."""
        edge, first, tag, times, values = self._rows(number)
        names = tag_names()
        used, index = np.unique(tag, return_inverse=True)
        batch = DataBatch(
            SCHEMA,
            self.epoch,
            first,
            first + self.batch - 1,
            int(times[-1]),
            [names[k] for k in used.tolist()],
            index.tolist(),
            times.tolist() if time_us is None else [time_us] * self.batch,
            values.tolist(),
        )
        return edge.topic(Leaf.DATA), encode(batch)

    def columns(self, tag_ids: dict[EdgeAddress, list[int]], block: int) -> Iterator[NumberColumns]:
        """Yield the same rows in the same order, as columns for COPY, `block` at a time."""
        ids = np.array([tag_ids[edge] for edge in EDGES], np.int64)
        row = np.arange(self.rows)
        number = row // self.batch
        edge = number % SITES
        at = number // SITES * self.batch + row % self.batch
        tag_id, source = ids[edge, at % TAGS], self._times(at)
        value = self._values(at)
        for low in range(0, self.rows, block):
            cut = slice(low, low + block)
            zeros = np.zeros(len(row[cut]), np.int64)
            yield NumberColumns(tag_id[cut], source[cut], source[cut], value[cut], zeros)

    def _rows(
        self, number: int
    ) -> tuple[EdgeAddress, int, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        first = number // SITES * self.batch
        at = np.arange(first, first + self.batch)
        return EDGES[number % SITES], first + 1, at % TAGS, self._times(at), self._values(at)

    def _times(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.start_us + at // TAGS * CADENCE_US

    def _values(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = np.round(70 + 10 * np.sin(at * 0.37), 2)
        return values
