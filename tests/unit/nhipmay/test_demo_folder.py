import stat
from pathlib import Path

import pytest

from nhipmay.demo.folder import claim
from plant.errors import ConfigurationError


def test_a_folder_of_someone_else_is_left_alone_when_claimed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="was not made by a demo"):
        claim(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_the_last_demo_is_emptied_when_claimed_again(tmp_path: Path) -> None:
    first = claim(tmp_path / "demo")
    (first.logs / "ingest.log").write_text("old")
    first.lock.close()
    again = claim(tmp_path / "demo")
    assert list(again.logs.iterdir()) == []
    again.lock.close()


def test_a_folder_in_use_is_refused_when_claimed(tmp_path: Path) -> None:
    first = claim(tmp_path / "demo")
    with pytest.raises(ConfigurationError, match="another demo is running"):
        claim(tmp_path / "demo")
    first.lock.close()


def test_a_folder_that_cannot_be_made_is_named_when_claimed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="--data"):
        claim(tmp_path / "file" / "demo")


def test_secrets_differ_and_are_for_the_owner_only_when_made(tmp_path: Path) -> None:
    folder = claim(tmp_path / "demo")
    one, other = folder.new_secret("database"), folder.new_secret("broker")
    assert one.read_text() != other.read_text()
    assert len(one.read_text()) >= 24
    assert stat.S_IMODE(one.stat().st_mode) == 0o600
    folder.lock.close()
