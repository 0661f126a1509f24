"""Messages of devices gathered into runs do what each of them does by itself."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel
from ingest.decoding.parcel import Parcel
from ingest.group.gathering import Gathering
from ingest.settings import LimitSettings
from plant.errors import StoreUnavailableError
from plant.measurement import TagRole, ValueType
from plant.native.message import EdgeAddress, Leaf
from tests.plants.deliveries import (
    EDGE,
    NOW,
    NOW_US,
    OTHER_EDGE,
    STRANGER,
    TEMPERATURE,
    birth,
    message,
)
from tests.unit.ingest.bench import Bench

FIELDS = ("heat", "count", "mode", "deep/x")
UNHOLDABLE = 66.0
"""A value that the database cannot hold."""


def tags_of(edge: EdgeAddress) -> Message:
    """Return the birth of a device with these fields; one is text, one has a role."""
    return birth(
        [
            msgspec.structs.replace(
                TEMPERATURE,
                name=f"{edge.edge}/{field}",
                value_type=ValueType.TEXT if field == "mode" else ValueType.NUMBER,
                role=TagRole.GOOD_COUNT if field == "count" and edge == EDGE else TagRole.NONE,
                low=None if field == "mode" else -20,
                high=None if field == "mode" else 200,
            )
            for field in FIELDS
        ],
        edge,
    )


class OneByOne(Gathering):
    """Makes a parcel of each message."""

    def __init__(self, limits: LimitSettings) -> None:
        super().__init__(limits)
        self.one_by_one: list[Parcel] = []
        self._limits_of_all = limits

    def add(self, message: Message) -> None:
        self.one_by_one.append(open_parcel(message, self._limits_of_all))
        self.rows += self.one_by_one[-1].rows

    def parcels(self) -> list[Parcel]:
        return self.one_by_one


def json_of(said: object) -> bytes:
    """Return it as JSON: numbers of any size are written by Python's own words."""

    def written(one: object) -> Any:
        if isinstance(one, dict):
            return {name: written(inner) for name, inner in one.items()}
        if isinstance(one, list):
            return [written(inner) for inner in one]
        huge = isinstance(one, int) and not isinstance(one, bool) and abs(one) >= 2**64
        return msgspec.Raw(str(one).encode()) if huge else one

    return msgspec.json.encode(written(said))


usual = st.integers(-5, 5) | st.sampled_from([0.0, -0.0, 1.5, 20, 20.0])
odd = (
    st.none()
    | st.booleans()
    | st.text("aé\0", max_size=4)
    | st.sampled_from(["x" * 5_000, 999, 10**400, 2**63, -(2**70), 1e300])
)
times = st.sampled_from([NOW_US, NOW_US + 1, NOW_US + 2]) | st.sampled_from(
    [
        NOW_US // 1_000_000,
        NOW.isoformat(),
        NOW_US + 3_600_000_000,
        -(2**61),
        1e19,
        "yesterday",
        None,
        True,
        [NOW_US],
    ]
)
fields = st.dictionaries(
    st.sampled_from([*FIELDS, "rssi", "deep", ""]),
    usual | usual | usual | odd | st.dictionaries(st.sampled_from(["x", "y"]), usual | odd),
    max_size=4,
)
plain = st.builds(
    lambda at, said: {"ts": at, **said},
    st.integers(NOW_US, NOW_US + 6),
    st.dictionaries(st.sampled_from(["heat", "count"]), usual, min_size=1, max_size=2),
)
objects = plain | plain | st.builds(lambda at, said: {**said, "ts": at}, times, fields)
contents: st.SearchStrategy[object] = objects | objects | st.lists(objects | fields, max_size=3)
payloads = contents.map(json_of) | st.sampled_from(
    [b"", b"{", b"[1]", b'"x"', b"\xff", b"[" * 2_000, b'{"ts":1e9,"' + b'a":1,"' * 3 + b'"}']
)
letters = st.builds(
    lambda payload, edge, retained, age: message(
        Leaf.VALUES, payload, edge, retained=retained
    )._replace(received_time=NOW - timedelta(seconds=age)),
    payloads,
    st.sampled_from([EDGE, EDGE, EDGE, OTHER_EDGE, OTHER_EDGE, STRANGER]),
    st.sampled_from([False] * 9 + [True]),
    st.integers(0, 2),
)
groups = st.lists(st.lists(letters, max_size=12), max_size=4)


