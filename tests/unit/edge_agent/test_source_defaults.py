"""What a source says for all its tags, and what is said of a tag that is wrong."""

from pathlib import Path

import pytest

from edge_agent import EdgeSettings
from plant.errors import ConfigurationError
from plant.settings import load_settings

FILE = """
edge: {enterprise: e, site: s, code: c}
outbox: {file: o.sqlite}
sources:
  plc:
    driver: modbus
    host: plc
    defaults: {work_unit: a/b/c, type: float32, word_order: CDAB, max_silence_s: 5}
    tags:
      - {name: c/x, address: "hr:0"}
      - {name: c/y, address: "hr:2", type: uint16, work_unit: a/b/d}
"""


def loaded(folder: Path, text: str) -> EdgeSettings:
    file = folder / "edge.yaml"
    file.write_text(text, encoding="utf-8")
    return load_settings(EdgeSettings, file)


def test_a_tag_has_what_its_source_says_unless_it_says_otherwise(tmp_path: Path) -> None:
    x, y = loaded(tmp_path, FILE).sources["plc"].tags
    assert (x.work_unit, x.max_silence_s) == ("a/b/c", 5)
    assert (y.work_unit, y.max_silence_s) == ("a/b/d", 5)
    again = EdgeSettings.model_validate(loaded(tmp_path, FILE).model_dump())
    assert again.sources["plc"].tags[1].work_unit == "a/b/d"


def test_a_message_names_the_tag_and_the_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\.address: .* \(c/y, line 11\)") as refused:
        loaded(tmp_path, FILE.replace('"hr:2"', "40001.1"))
    assert "in quotes" in str(refused.value)
    with pytest.raises(ConfigurationError, match=r"two meanings.* \(c/x, line 10\)"):
        loaded(tmp_path, FILE.replace('"hr:0"', '"hr:40001"'))
