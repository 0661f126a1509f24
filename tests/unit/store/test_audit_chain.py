"""What happens to the audit is named: a row changed, deleted, put elsewhere, the end cut off."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from store.access.audit import Head, chained, sealed, verified

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
Row = tuple[int, str, bytes]


def chain(count: int = 6, who: str = "an") -> list[Row]:
    rows: list[Row] = []
    before = b""
    for number in range(1, count + 1):
        entry = json.dumps({"id": number, "who": who, "action": "sign-in"})
        before = chained(before, entry)
        rows.append((number, entry, before))
    return rows


ROWS = chain()
HEADS = [sealed(*(ROWS[at][0], ROWS[at][2]), NOW, KEY) for at in (2, 5)]


def test_a_whole_audit_has_no_fault() -> None:
    verdict = verified(ROWS, HEADS, KEY.public_key())

    assert (verdict.entries, verdict.faults) == (6, ())
    assert Head.of_line(HEADS[0].line()) == HEADS[0]


def changed(rows: list[Row]) -> list[Row]:
    number, entry, digest = rows[3]
    return [*rows[:3], (number, entry.replace("an", "bo"), digest), *rows[4:]]


def changed_with_its_chain(rows: list[Row]) -> list[Row]:
    before = rows[2][2]
    made = rows[:3]
    for number, entry, _ in rows[3:]:
        before = chained(before, text := entry.replace("an", "bo"))
        made.append((number, text, before))
    return made


def exchanged(rows: list[Row]) -> list[Row]:
    return [*rows[:1], (2, rows[2][1], rows[1][2]), (3, rows[1][1], rows[2][2]), *rows[3:]]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (changed, "entry 4 was changed"),
        (changed_with_its_chain, "entry 6 is not the one that was sealed"),
        (lambda rows: rows[:3] + rows[4:], "entry 4 is missing"),
        (lambda rows: rows[1:], "entry 1 is missing"),
        (lambda rows: rows[:4], "entry 6, sealed at .*, is missing"),
        (lambda rows: chain(6, "bo"), "entry 3 is not the one that was sealed"),
        (lambda rows: [], "entry 3, sealed at .*, is missing"),
        (exchanged, "entry 2 was changed"),
    ],
)
def test_damage_is_named(damage: Callable[[list[Row]], list[Row]], words: str) -> None:
    import re

    faults = verified(damage(ROWS), HEADS, KEY.public_key()).faults

    assert any(re.search(words, fault) for fault in faults), faults


def test_a_forged_head_is_named() -> None:
    forged = sealed(ROWS[4][0], ROWS[4][2], NOW, Ed25519PrivateKey.generate())

    faults = verified(ROWS, [*HEADS, forged], KEY.public_key()).faults

    assert faults == ("the head of entry 5 is not signed by this key",)
