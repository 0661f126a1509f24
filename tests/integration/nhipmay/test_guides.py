"""The five guides in both languages: their commands run in order, their addresses are there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from plant.settings import DatabaseSettings
from tests.plants.api_plant import CNC_1, LINE, SITE, api_settings, seed

DOCS = Path(__file__).parents[3] / "docs"
GUIDES = ("technician", "operator", "engineer", "officer", "administrator")
FOLDERS = ("vi", "guides")
_BLOCK = re.compile(r"^(?:`([\w.-]+)`:\n\n)?```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"`(/(?:[a-z][\w/-]*)?(?:\{\w+\})?)`")
OF_PROGRAMS = ("/opt/", "/etc/", "/var/")


def guide(folder: str, name: str) -> str:
    return (DOCS / folder / f"{name}.md").read_text(encoding="utf-8")


def environment(database: DatabaseSettings) -> dict[str, str]:
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NHIPMAY_DATABASE__PASSWORD": str(database.secret()),
    }


def write_admin_settings(folder: Path, database: DatabaseSettings) -> None:
    keys = ("host", "port", "name", "user")
    lines = ["database:", *(f"  {key}: {getattr(database, key)}" for key in keys)]
    (folder / "admin.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_commands_of_every_guide_run_as_they_stand(
    folder: str, plain_database: DatabaseSettings, tmp_path: Path
) -> None:
    write_admin_settings(tmp_path, plain_database)
    ran = 0
    # What the administrator sets up is there for the others.
    for name in ("administrator", *(one for one in GUIDES if one != "administrator")):
        for file, language, content in _BLOCK.findall(guide(folder, name)):
            if file:
                (tmp_path / file).write_text(content, encoding="utf-8")
            elif language == "sh":
                for command in content.splitlines():
                    done = subprocess.run(
                        ["sh", "-c", command],  # as somebody types it
                        cwd=tmp_path,
                        env=environment(plain_database),
                        capture_output=True,
                        text=True,
                        check=False,
                    )
                    assert done.returncode == 0, f"{name}: {command}\n{done.stdout}{done.stderr}"
                    ran += 1
    assert ran >= 9
    assert "ExecStart=" in (tmp_path / "nhipmay-edge.service").read_text(encoding="utf-8")
    assert "toc_do" in (tmp_path / "edge.yaml").read_text(encoding="utf-8")


def test_both_languages_have_the_same_commands_and_addresses() -> None:
    for name in GUIDES:
        vietnamese, english = (guide(folder, name) for folder in FOLDERS)
        assert _BLOCK.findall(vietnamese) == _BLOCK.findall(english), name
        assert set(_ADDRESS.findall(vietnamese)) == set(_ADDRESS.findall(english)), name


@pytest.fixture
def client(plain_database: DatabaseSettings) -> Iterator[TestClient]:
    seed(plain_database)
    with TestClient(create_app(api_settings(plain_database)), base_url="http://localhost") as one:
        yield one


def test_every_address_that_a_guide_names_is_a_page(client: TestClient) -> None:
    named = {one for name in GUIDES for one in _ADDRESS.findall(guide("vi", name))}
    pages = {one for one in named if not one.startswith(OF_PROGRAMS)}
    assert len(pages) >= 8
    places = {"{site}": SITE, "{line}": LINE, "{machine}": CNC_1}
    for address in pages:
        path = address
        for key, place in places.items():
            path = path.replace(key, place)
        answer = client.get(path)
        # Without accounts the pages of accounts say so; they are there all the same.
        assert answer.status_code < 500, address
        assert "no such page" not in answer.text.lower(), address
        assert answer.status_code != 404 or "tài khoản" in answer.text, address
