"""`nhipmay edge watch`: what is shown as it comes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from edge_agent.drivers import AnySource
from edge_agent.inspection import look
from edge_agent.inspection.look import Onlooker, look_at
from edge_agent.settings import EdgeSettings
from nhipmay.cli import app
from plant.clock import system_clock
from tests.peers.melsec import Melsec
from tests.waiting import HANG_S

UNIT = "dong-chai/chuyen-a/tron-1"


def settings(port: int) -> dict[str, Any]:
    return {
        "edge": {"enterprise": "e", "site": "s", "code": "c"},
        "outbox": {"file": "not-yet/outbox.sqlite"},
        "sources": {
            "plc": {
                "driver": "slmp",
                "host": "127.0.0.1",
                "port": port,
                "poll_interval_s": 0.02,
                "tags": [
                    {"name": "tron-1/count", "work_unit": UNIT, "address": "D1", "unit": "chai"},
                    {"name": "tron-1/absent", "work_unit": UNIT, "address": "D900"},
                ],
            }
        },
    }


def source(port: int) -> AnySource:
    return EdgeSettings.model_validate(settings(port)).sources["plc"]


def test_values_are_shown_as_they_come_until_the_time_is_over() -> None:
    shown: list[object] = []

    class SeenEnoughError(Exception):
        pass

    with Melsec() as plc:
        plc.put("d", 1, 5)

        def show(onlooker: Onlooker) -> None:
            count, absent = onlooker.looks
            if count.value is not None and count.value not in shown:
                shown.append(count.value)
                plc.put("d", 1, len(shown) + 5)
            if len(shown) == 3 and not absent.reason.startswith("no value came"):
                shown.append(absent.reason)
                raise SeenEnoughError

        with pytest.raises(SeenEnoughError):
            asyncio.run(
                look_at("plc", source(plc.port), system_clock, Path("nowhere"), HANG_S, show)
            )
    assert shown[:3] == [5, 6, 7]
    assert "no device of this number" in str(shown[3])


def test_the_command_shows_a_table_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "edge.yaml"
    looked: list[float] = []

    async def at_once(name: str, of: AnySource, *more: Any) -> Onlooker:
        _clock, _folder, patience_s, show = more
        looked.append(patience_s)
        onlooker = Onlooker(of, system_clock)
        onlooker.unreachable(["tron-1/count (D1): a reason of its own"])
        show(onlooker)
        return onlooker

    monkeypatch.setattr(look, "look_at", at_once)
    file.write_text(yaml.safe_dump(settings(1)), encoding="utf-8")
    result = CliRunner().invoke(app, ["edge", "watch", "-s", str(file), "--for", "5m"])
    assert result.exit_code == 0, result.output
    assert looked == [300.0]
    assert "tron-1/absent" in result.output
    assert "a reason" in result.output
    unknown = CliRunner().invoke(app, ["edge", "watch", "-s", str(file), "--source", "other"])
    assert "there are plc" in str(unknown.exception)
