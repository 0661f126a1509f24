"""What no message can hold stays whole beside the outbox."""

import json
from pathlib import Path

import pytest

from edge_agent import kept_aside
from edge_agent.kept_aside import KeptAside
from edge_agent.publisher import Sizing
from plant.native.message import Limits
from tests.unit.edge_agent.outbox.outboxes import row


def test_a_refused_row_is_kept_whole(tmp_path: Path) -> None:
    aside = KeptAside(tmp_path / "outbox.sqlite")
    aside.keep(row(0, value="đ\n" * 2000), "too_large", "no message")
    aside.keep(row(1), "too_large", "no message")
    lines = (tmp_path / "outbox.sqlite.refused").read_text(encoding="utf-8").splitlines()
    first, second = map(json.loads, lines)
    assert (first["tag"], first["value"]) == ("cnc-1/temperature", "đ\n" * 2000)
    assert second["time_us"] == row(1).time_us


def test_the_file_stops_growing_at_its_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_aside, "MOST_BYTES", 1_000)
    aside = KeptAside(tmp_path / "outbox.sqlite")
    for number in range(100):
        aside.keep(row(number), "too_large", "no message")
    assert 500 < (tmp_path / "outbox.sqlite.refused").stat().st_size <= 1_000


def test_whether_a_row_fits_follows_what_was_agreed() -> None:
    sizing = Sizing(500, 250_000)
    long = row(0, value="Đ" * 3_000)
    assert sizing.fits(long)
    sizing.agree(Limits(max_bytes=6_000, max_rows=10_000))
    assert not sizing.fits(long)
    assert sizing.fits(row(0))
    # A platform that takes more does not make messages larger.
    sizing.agree(Limits(max_bytes=10**9, max_rows=10**6))
    assert (sizing.max_bytes, sizing.rows_at_once) == (250_000, 500)
    sizing.agree(Limits(max_bytes=0, max_rows=0))
    sizing.broker_takes(4_000)
    assert not sizing.fits(long)
