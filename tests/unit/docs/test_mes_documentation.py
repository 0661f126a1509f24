"""The reference of documents names every kind, field, type of value and setting."""

import re
from pathlib import Path

import pytest

from ingest.mes.reason_tree import sectors
from ingest.mes.settings import ForeignTableSettings, HighWaterSettings
from plant.mes import KINDS
from plant.mes.file.b2mml import _STATUS, _UNDERSTOOD
from plant.mes.kinds.shift import ShiftBreak

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "mes-documents.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """Return the part of the page below a heading."""
    found = re.search(rf"^##+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
    assert found is not None, f"no section {heading}"
    return found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described_in_its_words(kind: str) -> None:
    text = section(f"`{kind}`")
    for name, field in KINDS[kind].model_fields.items():
        assert field.description
        meaning = field.description.replace("|", "\\|")
        (row,) = re.findall(rf"^\| `{name}` \|.*$", text, re.M)
        assert meaning in row
        assert ("| required |" in row) == field.is_required()
    key = text[text.index("Key: ") :].partition("\n")[0]
    assert re.findall(r"`(\w+)`", key) == list(KINDS[kind].KEY)
    rows = re.findall(r"^\| `(\w+)` \|", text, re.M)
    assert rows == list(KINDS[kind].model_fields)


def test_breaks_are_described() -> None:
    text = section("Breaks of a shift")
    assert re.findall(r"^\| `(\w+)` \|", text, re.M) == list(ShiftBreak.model_fields)


def test_every_setting_of_a_foreign_table_is_described() -> None:
    text = section("Foreign tables")
    own = set(ForeignTableSettings.model_fields) - {"log", "clock", "high_water"}
    assert {name for name in own if f"| `{name}` |" not in text} == set()
    assert {
        name for name in HighWaterSettings.model_fields if f"`high_water.{name}`" not in text
    } == set()


def test_elements_and_states_of_b2mml_are_described() -> None:
    text = section("B2MML")
    assert {name for name in _UNDERSTOOD if f"`{name}`" not in text} == set()
    words = {word.strip().lower() for row in text.splitlines() for word in re.split("[|,]", row)}
    assert {state for state in _STATUS if state not in words} <= {"canceled"}


def test_the_trees_that_come_with_the_program_are_named() -> None:
    page = (DOCS / "how-to" / "import-master-data.md").read_text(encoding="utf-8")
    assert {sector for sector in sectors() if f"--reasons {sector}" not in page} == set()
