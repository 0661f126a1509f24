from pathlib import Path

import pytest

from ingest import IngestSettings
from plant.errors import ConfigurationError
from plant.settings import load_settings


def test_defaults_are_enough_to_start() -> None:
    settings = load_settings(IngestSettings)

    assert settings.client_id == "nm-ingest-1"
    assert settings.metrics_port is None


def test_a_misspelt_key_is_named_with_the_right_one(tmp_path: Path) -> None:
    file = tmp_path / "ingest.yaml"
    file.write_text("group: {max_row: 5}\n")

    with pytest.raises(ConfigurationError, match="max_rows"):
        load_settings(IngestSettings, file)


def test_an_instance_must_fit_a_client_id(tmp_path: Path) -> None:
    file = tmp_path / "ingest.yaml"
    file.write_text("instance: Một/+\n")

    with pytest.raises(ConfigurationError, match="instance"):
        load_settings(IngestSettings, file)
