import re
import string
from importlib.resources import files
from pathlib import Path

import pytest

import api
from api.pages.appearance import Category
from api.words.catalogue import CATALOGUES
from plant.kpi import Missing
from plant.measurement import Quality
from plant.mes import KINDS

SOURCES = Path(api.__file__).parent
KEY = re.compile(r"""(?:\bt|f\.text|formatter\.text)\(\s*"([a-z_]+(?:\.[a-z0-9_]+)+)\"""")


def names_in(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


def test_languages_have_the_same_keys() -> None:
    assert set(CATALOGUES["vi"].words()) == set(CATALOGUES["en"].words())


def test_languages_fill_in_the_same_names() -> None:
    english = CATALOGUES["en"].words()
    for key, words in CATALOGUES["vi"].words().items():
        assert names_in(words) == names_in(english[key]), key


def test_words_that_misled_are_gone() -> None:
    words = CATALOGUES["vi"].words()
    # Of several companies it is no plant; raw data are not master data.
    assert words["page.plant"] == "Toàn hệ thống"
    said = " ".join(words.values()).lower()
    assert "dữ liệu gốc" not in said
    assert "toàn nhà máy" not in said
    # An edge that is lost and a signal that is not trusted are told apart.
    assert "tín hiệu" not in words["fleet.state.lost"].lower()
    assert words["fleet.state.lost"] != words["state.unknown"]


def test_every_key_that_is_used_has_words() -> None:
    used = {
        key
        for pattern in ("**/*.py", "**/*.html")
        for path in SOURCES.glob(pattern)
        for key in KEY.findall(path.read_text(encoding="utf-8"))
    }
    assert len(used) > 40
    assert used <= set(CATALOGUES["vi"].words())


def test_every_code_that_may_occur_has_words() -> None:
    wanted = (
        {f"state.{category.value}" for category in Category}
        | {f"missing.{reason.value}" for reason in Missing}
        | {f"quality.{quality.name.lower()}" for quality in Quality}
        | {f"listing.{kind}" for kind in KINDS}
        | {f"import.fields.{name}" for kind in KINDS for name in KINDS[kind].model_fields}
    )
    assert wanted <= set(CATALOGUES["en"].words())


def test_the_code_itself_is_shown_when_it_has_no_words() -> None:
    assert CATALOGUES["vi"].name_of("fault", "never_heard_of") == "never_heard_of"


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        CATALOGUES["vi"].text("no.such.words")


def test_every_icon_that_is_used_is_drawn() -> None:
    drawn = set(
        re.findall(r'symbol id="([\w-]+)"', (files("api.pages") / "static/icons.svg").read_text())
    )
    templates = " ".join(
        path.read_text("utf-8") for path in SOURCES.glob("pages/templates/**/*.html")
    )
    used = {category.icon for category in Category} | set(
        re.findall(r'icon\("([\w-]+)"\)', templates)
    )
    assert used <= drawn


def test_every_state_has_colours_in_the_style_sheet() -> None:
    style = (files("api.pages") / "static/style.css").read_text()
    for category in Category:
        name = category.value.replace("_", "-")
        # Light and dark.
        assert style.count(f"--state-{name}: #") == 2, name
        assert f".state-{name} {{" in style
        assert f".fill-{name} {{" in style
