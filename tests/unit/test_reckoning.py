"""The reckoning of hostile messages sees what is lost, and what was altered."""

from dataclasses import replace

from tests.hostile.letter import Letter, Part, RowKey, native_parts
from tests.hostile.reckoning import Found

NOTHING = Found(frozenset(), frozenset(), frozenset(), frozenset(), "")
DATA = (
    b'{"epoch":"e","first_id":7,"last_id":8,"tags":["a/x"],"tag":[0,0],'
    b'"time_us":[1,2],"value":[1.5,"t"]}'
)
ROWS: set[RowKey] = {("a/x", 1, 1.5, 0), ("a/x", 2, "t", 0)}
LETTER = Letter("data", "nm/v1/a/b/c/data", DATA, native_parts(DATA))
NOISE = Letter("noise", "nm/v1/a/b/c/data", b"\0")
DOCUMENT = Letter("document", "nm/v1/a/b/mes/orders", b"[]", (), event="s-1")


def test_everything_is_lost_when_nothing_is_found() -> None:
    assert len(NOTHING.lacks([LETTER, NOISE, DOCUMENT])) == 4


def test_nothing_is_lost_when_rows_raw_messages_and_events_are_there() -> None:
    found = Found(frozenset(ROWS), frozenset(), frozenset(), frozenset([b"\0"]), "s-1")

    assert found.lacks([LETTER, NOISE, DOCUMENT]) == []
    assert found.strange([LETTER]) == []


def test_a_row_is_lost_when_only_the_other_is_there_or_refused() -> None:
    found = replace(NOTHING, rows=frozenset([("a/x", 1, 1.5, 0)]))

    assert found.lacks([LETTER]) == ["id 8 of e on nm/v1/a/b/c/data"]
    assert replace(found, refused=frozenset([("e", 8)])).lacks([LETTER]) == []
    assert replace(found, refused_tags=frozenset(["a/x"])).lacks([LETTER]) == []


def test_a_whole_message_that_is_kept_lacks_nothing() -> None:
    assert replace(NOTHING, raws=frozenset([DATA])).lacks([LETTER]) == []


def test_an_altered_row_is_seen() -> None:
    altered = replace(NOTHING, rows=frozenset([("a/x", 1, 1.25, 0)]))

    assert altered.strange([LETTER]) == ["nobody sent ('a/x', 1, 1.25, 0)"]
    assert len(altered.lacks([LETTER])) == 2


def test_an_id_with_two_contents_is_one_of_them() -> None:
    other = replace(LETTER, parts=(Part(("a/x", 3, 9.0, 0), "e", 7),))
    found = replace(NOTHING, rows=frozenset(ROWS))

    assert found.lacks([LETTER, other]) == []
