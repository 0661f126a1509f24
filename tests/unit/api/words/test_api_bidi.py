"""Names that turn the direction of their surroundings do not."""

import json

import pytest

from api.pages.assets import load_assets
from api.pages.live import make_environment
from api.words.bidi import straight, straight_json

TURNED = "\u202ecnc-1\u202c\u2066x\u2069\u200f"


def test_a_name_has_no_character_that_turns_it() -> None:
    assert straight(TURNED) == "cnc-1x"
    assert straight("Máy phay – مصنع") == "Máy phay – مصنع"


def test_a_template_puts_out_straight_names_once_escaped() -> None:
    template = make_environment(load_assets()).from_string(
        "{% macro m(x) %}<b title='{{ x }}'>{{ x }}</b>{% endmacro %}{{ m(name) }}{{ 3 }}"
    )

    assert template.render(name=f"<{TURNED}>") == ("<b title='&lt;cnc-1x&gt;'>&lt;cnc-1x&gt;</b>3")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [(TURNED, "cnc-1x"), ("\\u202e", "\\u202e"), ("\\\u202e", "\\"), ("\\\\\u202ea", "\\\\a")],
)
def test_json_has_straight_texts_and_stays_json(text: str, wanted: str) -> None:
    assert json.loads(straight_json({"a": [text]})) == {"a": [wanted]}
