"""The start script of the compose stack's broker, around a command in mosquitto's place."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.waiting import HANG_S, wait_until

SCRIPT = Path(__file__).resolve().parents[3] / "docker/broker/start.sh"


class Broker:
    """The script with folders of its own; its command notes every start and stays."""

    def __init__(self, folder: Path) -> None:
        (folder / "lists").mkdir()
        (folder / "first.pem").write_text("none")
        self.published = folder / "lists/edges-revoked.pem"
        self.list = folder / "edges-revoked.pem"
        self.starts = folder / "starts"
        (folder / "names").write_text("ingest ingest-0f\n")
        (folder / "rights").write_text("user @ingest\nuser @ingest-mes\n")
        self.acl = folder / "acl"
        self.environment = os.environ | {
            "NHIPMAY_NAMES": str(folder / "names"),
            "NHIPMAY_ACL": str(folder / "rights"),
            "NHIPMAY_ACL_LAID": str(self.acl),
            "NHIPMAY_FIRST_LIST": str(folder / "first.pem"),
            "NHIPMAY_LISTS": str(folder / "lists"),
            "NHIPMAY_LIST": str(self.list),
        }

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sh", str(SCRIPT), *command], env=self.environment)

    def stay(self) -> subprocess.Popen[bytes]:
        return self.run("sh", "-c", f"echo $$ >>{self.starts}; exec sleep 120")

    def pids(self) -> list[int]:
        return (
            [int(line) for line in self.starts.read_text().split()] if self.starts.exists() else []
        )


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    return Broker(tmp_path)


def test_it_ends_as_its_broker_ends(broker: Broker) -> None:
    assert broker.run("sh", "-c", "exit 7").wait(HANG_S) == 7
    assert broker.list.read_text() == "none"
    # Nobody has the sign of a service for a name.
    assert broker.acl.read_text() == "user ingest-0f\nuser @ingest-mes\n"


def test_a_new_list_is_laid_and_the_broker_started_again(broker: Broker) -> None:
    process = broker.stay()
    try:
        wait_until(lambda: len(broker.pids()) == 1, what="the start")
        broker.published.write_text("one")
        wait_until(lambda: len(broker.pids()) == 2, what="the second start")
    finally:
        process.terminate()
        # 128 and the number of the signal, as the shell has it of its broker.
        code = process.wait(HANG_S)

    assert code == 143
    assert broker.list.read_text() == "one"
    for pid in broker.pids():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
