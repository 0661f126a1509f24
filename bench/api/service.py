"""The API as people run it, in a process of its own."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api.access.administration import add_account, add_token
from api.access.role import RIGHTS, Role
from nhipmay.demo.ports import free_ports
from plant.settings import DatabaseSettings
from store.access.account import AccessStore
from store.access.tenant import make_tenants
from tests.peers.compose_roles import as_role
from tests.waiting import wait_until

SECRET = "of the logins of the bench"
ENTERPRISE = "dong-nai"


@dataclass(frozen=True, slots=True)
class Service:
    """A served API."""

    port: int
    process: "subprocess.Popen[bytes]"

    def memory_mb(self, what: str = "VmRSS") -> float:
        """Return resident memory: now (`VmRSS`), or the most there ever was (`VmHWM`)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
        raise AssertionError(what)

    def forget_most(self) -> None:
        """Let `VmHWM` begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


@contextmanager
def serving(
    owner: DatabaseSettings, now: datetime, folder: Path, *, accounts: bool
) -> Iterator[Service]:
    """Serve the database, with accounts or without; the plant's clock stands at `now`."""
    port = free_ports(["api"])["api"]
    moment = now.isoformat()
    settings: dict[str, Any] = {
        "port": port,
        "database": _login(as_role(owner, "nhipmay_reader")),
        "writer": _login(as_role(owner, "nhipmay_writer")),
        "clock": {"wall_origin": moment, "plant_origin": moment, "until": moment},
        "log": {"level": "warning"},
    }
    if accounts:
        settings["accounts"] = {"logins_secret": SECRET}
    file = folder / f"api-{port}.yaml"
    file.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "nhipmay", "api", "--settings", str(file)]
    process = subprocess.Popen(command)
    service = Service(port, process)
    try:
        wait_until(lambda: _listens(port), what="the API to answer")
        yield service
    finally:
        process.terminate()
        process.wait()


def consumers(owner: DatabaseSettings, number: int) -> list[str]:
    """Return the headers of so many engineers of the enterprise, each with a token of their own."""
    make_tenants(owner, SECRET)
    store = AccessStore(as_role(owner, "nhipmay_writer"))
    now, found = datetime.now(UTC), []
    for index in range(number):
        login = f"ky-su-{index}"
        add_account(store, login, login, Role.ENGINEER, ENTERPRISE, "enterprise", now, "bench")
        rights = sorted(RIGHTS[Role.ENGINEER])
        until = now + timedelta(days=1)
        _, secret = add_token(store, login, "bench", rights, "personal", until, now, "bench")
        found.append(f"Authorization: Bearer {secret}\r\n")
    store.close()
    return found


def _login(settings: DatabaseSettings) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "name": settings.name,
        "user": settings.user,
        "password": settings.secret(),
    }


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
