from pathlib import Path

import pytest
from pydantic import SecretStr

from api import ApiSettings, create_app
from plant.errors import ConfigurationError


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_nobody_needs_a_token_when_only_this_machine_can_ask(host: str) -> None:
    ApiSettings(host=host).check_exposure()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "may-chu"])
def test_the_start_is_refused_when_others_could_read_without_a_token(host: str) -> None:
    with pytest.raises(ConfigurationError, match="allow_anonymous"):
        create_app(ApiSettings(host=host))
    ApiSettings(host=host, allow_anonymous=True).check_exposure()
    ApiSettings(host=host, token=SecretStr("x")).check_exposure()


def test_the_token_comes_from_its_file_when_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ApiSettings(token_file=file).bearer_token()
    file.write_text(" \n")
    with pytest.raises(ConfigurationError, match="empty"):
        ApiSettings(token_file=file).bearer_token()
    file.write_text("bí mật\n", encoding="utf-8")
    assert ApiSettings(token_file=file).bearer_token() == "bí mật"
