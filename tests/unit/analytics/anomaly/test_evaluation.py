"""The protocols on the published data, where they are; figures are floors, not goals."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from analytics.anomaly.evaluation import PROTOCOLS
from nhipmay.cli import app
from plant.errors import ConfigurationError

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"


def data(name: str) -> Path:
    if not (DATA / name).is_dir():
        pytest.skip(f"the data set {name} is not beside the checkout")
    return DATA / name


def quiet(_: str) -> None: ...


def test_skab_beats_what_is_published_and_every_trivial_detector() -> None:
    figures = PROTOCOLS["skab"](data("skab"), quiet).figures

    assert figures["pooled"]["f1"] >= 0.83
    assert figures["pooled"]["far"] <= 0.15
    trivial = [one["pooled"]["f1"] for one in figures["trivial"].values()]
    assert figures["pooled"]["f1"] > max(trivial)
    assert figures["normal"]["far_mean"] <= 0.035
    assert figures["nab"].keys() == {"standard", "low_fp", "low_fn"}


def test_tep_finds_every_fault_in_time_and_raises_nothing_before() -> None:
    figures = PROTOCOLS["tep"](data("tep"), quiet).figures

    assert figures["found"] == figures["files"] == 5
    assert figures["delay_median_min"] <= 30
    assert figures["false_events"] == 0


def test_nab_is_printed_beside_the_range_check() -> None:
    figures = PROTOCOLS["nab"](data("nab"), quiet).figures

    assert figures["files"] == 1
    assert "outside the range seen so far" in figures["trivial"]


def test_command_prints_tables_and_writes_the_figures(tmp_path: Path) -> None:
    folder = tmp_path / "skab" / "valve9"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(1)
    lines = ["datetime;A;B;anomaly;changepoint"]
    for row in range(700):
        a, b = draw.normal(size=2) + (5 if row >= 600 else 0)
        moment = f"2020-03-01 10:{row // 60:02}:{row % 60:02}"
        lines.append(f"{moment};{a};{b};{float(row >= 600)};{float(row == 600)}")
    (folder / "0.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "figures.json"

    result = CliRunner().invoke(
        app,
        ["evaluate", "anomaly", "--data", str(tmp_path), "--protocol", "skab", "--json", str(out)],
    )

    assert result.exit_code == 0, result.output
    assert "blind flip" in result.output
    figures = json.loads(out.read_text("utf-8"))
    assert figures["files"] == 1
    assert figures["pooled"]["f1"] > 0.9
    assert figures["pooled"]["far"] < 0.05
    assert figures["nab"]["standard"] > 90


@pytest.mark.parametrize("protocol", ["skab", "tep", "nab"])
def test_says_what_is_missing_when_the_folder_holds_no_data(protocol: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        PROTOCOLS[protocol](tmp_path, quiet)
