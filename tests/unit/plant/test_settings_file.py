"""A settings file that cannot be read is named in words, whatever is wrong with it."""

from pathlib import Path

import pytest

from plant.errors import ConfigurationError
from plant.settings import read_mapping


@pytest.mark.parametrize(
    "text",
    ["valid_from: 2026-02-30", "a: !!timestamp soon", "a: [", "- a", "a: &x *y", "\0"],
    ids=["date", "type", "open", "list", "alias", "nul"],
)
def test_a_file_is_refused_in_words_when_its_yaml_is_wrong(tmp_path: Path, text: str) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"edge\.yaml"):
        read_mapping(file)


def test_a_file_is_refused_in_words_when_its_toml_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "edge.toml"
    file.write_text("a = 2026-02-30", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"edge\.toml"):
        read_mapping(file)
