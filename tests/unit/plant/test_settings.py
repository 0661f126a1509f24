from pathlib import Path

import pytest

from plant.errors import ConfigurationError
from plant.settings import BrokerSettings, DatabaseSettings, ServiceSettings, load_settings


class Example(ServiceSettings):
    broker: BrokerSettings
    database: DatabaseSettings = DatabaseSettings()


def written(folder: Path, text: str, name: str = "settings.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_every_wrong_key_is_named_with_its_right_spelling_when_settings_are_misspelt(
    tmp_path: Path,
) -> None:
    file = written(tmp_path, "broker: {hots: plc, port: 99999}\ndatabse: {}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(Example, file)
    text = str(caught.value)
    assert "broker.hots: unknown setting; did you mean 'host'?" in text
    assert "broker.port" in text
    assert "databse: unknown setting; did you mean 'database'?" in text


def test_a_missing_block_is_named_when_settings_lack_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="broker: required, but missing"):
        load_settings(Example, written(tmp_path, "log: {level: info}\n"))


def test_toml_says_the_same_as_yaml_when_it_holds_the_same(tmp_path: Path) -> None:
    yaml = load_settings(Example, written(tmp_path, "broker: {host: mq, port: 8883}\n"))
    toml = load_settings(
        Example, written(tmp_path, '[broker]\nhost = "mq"\nport = 8883\n', "settings.toml")
    )
    assert yaml == toml


def test_the_environment_outranks_the_file_when_both_give_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NHIPMAY_BROKER__HOST", "from-environment")
    settings = load_settings(Example, written(tmp_path, "broker: {host: file, port: 8883}\n"))
    assert (settings.broker.host, settings.broker.port) == ("from-environment", 8883)


@pytest.mark.parametrize("text", ["- a\n- b\n", "", "key: [unclosed\n"])
def test_a_file_without_named_settings_is_refused_when_loaded(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"settings\.yaml"):
        load_settings(Example, written(tmp_path, text))


def test_a_missing_file_is_named_when_loaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml cannot be read"):
        load_settings(Example, tmp_path / "nowhere.yaml")


def test_a_secret_is_read_from_its_file_and_never_shown_when_printed(tmp_path: Path) -> None:
    file = written(tmp_path, "s3cret\n", "password")
    assert BrokerSettings(password_file=file).secret() == "s3cret"
    assert "s3cret" not in repr(BrokerSettings.model_validate({"password": "s3cret"}))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        BrokerSettings(password_file=tmp_path / "absent").secret()