def outcome(bench: Bench) -> dict[str, object]:
    """Return all that came of it; the order is that of each tag, or of each topic."""
    tables = bench.store.tables
    counted = bench.selfstat.snapshot()
    return {
        "numbers": sorted(map(repr, tables.numbers), key=lambda row: row.split(",")[0]),
        "texts": sorted(tables.texts, key=lambda row: row[0]),
        "rejections": sorted(tables.rejections, key=lambda one: one.topic),
        "statuses": tables.statuses,
        "lags": tables.lags,
        "dirty": set(tables.dirty),
        "messages": counted.messages,
        "measurements": counted.measurements,
        "reasons": counted.rejections,
        "acknowledged": sorted(bench.committed, key=lambda one: one.topic),
    }


def taken(
    sent: Sequence[Sequence[Message]],
    gathering: type[Gathering],
    unholdable: frozenset[float] = frozenset(),
) -> Bench:
    bench = Bench(gathering=gathering)
    bench.take(tags_of(EDGE))
    bench.take(tags_of(OTHER_EDGE))
    bench.store.refused = unholdable
    bench.take_groups(sent)
    return bench


@given(groups)
def test_runs_do_what_their_messages_do(sent: list[list[Message]]) -> None:
    gathered, single = taken(sent, Gathering), taken(sent, OneByOne)

    assert outcome(gathered) == outcome(single)
    assert gathered.selfstat.snapshot().messages.queued == 0
    assert gathered.selfstat.snapshot().measurements.queued == 0


@given(
    st.lists(
        st.lists(
            st.builds(
                lambda at, value, edge: message(
                    Leaf.VALUES, msgspec.json.encode({"ts": NOW_US + at, "heat": value}), edge
                ),
                st.integers(0, 9),
                st.sampled_from([1, 2, 3, 4, 5, UNHOLDABLE]),
                st.sampled_from([EDGE, OTHER_EDGE]),
            ),
            max_size=12,
        ),
        max_size=2,
    )
)
def test_what_the_database_cannot_hold_is_found_within_a_run(sent: list[list[Message]]) -> None:
    unholdable = frozenset({UNHOLDABLE})
    gathered = taken(sent, Gathering, unholdable)

    found, wanted = outcome(gathered), outcome(taken(sent, OneByOne, unholdable))
    assert found == wanted
    bad = [one for group in sent for one in group if b"66" in one.payload.partition(b"heat")[2]]
    assert len(gathered.store.tables.rejections) == len(bad)
    assert {one.raw for one in gathered.store.tables.rejections} == {one.payload for one in bad}


@given(
    groups,
    # Three failures in all: a message that fails a fourth time by itself is taken to be the cause.
    st.lists(st.sampled_from([None, StoreUnavailableError()]), max_size=2),
    st.lists(st.sampled_from([None, StoreUnavailableError()]), max_size=1),
)
def test_whatever_fails_nothing_is_lost_and_nothing_twice(
    sent: list[list[Message]],
    before: list[StoreUnavailableError | None],
    after: list[StoreUnavailableError | None],
) -> None:
    bench = Bench()
    bench.take(tags_of(EDGE))
    bench.take(tags_of(OTHER_EDGE))
    bench.store.before_commit.extend(before)
    bench.store.after_commit.extend(after)

    bench.take_groups(sent)

    wanted = outcome(taken(sent, OneByOne))
    found = outcome(bench)
    assert (found["numbers"], found["texts"]) == (wanted["numbers"], wanted["texts"])
    assert found["acknowledged"] == wanted["acknowledged"]
    assert bench.selfstat.snapshot().messages.queued == 0
    assert bench.selfstat.snapshot().measurements.queued == 0
