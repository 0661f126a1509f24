"""Computing everything again from the measurements: identical rows, or it is told."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analytics import AnalyticsSettings, recompute_from_raw
from nhipmay.cli import app
from plant.errors import ConfigurationError
from plant.settings import ClockSettings, DatabaseSettings
from tests.plants.figure_plant import LINE, SAW, FigurePlant, at


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(database)
    plant.run_steadily(SAW, 0, 3)
    plant.report(3)
    plant.compute(3)
    yield plant
    plant.close()


def settings(plant: FigurePlant, now: float) -> AnalyticsSettings:
    clock = ClockSettings(wall_origin=at(0), plant_origin=at(0), until=at(now))
    return AnalyticsSettings(database=plant.database, clock=clock)


def test_rows_are_identical_when_everything_is_computed_again(plant: FigurePlant) -> None:
    report = recompute_from_raw(settings(plant, 3))
    assert report.identical, report
    assert report.tables["base_sums"].rows >= 3
    assert report.unit_hours >= 3
    assert recompute_from_raw(settings(plant, 3), LINE, at(1), at(2)).identical


def test_it_is_told_when_recomputation_changes_rows(plant: FigurePlant) -> None:
    plant.connection.execute("update base_sum set adet_ms = 1, apt_ms = apt_ms - 1")
    report = recompute_from_raw(settings(plant, 3))
    assert not report.identical
    assert report.tables["base_sums"].differing > 0
    assert recompute_from_raw(settings(plant, 3)).identical


def test_the_command_says_whether_rows_are_identical(plant: FigurePlant, tmp_path: Path) -> None:
    file = tmp_path / "analytics.yaml"
    block = json.loads(plant.database.model_dump_json(exclude={"password"}))
    block |= {"password": plant.database.secret()} if plant.database.secret() else {}
    clock = {"wall_origin": at(0), "plant_origin": at(0), "until": at(3)}
    told = {"database": block, "clock": {name: one.isoformat() for name, one in clock.items()}}
    file.write_text(json.dumps(told), encoding="utf-8")
    window = ["--from", at(0).isoformat(), "--to", at(3).isoformat()]
    command = ["recompute", "--place", LINE, *window, "--settings", str(file)]

    same = CliRunner().invoke(app, command)
    plant.connection.execute("update stop set stop_kind = 'held'")
    plant.connection.execute("update base_sum set good_quantity = 1")
    other = CliRunner().invoke(app, command)

    assert (same.exit_code, other.exit_code) == (0, 1), same.output + other.output
    assert same.output.splitlines()[-1] == "identical"
    assert "base_sums: 6 rows before, 12 differ" in other.output
    assert other.output.splitlines()[-1] == "not identical"


def test_recomputation_refuses_when_analytics_runs(plant: FigurePlant) -> None:
    from store.figure import derived as figure

    assert figure.try_lock(plant.connection)
    with pytest.raises(ConfigurationError, match="stop it"):
        recompute_from_raw(settings(plant, 3))


def test_recomputation_refuses_a_place_without_figures(plant: FigurePlant) -> None:
    with pytest.raises(ConfigurationError, match="no figures at dong-nai/nowhere"):
        recompute_from_raw(settings(plant, 3), "dong-nai/nowhere")
