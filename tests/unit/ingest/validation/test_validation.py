import msgspec
import numpy as np
import pytest

from ingest.decoding.column import Kind
from ingest.validation.registry import TagColumns
from ingest.validation.validation import (
    ACCEPTED,
    REASONS,
    Reason,
    Rows,
    explanation,
    raw_row,
    verdicts,
)
from plant.measurement import Quality, Value
from tests.plants.deliveries import NOW_US

TOLERANCE_US = 300_000_000
NUMBER_TAG, TEXT_TAG, UNKNOWN = 0, 1, -1
TAGS = TagColumns(
    tag_id=np.array([11, 12]),
    work_unit_id=np.array([100, 100]),
    is_text=np.array([False, True]),
    has_role=np.array([False, True]),
    low=np.array([-20.0, -np.inf]),
    high=np.array([200.0, np.inf]),
)


def row(
    position: int,
    value: Value,
    kind: Kind,
    quality: int = Quality.GOOD,
    source_us: int = NOW_US,
) -> Rows:
    number = float(value) if kind is Kind.NUMBER and isinstance(value, int | float) else np.nan
    return Rows(
        np.array([position]),
        np.array([source_us]),
        np.array([NOW_US]),
        np.array([kind], np.int8),
        np.array([number]),
        np.array([quality]),
        [value],
    )


@pytest.mark.parametrize(
    "rows",
    [
        row(NUMBER_TAG, 71.3, Kind.NUMBER),
        row(NUMBER_TAG, -20, Kind.NUMBER),
        row(NUMBER_TAG, 200, Kind.NUMBER),
        row(NUMBER_TAG, 71.3, Kind.NUMBER, Quality.UNCERTAIN),
        row(NUMBER_TAG, None, Kind.NOTHING, Quality.BAD),
        row(NUMBER_TAG, 9_999, Kind.NUMBER, Quality.BAD),
        row(NUMBER_TAG, 71.3, Kind.NUMBER, source_us=NOW_US + TOLERANCE_US),
        row(TEXT_TAG, "EXECUTE", Kind.TEXT),
        row(TEXT_TAG, "", Kind.TEXT),
        row(TEXT_TAG, None, Kind.NOTHING, Quality.BAD),
    ],
)
def test_a_row_is_accepted_when_nothing_speaks_against_it(rows: Rows) -> None:
    assert verdicts(rows, TAGS, TOLERANCE_US).tolist() == [ACCEPTED]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (row(UNKNOWN, 1, Kind.NUMBER), Reason.UNKNOWN_TAG),
        (row(NUMBER_TAG, 1, Kind.NUMBER, 3), Reason.UNKNOWN_QUALITY),
        (row(NUMBER_TAG, 1, Kind.NUMBER, -1), Reason.UNKNOWN_QUALITY),
        (row(NUMBER_TAG, "71", Kind.TEXT), Reason.WRONG_TYPE),
        (row(TEXT_TAG, 71, Kind.NUMBER), Reason.WRONG_TYPE),
        (row(NUMBER_TAG, None, Kind.NOTHING), Reason.WRONG_TYPE),
        (row(TEXT_TAG, None, Kind.NOTHING, Quality.UNCERTAIN), Reason.WRONG_TYPE),
        (row(TEXT_TAG, "x", Kind.TEXT_TOO_LONG), Reason.TOO_LONG),
        (row(TEXT_TAG, "\0", Kind.TEXT_WITH_NUL), Reason.UNSTORABLE),
        (row(NUMBER_TAG, 10**400, Kind.NUMBER_TOO_LARGE), Reason.UNSTORABLE),
        (
            row(NUMBER_TAG, 1, Kind.NUMBER, source_us=NOW_US + TOLERANCE_US + 1),
            Reason.FUTURE_SOURCE_TIME,
        ),
        (row(NUMBER_TAG, 1, Kind.NUMBER, source_us=0), Reason.PAST_SOURCE_TIME),
        (row(NUMBER_TAG, -20.1, Kind.NUMBER), Reason.OUT_OF_RANGE),
        (row(NUMBER_TAG, 200.1, Kind.NUMBER), Reason.OUT_OF_RANGE),
    ],
)
def test_a_row_is_rejected_with_its_reason_in_words(rows: Rows, reason: Reason) -> None:
    (verdict,) = verdicts(rows, TAGS, TOLERANCE_US).tolist()

    assert REASONS[verdict] is reason
    assert len(explanation(reason, rows, 0, "tien-1/nhiet-do", TAGS)) > 10


def test_every_row_is_of_an_unknown_tag_when_there_are_no_tags() -> None:
    verdict = verdicts(row(UNKNOWN, 1, Kind.NUMBER), TagColumns.of([]), TOLERANCE_US)

    assert REASONS[int(verdict[0])] is Reason.UNKNOWN_TAG


def test_a_rejected_row_keeps_everything_it_said() -> None:
    raw = raw_row(row(NUMBER_TAG, "71", Kind.TEXT, Quality.UNCERTAIN), 0, 42, "tien-1/nhiet-do")

    assert msgspec.json.decode(raw) == {
        "id": 42,
        "tag": "tien-1/nhiet-do",
        "time_us": NOW_US,
        "value": "71",
        "quality": 1,
    }
