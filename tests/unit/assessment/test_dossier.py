"""The dossier says what the settings say, and nothing is met by being hoped for."""

import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import docx
from typer.testing import CliRunner

from assessment.document import remarks_vi, report_docx
from assessment.dossier import Running, State, controls, dossier
from assessment.report import LetterSettings
from nhipmay.cli import app

GOOD = Running("1.0", True, True, True, True, True, True, False, False, "0.0.0.0")


def states(running: Running) -> dict[str, State]:
    return {one.measure_vi: one.state for one in controls(running)}


def test_every_group_of_the_standard_is_there() -> None:
    groups = {one.group.split()[0] for one in controls(GOOD)}
    assert groups == {f"4.{number}" for number in range(1, 16)}


def test_a_setting_that_is_missing_opens_its_controls() -> None:
    for name in ("accounts", "tls", "database_tls", "separate_writer", "enrolment"):
        changes: dict[str, Any] = {name: False}
        less = replace(GOOD, **changes)
        changed = {key for key, state in states(GOOD).items() if states(less)[key] is not state}
        assert changed, name
        assert all(states(less)[key] is State.NOT for key in changed)
    demo = states(replace(GOOD, visitors=True))
    assert demo["Không có mật khẩu mặc định; bí mật đọc từ tệp"] is State.NOT


def test_what_no_program_can_know_is_open() -> None:
    assert states(GOOD)["Phân công, đào tạo, cam kết"] is State.NOT


def test_the_command_writes_it_from_settings(tmp_path: Path) -> None:
    file = tmp_path / "dossier.docx"
    done = CliRunner().invoke(app, ["dossier", str(file)], catch_exceptions=False)
    text = "\n".join(one.text for one in docx.Document(str(file)).paragraphs)

    assert done.exit_code == 0
    assert "Chưa đáp ứng: 4.6" in done.output
    assert "HỒ SƠ ĐỀ XUẤT CẤP ĐỘ" in text
    report = dossier(GOOD, LetterSettings(), date(2026, 12, 1))
    assert docx.Document(io.BytesIO(report_docx(report))).tables
    assert all("Kính gửi" not in one for one in remarks_vi(report))
