from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nhipmay.cli import app, main
from nhipmay.command.option import parse_duration, parse_moment
from plant.errors import ConfigurationError

runner = CliRunner()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120s", timedelta(seconds=120)),
        ("5m", timedelta(minutes=5)),
        (" 1.5 h ", timedelta(minutes=90)),
    ],
)
def test_a_duration_is_understood_when_it_has_a_unit(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "120", "0s", "-5m", "two minutes", "5d"])
def test_a_duration_is_refused_with_an_example_when_it_makes_no_sense(text: str) -> None:
    with pytest.raises(ConfigurationError, match="120s"):
        parse_duration(text)


def test_a_moment_is_understood_when_it_has_an_offset() -> None:
    assert parse_moment(None) is None
    assert parse_moment("2026-03-02T06:00:00+07:00") == datetime(2026, 3, 1, 23, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-02", "2026-03-02T06:00:00"])
def test_a_moment_is_refused_with_an_example_when_it_has_none(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\+07:00"):
        parse_moment(text)


def test_every_command_explains_itself_when_asked() -> None:
    listing = runner.invoke(app, ["--help"]).output
    for name in (
        "demo",
        "edge",
        "ingest",
        "analytics",
        "api",
        "migrate",
        "simulate",
        "replay",
        "recompute",
    ):
        assert name in listing
        assert runner.invoke(app, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    "command", ["edge", "ingest", "analytics", "api", "simulate", "migrate", "recompute"]
)
def test_a_service_says_what_is_wrong_without_a_traceback_when_settings_are_misspelt(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("databse: {}\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["nhipmay", command, "--settings", str(file)])
    with pytest.raises(SystemExit) as caught:
        main()
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert "databse: unknown setting" in told
    assert "Traceback" not in told


def test_doctor_exits_with_one_when_a_settings_file_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("edge: {}\nsources: 3\n", encoding="utf-8")
    result = runner.invoke(app, ["doctor", "--settings", str(file)])
    assert result.exit_code == 1
    assert "problem" in result.output
