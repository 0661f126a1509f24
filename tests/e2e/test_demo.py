"""From the machine to its OEE: real servers, all disorder on, compared with ground truth."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from nhipmay.demo import DemoOptions, run_check
from nhipmay.demo.plan import PILOTS
from nhipmay.demo.readiness import Settling
from nhipmay.demo.session import DemoSession
from plant.settings import ClockSettings, DatabaseSettings
from simulators.check import Report, compare
from tests.peers.services import MosquittoBroker, process_lives
from tests.waiting import HANG_S

# 05:30 in Đồng Nai: half an hour of night shift, then the morning shift.
MORNING = datetime(2026, 11, 18, 22, 30, tzinfo=UTC)
SPEED = 240.0


@pytest.fixture
def demo_folder() -> Iterator[Path]:
    """A folder that the demo's PostgreSQL can reach when another account than root runs it."""
    folder = Path(tempfile.mkdtemp(prefix="nhipmay-demo-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def clear_block(database: DatabaseSettings) -> dict[str, object]:
    """Return the settings block of a test database, its password in clear."""
    return database.model_dump() | {"password": database.secret()}


def differences(report: Report) -> list[str]:
    return [
        f"{row.what} {row.place} {row.shift or ''}: expected {row.expected}, found {row.found}"
        for row in report.rows
        if not row.ok
    ]


@pytest.mark.slow
def test_the_api_agrees_with_truth_when_machines_and_lines_lie(
    database: DatabaseSettings, broker: MosquittoBroker, demo_folder: Path
) -> None:
    options = DemoOptions(
        data=demo_folder,
        speed=SPEED,
        database=clear_block(database),
        broker={"host": "127.0.0.1", "port": broker.port},
    )
    console = Console(record=True, width=200, force_terminal=False)
    assert run_check(options, timedelta(seconds=60), console), console.export_text()


@pytest.mark.slow
def test_nothing_is_lost_or_twice_when_each_process_is_killed(demo_folder: Path) -> None:
    until = MORNING + timedelta(seconds=60) * SPEED
    clock = ClockSettings(
        wall_origin=datetime.now(UTC), plant_origin=MORNING, speed=SPEED, until=until
    )
    session = DemoSession(DemoOptions(data=demo_folder, speed=SPEED), clock, Console())
    victims = ["ingest", "database", "broker", "analytics", "api"]
    victims += [f"{kind}-{pilot}" for pilot in PILOTS for kind in ("edge", "machines")]
    killed = []
    try:
        session.start()
        for victim in victims:
            killed.append(session.supervisor.pid(victim))
            os.kill(killed[-1], signal.SIGKILL)
            back = partial(session.supervisor.restarts.__contains__, victim)
            assert session.tend_until(back, HANG_S), victim
            session.tend_until(lambda: False, within_s=3)
        plant_clock = session.clock.plant_clock()
        session.tend_until(lambda: plant_clock() >= until)
        settling = Settling(session.api)
        settled = session.tend_until(settling.done, HANG_S)
        truth = sorted(session.folder.truth.glob("*.sqlite"))
        report = compare(session.addresses.url, truth, MORNING, until, token=session.api.token)
    finally:
        session.stop()
    assert settled, settling.open
    assert set(session.supervisor.restarts) == set(victims)
    assert not any(process_lives(pid) for pid in killed)
    assert differences(report) == []
