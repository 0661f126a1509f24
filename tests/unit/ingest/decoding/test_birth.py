from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from ingest.decoding.birth import RefusedTag, Site, tag_changes
from plant.measurement import TagRole, ValueType
from plant.native.message import TagDeclaration
from store.delivery.row import EdgeRow, TagChange, TagRow
from tests.plants.deliveries import COUNT, DRILL, LATHE, SITE, STATE, TAGS, TEMPERATURE

EDGE = EdgeRow(1, 10, SITE, "edge-1", online=True)
OTHER = EdgeRow(2, 10, SITE, "edge-2", online=True)
UNITS = {LATHE: 100, DRILL: 101}


def site(tags: Sequence[TagRow] = (), online: frozenset[int] = frozenset({1, 2})) -> Site:
    return Site(UNITS, tags, online)


def stored(declarations: Sequence[TagDeclaration], edge: EdgeRow) -> list[TagRow]:
    changes, _ = tag_changes(edge, declarations, site(), live=True, room=100)
    return [
        TagRow(k, edge.edge_id, change.work_unit_id, change.tag) for k, change in enumerate(changes)
    ]


def names(changes: Sequence[TagChange] | Sequence[RefusedTag]) -> list[str]:
    return [c.tag.name if isinstance(c, TagChange) else c.name for c in changes]


def test_all_tags_are_stored_when_they_are_new() -> None:
    changes, refused = tag_changes(EDGE, TAGS, site(), live=True, room=100)

    assert names(changes) == [tag.name for tag in TAGS]
    assert not refused
    assert not any(change.restates for change in changes)


def test_nothing_is_stored_when_nothing_changed() -> None:
    changes, refused = tag_changes(EDGE, TAGS, site(stored(TAGS, EDGE)), live=True, room=100)

    assert (changes, refused) == ([], [])


@pytest.mark.parametrize(
    ("changed", "restates"),
    [
        ({"description": "trục chính"}, False),
        ({"high": 300.0}, False),
        ({"counter_modulus": 65536.0}, True),
        ({"max_silence_s": 30.0}, True),
        ({"work_unit": DRILL}, True),
    ],
)
def test_a_changed_definition_restates_figures_when_they_depend_on_it(
    changed: dict[str, str | float], restates: bool
) -> None:
    tag = msgspec.structs.replace(COUNT, **changed)

    changes, _ = tag_changes(EDGE, [tag], site(stored(TAGS, EDGE)), live=True, room=100)

    assert names(changes) == [COUNT.name]
    assert changes[0].restates is restates


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"work_unit": f"{SITE}/xuong-1/day-chuyen-1/khong-co"}, "unknown_work_unit"),
        ({"work_unit": SITE}, "unknown_work_unit"),
        ({"role": TagRole.STATE}, "role_conflict"),
        ({"value_type": ValueType.TEXT, "role": TagRole.GOOD_COUNT}, "role_conflict"),
        ({"low": 5.0, "high": 1.0}, "inconsistent"),
        ({"max_silence_s": 0.0}, "inconsistent"),
        ({"counter_modulus": -1.0}, "inconsistent"),
        ({"name": ""}, "malformed"),
        ({"name": "a\0b"}, "malformed"),
        ({"unit": "\0"}, "malformed"),
    ],
)
def test_one_tag_is_refused_and_the_others_stored_when_its_definition_is_wrong(
    changed: dict[str, str | float], reason: str
) -> None:
    wrong = msgspec.structs.replace(TEMPERATURE, **changed)

    changes, refused = tag_changes(EDGE, [STATE, wrong, COUNT], site(), live=True, room=100)

    assert names(changes) == [STATE.name, COUNT.name]
    assert [(tag.index, tag.reason) for tag in refused] == [(2, reason)]
    assert msgspec.json.decode(refused[0].raw, type=TagDeclaration) == wrong


def test_the_second_tag_is_refused_when_two_claim_one_role() -> None:
    second = msgspec.structs.replace(STATE, name="tien-1/trang-thai-2")

    changes, refused = tag_changes(EDGE, [STATE, second], site(), live=True, room=100)

    assert names(changes) == [STATE.name]
    assert refused[0].reason == "role_conflict"
    assert STATE.name in refused[0].detail


def test_increments_are_refused_when_a_counter_of_the_same_parts_is_there() -> None:
    second = msgspec.structs.replace(COUNT, name="tien-1/them", role=TagRole.GOOD_INCREMENT)

    changes, refused = tag_changes(EDGE, [COUNT, second], site(), live=True, room=100)

    assert names(changes) == [COUNT.name]
    assert refused[0].reason == "role_conflict"


def test_a_renamed_tag_takes_the_role_when_the_former_is_of_the_same_edge() -> None:
    renamed = msgspec.structs.replace(STATE, name="tien-1/state")

    changes, refused = tag_changes(EDGE, [renamed], site(stored(TAGS, EDGE)), live=True, room=100)

    assert names(changes) == ["tien-1/state"]
    assert not refused


def test_a_tag_stays_when_its_edge_is_online() -> None:
    changes, refused = tag_changes(OTHER, TAGS, site(stored(TAGS, EDGE)), live=True, room=100)

    assert not changes
    assert {tag.reason for tag in refused} == {"tag_of_other_edge"}


def test_a_tag_is_taken_over_when_its_edge_is_gone() -> None:
    gone = site(stored(TAGS, EDGE), online=frozenset({2}))

    changes, refused = tag_changes(OTHER, TAGS, gone, live=True, room=100)

    assert {change.edge_id for change in changes} == {OTHER.edge_id}
    assert not refused


def test_nothing_is_taken_over_when_the_birth_is_an_old_one_of_an_edge_that_is_gone() -> None:
    nobody = site(stored(TAGS, EDGE), online=frozenset())

    changes, refused = tag_changes(replace(OTHER, online=False), TAGS, nobody, live=False, room=100)

    assert not changes
    assert names(refused) == [tag.name for tag in TAGS]


def test_a_role_stays_when_its_edge_is_online() -> None:
    rival = msgspec.structs.replace(STATE, name="tien-1/trang-thai-2")

    _, refused = tag_changes(OTHER, [rival], site(stored(TAGS, EDGE)), live=True, room=100)

    assert [tag.reason for tag in refused] == ["role_conflict"]


def test_an_edge_has_so_many_tags_and_no_more() -> None:
    more = [replace_name(COUNT, f"cnc-1/extra-{k}") for k in range(4)]

    changes, refused = tag_changes(
        EDGE, [*TAGS, *more], site(stored(TAGS, EDGE)), live=True, room=2
    )

    assert [change.tag.name for change in changes] == ["cnc-1/extra-0", "cnc-1/extra-1"]
    assert [(tag.name, tag.reason) for tag in refused] == [
        ("cnc-1/extra-2", "too_many_tags"),
        ("cnc-1/extra-3", "too_many_tags"),
    ]


def replace_name(declaration: TagDeclaration, name: str) -> TagDeclaration:
    return msgspec.structs.replace(declaration, name=name, role=TagRole.NONE)
