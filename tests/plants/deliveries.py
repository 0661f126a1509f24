"""The ingest's counterparts in tests: a database in memory, a source without a network, a plant."""

import copy
import math
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.decoding.message import Message
from plant.clock import microseconds
from plant.delivery.lag import Counts
from plant.description import PlantDescription
from plant.errors import DataError
from plant.measurement import TagRole, Value, ValueType
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
from store.delivery.row import (
    DeliveryTransaction,
    EdgeRow,
    LedgerKey,
    LedgerRow,
    NumberColumns,
    StatusRow,
    TagChange,
    TagRow,
    TextColumns,
)
from store.rejection.rejection import Rejection

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
NOW_US = microseconds(NOW)
SITE = "co-khi-thu/bien-hoa"
LATHE = f"{SITE}/xuong-1/day-chuyen-1/tien-1"
DRILL = f"{SITE}/xuong-1/day-chuyen-1/khoan-1"
EDGE = EdgeAddress("co-khi-thu", "bien-hoa", "edge-1")
OTHER_EDGE = EdgeAddress("co-khi-thu", "bien-hoa", "edge-2")
STRANGER = EdgeAddress("co-khi-thu", "bien-hoa", "edge-9")

TEMPERATURE = TagDeclaration("tien-1/nhiet-do", LATHE, unit="Cel", low=-20, high=200)
STATE = TagDeclaration("tien-1/trang-thai", LATHE, value_type=ValueType.TEXT, role=TagRole.STATE)
COUNT = TagDeclaration("tien-1/dem", LATHE, role=TagRole.GOOD_COUNT)
TAGS = (TEMPERATURE, STATE, COUNT)


def plant() -> PlantDescription:
    """Return a small enterprise with one line of two machines and two edges."""
    return PlantDescription.model_validate(
        {
            "enterprise": {"code": "co-khi-thu", "name_vi": "Cơ khí thử"},
            "sites": [
                {
                    "code": "bien-hoa",
                    "name_vi": "Biên Hòa",
                    "edges": ["edge-1", "edge-2"],
                    "shifts": [
                        {
                            "name": "Ca 1",
                            "start": "06:00",
                            "end": "14:00",
                            "breaks": [{"name": "Nghỉ trưa", "start": "11:00", "end": "11:30"}],
                        }
                    ],
                    "areas": [
                        {
                            "code": "xuong-1",
                            "name_vi": "Xưởng 1",
                            "work_centers": [
                                {
                                    "code": "day-chuyen-1",
                                    "name_vi": "Dây chuyền 1",
                                    "bottleneck": "tien-1",
                                    "work_units": [
                                        {"code": "tien-1", "name_vi": "Máy tiện 1"},
                                        {"code": "khoan-1", "name_vi": "Máy khoan 1"},
                                    ],
                                }
                            ],
                        }
                    ],
                }
            ],
        }
    )


def message(
    leaf: str, payload: bytes, edge: EdgeAddress = EDGE, *, retained: bool = False
) -> Message:
    """Return a message of an edge, received now."""
    return Message(edge.topic(leaf), payload, NOW, retained)


def birth(
    tags: Sequence[TagDeclaration] = TAGS, edge: EdgeAddress = EDGE, *, retained: bool = False
) -> Message:
    """Return a birth message."""
    payload = encode(Birth(SCHEMA, "e1", "0.1", NOW_US, list(tags)))
    return message(Leaf.BIRTH, payload, edge, retained=retained)


def data(
    first_id: int,
    values: Sequence[Value],
    *,
    tag: str = TEMPERATURE.name,
    epoch: str = "e1",
    edge: EdgeAddress = EDGE,
    quality: Sequence[int] | None = None,
    time_us: Sequence[int] | None = None,
) -> Message:
    """Return a data message; source times default to `NOW_US` plus the id in microseconds."""
    last_id = first_id + len(values) - 1
    times = list(time_us) if time_us else [NOW_US + k for k in range(first_id, last_id + 1)]
    batch = DataBatch(
        SCHEMA,
        epoch,
        first_id,
        last_id,
        NOW_US,
        [tag],
        [0] * len(values),
        times,
        list(values),
        None if quality is None else list(quality),
    )
    return message(Leaf.DATA, encode(batch), edge)


