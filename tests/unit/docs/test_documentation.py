"""The documentation is tested like code: what it must name, and where its links lead."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from typer.main import get_command

from analytics import AnalyticsSettings
from api import ApiSettings
from ingest import IngestSettings
from nhipmay.authority import AdministrationSettings
from nhipmay.cli import app
from plant.description import (
    Area,
    PlannedRunTime,
    PlantDescription,
    PolicySettings,
    Product,
    ProductionOrder,
    ShiftSettings,
    Site,
    StopReason,
    WorkCenter,
    WorkUnit,
)
from simulators import SimulatorSettings
from store.engine.migration import migrations

ROOT = Path(__file__).parents[3]
PAGES = sorted({*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("*/**/README.md")})
PAGES = [page for page in PAGES if ".venv" not in page.parts]


def text_of(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_when_they_are_relative(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    relative = [target for target in targets if "://" not in target]
    missing = [target for target in relative if not (page.parent / target).exists()]
    assert not missing


def test_every_table_is_named_when_the_database_is_documented() -> None:
    page = text_of("reference/database.md")
    created = [
        name
        for migration in migrations()
        for name in re.findall(r"^create table ([\w.]+)", migration.sql, re.MULTILINE)
    ]
    assert created
    dropped = {
        name
        for migration in migrations()
        for name in re.findall(r"^drop table (\w+)", migration.sql, re.MULTILINE)
    }
    assert [name for name in created if f"`{name}`" not in page] == sorted(dropped)


def test_every_command_is_named_when_commands_are_documented() -> None:
    page = text_of("reference/commands.md")
    commands = get_command(app).commands  # type: ignore[attr-defined]  # typer makes a group
    assert set(commands) >= {"demo", "edge", "ingest", "analytics", "api", "migrate", "doctor"}
    assert [name for name in commands if f"`nhipmay {name}" not in page] == []


def test_every_option_of_the_demo_is_named_when_commands_are_documented() -> None:
    page = text_of("reference/commands.md")
    demo = get_command(app).commands["demo"]  # type: ignore[attr-defined]  # typer makes a group
    options = [option for parameter in demo.params for option in parameter.opts]
    assert [option for option in options if option not in page] == []


def test_every_key_is_named_when_the_plant_description_is_documented() -> None:
    page = text_of("reference/plant-description.md")
    models = (
        *(PlantDescription, Site, ShiftSettings, PolicySettings, Area, WorkCenter, WorkUnit),
        *(Product, PlannedRunTime, ProductionOrder, StopReason),
    )
    keys = {key for model in models for key in model.model_fields}
    assert sorted(key for key in keys if not re.search(rf"\b{key}\b", page)) == []


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every setting of a model and of the blocks within it."""
    for name, field in model.model_fields.items():
        candidates = (field.annotation, *get_args(field.annotation))
        blocks = [
            candidate
            for candidate in candidates
            if isinstance(candidate, type) and issubclass(candidate, BaseModel)
        ]
        if blocks:
            yield from keys_of(blocks[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize(
    "settings",
    [IngestSettings, AnalyticsSettings, ApiSettings, SimulatorSettings, AdministrationSettings],
)
def test_every_setting_is_named_when_services_are_documented(settings: type[BaseModel]) -> None:
    page = text_of("reference/service-settings.md")
    assert [key for key in keys_of(settings) if f"`{key}`" not in page] == []
