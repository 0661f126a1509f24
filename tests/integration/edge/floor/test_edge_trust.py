"""Trust both ways: what the edge and the server say, and what a technician does about it."""

import re
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner, Result

from nhipmay.cli import app
from tests.foreign.opcua import MiloServer, running
from tests.integration.edge.floor.test_edge_opcua import at
from tests.waiting import HANG_S

UNIT = "dong-chai/chuyen-a/tron-1"


def edge(*command: str) -> Result:
    return CliRunner().invoke(app, ["edge", *command], terminal_width=400)


def settings_file(folder: Path, endpoint: str, **more: Any) -> Path:
    source = {
        "driver": "opcua",
        "endpoint": endpoint,
        "security_policy": "auto",
        "username": "edge",
        "password_file": str(folder / "password"),
        "tags": [{"name": "tron-1/speed", "work_unit": UNIT, "address": "ns=2;s=speed"}],
    }
    file = folder / "edge.yaml"
    content = {
        "edge": {"enterprise": "e", "site": "s", "code": "c"},
        "outbox": {"file": str(folder / "outbox.sqlite")},
        "sources": {"plc": source | more},
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    (folder / "password").write_text("mat-khau", encoding="utf-8")
    return file


def test_edge_and_server_trust_each_other_when_a_person_has_said_so(tmp_path: Path) -> None:
    """D4 with Milo, which believes only what is in its list, as the edge does."""
    server = MiloServer(secure=True)
    server.add("speed", "Double", 71.5, at(0))
    file = settings_file(tmp_path, server.endpoint)
    settings = ("-s", str(file))
    reading = ("read", *settings, "--json", "--patience", f"{HANG_S:g}s")
    own = re.search(r"this edge: (\S+) SHA-256 (\w{64})", edge("trust", *settings).output)
    assert own is not None
    with running(server):
        refused = edge(*reading)
        told = re.search(r"nhipmay edge trust ([0-9a-f]{16})", refused.output)
        assert (refused.exit_code, told is not None) == (1, True), refused.output
        assert told is not None
        listed = edge("trust", *settings)
        assert f"SHA-256 {told[1]}" in listed.output
        assert "REFUSED" in listed.output
        trusted = edge("trust", told[1], *settings)
        assert "trusted: " in trusted.output
        assert "REFUSED" not in trusted.output
        # Now it is the server that does not know the edge.
        refused = edge(*reading)
        assert refused.exit_code == 1
        assert "into its list of trusted clients" in refused.output
        assert own[2] in refused.output
        server.stop()
        server.trust(Path(own[1]))
        server.start()
        read = edge(*reading)
        # It has a new certificate after its restart, which nobody has compared yet.
        told = re.search(r"nhipmay edge trust ([0-9a-f]{16})", read.output)
        assert told is not None, read.output
        assert edge("trust", told[1], *settings).exit_code == 0
        read = edge(*reading)
        assert (read.exit_code, "71.5" in read.output) == (0, True), read.output
        removed = edge("trust", "--remove", told[1], *settings)
        assert "no longer trusted" in removed.output
        assert edge(*reading).exit_code == 1
    unknown = edge("trust", "--remove", told[1], *settings)
    assert "0 trusted certificates begin with" in str(unknown.exception)