def status(**said: object) -> Message:
    """Return a heartbeat; `said` replaces its fields."""
    content = {"schema": SCHEMA, "online": True, "epoch": "e1", "sent_us": NOW_US} | said
    edge = content.pop("edge", EDGE)
    retained = content.pop("retained", False)
    assert isinstance(edge, EdgeAddress)
    payload = encode(msgspec.convert(content, Status))
    return message(Leaf.STATUS, payload, edge, retained=bool(retained))


@dataclass(slots=True)
class MemoryTables:
    """What a database would hold."""

    edges: dict[int, EdgeRow] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    tags: dict[str, TagRow] = field(default_factory=dict)
    numbers: list[tuple[int, int, float | None, int]] = field(default_factory=list)
    """Tag id, source time in microseconds, value, quality."""
    texts: list[tuple[int, int, str | None, int]] = field(default_factory=list)
    ledgers: dict[LedgerKey, LedgerRow] = field(default_factory=dict)
    committed_at: dict[LedgerKey, datetime] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    statuses: dict[int, StatusRow] = field(default_factory=dict)
    dirty: dict[tuple[int, int], int] = field(default_factory=dict)
    lags: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Edge id and bucket."""
    restated: list[int] = field(default_factory=list)
    """Work units whose existing figures were made dirty."""
    site_locks: int = 0


class MemoryStore:
    """A `DeliveryStore` without a database; transactions work on a copy."""

    def __init__(self) -> None:
        self.tables = MemoryTables(
            edges={
                1: EdgeRow(1, 10, SITE, "edge-1", online=False),
                2: EdgeRow(2, 10, SITE, "edge-2", online=False),
            },
            units={LATHE: 100, DRILL: 101},
        )
        self.before_commit: deque[Exception | None] = deque()
        """Raised, one per transaction, before its commit."""
        self.after_commit: deque[Exception | None] = deque()
        """The same after it: the answer of the database is lost."""
        self.obstacles: deque[str | None] = deque()
        """What keeps harmless transactions from working, one for each time that it is asked."""
        self.refused: frozenset[float] = frozenset()
        """Values that this database cannot hold."""
        self.transactions = 0

    @contextmanager
    def transaction(self) -> Iterator[DeliveryTransaction]:
        """Open a transaction on a copy of the tables."""
        # Rows never change, so copies of the collections are enough.
        draft = MemoryTables(
            **{
                each.name: copy.copy(getattr(self.tables, each.name))
                for each in fields(MemoryTables)
            }
        )
        yield MemoryTransaction(draft, self.refused)
        self.transactions += 1
        _raise_next(self.before_commit)
        self.tables = draft
        _raise_next(self.after_commit)

    def obstacle(self) -> str | None:
        """Return what the tests say keeps harmless transactions from working."""
        return self.obstacles.popleft() if self.obstacles else None

    def close(self) -> None:
        """There is nothing to give back."""


def _raise_next(failures: deque[Exception | None]) -> None:
    failure = failures.popleft() if failures else None
    if failure is not None:
        raise failure


class MemoryTransaction:
    """A `DeliveryTransaction` on plain Python collections."""

    session = 1

    def __init__(self, tables: MemoryTables, refused: frozenset[float]) -> None:
        self._tables = tables
        self._refused = refused

    def edges(self) -> list[EdgeRow]:
        return list(self._tables.edges.values())

    def tags(self, site_id: int, edge_ids: Collection[int]) -> list[TagRow]:
        return [row for row in self._tags_of(site_id) if row.edge_id in edge_ids]

    def _tags_of(self, site_id: int) -> list[TagRow]:
        return [
            row
            for row in self._tables.tags.values()
            if self._tables.edges[row.edge_id].site_id == site_id
        ]

    def tags_about(self, site_id: int, names: Sequence[str]) -> list[TagRow]:
        return [
            row
            for row in self._tags_of(site_id)
            if row.tag.name in names or row.tag.role is not TagRole.NONE
        ]

    def tags_named(self, site_id: int, names: Sequence[str]) -> list[TagRow]:
        return [row for row in self._tags_of(site_id) if row.tag.name in names]

    def tag_versions(self, site_ids: Collection[int]) -> dict[int, str]:
        return {site_id: repr(self._tags_of(site_id)) for site_id in site_ids}

    def work_units(self, site_id: int) -> dict[str, int]:
        return dict(self._tables.units)

    def lock_site(self, site_id: int) -> None:
        self._tables.site_locks += 1

    def save_tags(self, changes: Sequence[TagChange], now: datetime) -> None:
        for change in changes:
            former = self._tables.tags.get(change.tag.name)
            tag_id = former.tag_id if former else 1000 + len(self._tables.tags)
            if change.restates:
                self._tables.restated.append(change.work_unit_id)
            self._tables.tags[change.tag.name] = TagRow(
                tag_id, change.edge_id, change.work_unit_id, change.tag
            )

    def save_agent(self, edge_id: int, epoch: str, version: str, now: datetime) -> None:
        pass

    def save_status(self, status: StatusRow) -> None:
        self._tables.edges[status.edge_id] = replace(
            self._tables.edges[status.edge_id], online=status.online
        )
        if status.full or status.edge_id not in self._tables.statuses:
            self._tables.statuses[status.edge_id] = status
        else:
            self._tables.statuses[status.edge_id] = replace(
                self._tables.statuses[status.edge_id], online=status.online
            )

    def lock_ledgers(self, keys: Iterable[LedgerKey]) -> dict[LedgerKey, LedgerRow]:
        wanted = set(keys)
        for key in wanted:
            self._tables.ledgers.setdefault(key, LedgerRow(*key))
        return {
            key: replace(
                self._tables.ledgers[key],
                others_until=self._others_until(key),
                has_others=any(
                    edge_id == key[0] and epoch != key[1] for edge_id, epoch in self._tables.ledgers
                ),
            )
            for key in wanted
        }

    def _others_until(self, key: LedgerKey) -> datetime | None:
        moments = [
            moment
            for (edge_id, epoch), moment in self._tables.committed_at.items()
            if edge_id == key[0] and epoch != key[1]
        ]
        return max(moments, default=None)

    def save_ledgers(
        self, ledgers: Sequence[LedgerRow], committed_at: Mapping[LedgerKey, datetime]
    ) -> None:
        for ledger in ledgers:
            self._tables.ledgers[ledger.edge_id, ledger.epoch] = ledger
        self._tables.committed_at.update(committed_at)

    def write_numbers(self, rows: NumberColumns) -> None:
        values = rows.value.tolist()
        for value in values:
            if value in self._refused:
                raise DataError("store_refused", f"the database cannot hold {value:g}")
        self._tables.numbers += [
            (tag_id, source_us, None if math.isnan(value) else value, quality)
            for tag_id, source_us, value, quality in zip(
                rows.tag_id.tolist(),
                rows.source_us.tolist(),
                values,
                rows.quality.tolist(),
                strict=True,
            )
        ]

    def stream_numbers(self, portions: Iterable[NumberColumns]) -> None:
        for portion in portions:
            self.write_numbers(portion)

    def write_texts(self, rows: TextColumns) -> None:
        self._tables.texts += zip(
            rows.tag_id.tolist(),
            rows.source_us.tolist(),
            rows.value,
            rows.quality.tolist(),
            strict=True,
        )

    def stored_numbers(
        self, rows: NumberColumns, received_until: datetime | None = None
    ) -> NDArray[np.bool_]:
        # Of a row that is kept here nobody knows when it arrived.
        known = {(tag, time, value) for tag, time, value, _ in self._tables.numbers}
        values = [None if math.isnan(value) else value for value in rows.value.tolist()]
        asked = zip(rows.tag_id.tolist(), rows.source_us.tolist(), values, strict=True)
        return np.array([key in known for key in asked], np.bool_)

    def stored_texts(
        self, rows: TextColumns, received_until: datetime | None = None
    ) -> NDArray[np.bool_]:
        known = {(tag, time, value) for tag, time, value, _ in self._tables.texts}
        asked = zip(rows.tag_id.tolist(), rows.source_us.tolist(), rows.value, strict=True)
        return np.array([key in known for key in asked], np.bool_)

    def write_rejections(self, rejections: Sequence[Rejection]) -> None:
        for rejection in rejections:
            repeated = rejection.once and any(
                (one.topic, one.reason, one.epoch, one.row_id)
                == (rejection.topic, rejection.reason, rejection.epoch, rejection.row_id)
                for one in self._tables.rejections
            )
            if not repeated:
                self._tables.rejections.append(rejection)

    def mark_dirty(self, hours: Sequence[tuple[int, int]], now: datetime) -> None:
        for hour in hours:
            self._tables.dirty[hour] = self._tables.dirty.get(hour, 0) + 1

    def add_lags(self, lags: Mapping[int, Counts], now: datetime) -> None:
        for edge_id, counts in lags.items():
            self._tables.lags.update(
                {(edge_id, bucket): number for bucket, number in counts.items()}
            )
