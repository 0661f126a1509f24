import math

import pytest

from edge_agent.drivers import TagSettings
from edge_agent.intake.conversion import LONGEST_TEXT, converter
from plant.measurement import Quality, TagRole, Value, ValueType

GOOD, UNCERTAIN, BAD = Quality
UNIT = "gia-cong/day-chuyen-1/cnc-1"
NUMBER = TagSettings(name="cnc-1/x", work_unit=UNIT)
SCALED = TagSettings(name="cnc-1/x", work_unit=UNIT, scale=0.1, offset=-5.0)
TEXT = TagSettings(name="cnc-1/x", work_unit=UNIT, value_type=ValueType.TEXT)
STATE = TagSettings(name="cnc-1/x", work_unit=UNIT, role=TagRole.STATE, states={6: "EXECUTE"})


@pytest.mark.parametrize(
    ("tag", "raw", "value", "quality"),
    [
        (NUMBER, 7, 7, GOOD),
        (NUMBER, 7.5, 7.5, GOOD),
        (NUMBER, True, 1, GOOD),
        (NUMBER, 2**64 - 1, float(2**64 - 1), GOOD),
        (NUMBER, math.nan, None, BAD),
        (NUMBER, math.inf, None, BAD),
        (NUMBER, None, None, BAD),
        (NUMBER, b"\x01", None, BAD),
        (NUMBER, "broken", "broken", GOOD),
        (SCALED, 100, 5.0, GOOD),
        (SCALED, True, -4.9, GOOD),
        (TEXT, "LSX-17", "LSX-17", GOOD),
        (TEXT, 17, "17", GOOD),
        (TEXT, True, "true", GOOD),
        (TEXT, "\ud800", "?", GOOD),
        (TEXT, None, None, BAD),
        (STATE, 6, "EXECUTE", GOOD),
        (STATE, 6.0, "EXECUTE", GOOD),
        (STATE, 7, "7", UNCERTAIN),
        (STATE, "ABORTED", "ABORTED", GOOD),
    ],
)
def test_a_reading_becomes_what_the_tag_means_when_it_is_converted(
    tag: TagSettings, raw: object, value: Value, quality: Quality
) -> None:
    converted, how_good = converter(tag)(raw, GOOD)
    assert (converted, type(converted), how_good) == (value, type(value), quality)


@pytest.mark.parametrize("quality", list(Quality))
def test_the_source_has_its_say_when_a_value_is_bad(quality: Quality) -> None:
    assert converter(NUMBER)(1.0, quality) == (1.0, quality)
    assert converter(STATE)(7, quality)[1] is max(quality, UNCERTAIN)


def test_text_is_cut_and_uncertain_when_it_is_too_long() -> None:
    value, quality = converter(TEXT)("x" * (LONGEST_TEXT + 1), GOOD)
    assert value == "x" * LONGEST_TEXT
    assert quality is UNCERTAIN
