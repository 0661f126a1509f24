"""Find, and on Debian as root install, the real services that the tests talk to.

TimescaleDB, mosquitto and NATS come from Debian 13, which on Debian 12 and 13 is unpacked into a
folder of its own under the user's cache: nothing of it mixes with the machine's packages and no
daemon of it ever starts. Chromium is the machine's own package. Elsewhere, and without root, what
is on the machine is used.

Writes `test-services.json` beside that folder, which `tests/peers/services.py` reads. Exits 0 with
something missing, except where it must not be: with CI=true or NHIPMAY_REQUIRE_SERVICES=1.
Standard library only.
"""

import fcntl
import json
import os
import platform
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nhipmay"
TREE = CACHE / "trixie"
RECORD = CACHE / "test-services.json"

TREE_PACKAGES = ("postgresql-17-timescaledb", "mosquitto", "nats-server")
TREE_POSTGRES = Path("/usr/lib/postgresql/17/bin")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The system folders hold servers that an ordinary user's PATH leaves out.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


class InstallError(Exception):
    """Carries the words that say what could not be installed."""


def main() -> int:
    """Ensure the services, print what is there and what is not; return the exit code."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with one_at_a_time():
        record, missing = ensure_services()
        partial = RECORD.with_suffix(".partial")
        partial.write_text(json.dumps({**record, "missing": missing}, indent=2) + "\n")
        partial.replace(RECORD)

    for name, entry in record.items():
        print(f"  {name}: {entry['found']}")
    for name, reason in missing.items():
        print(f"  {name}: MISSING, its tests are skipped. {reason}")
    required = os.environ.get("CI") == "true" or os.environ.get("NHIPMAY_REQUIRE_SERVICES") == "1"
    return 1 if missing and required else 0


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep two runs from unpacking into the same folder."""
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_services() -> tuple[dict[str, dict[str, object]], dict[str, str]]:
    """Return what was found by service name, and for each service not found the reason."""
    print("Test services: TimescaleDB, mosquitto, NATS, Chromium")
    record: dict[str, dict[str, object]] = {}
    missing: dict[str, str] = {}

    reason = (
        "Install PostgreSQL 17 or later with the timescaledb extension, mosquitto, nats-server."
    )
    servers = servers_on_path()
    if len(servers) < len(TREE_PACKAGES) and debian_as_root():
        try:
            ensure_tree()
            servers = servers_in_tree()
        except InstallError as failure:
            by_hand = f"apt-get install {' '.join(TREE_PACKAGES)}"
            reason = f"{failure}\n    On Debian 13 `{by_hand}` does as well."
    for name in ("timescaledb", "mosquitto", "nats"):
        if name in servers:
            record[name] = servers[name]
        else:
            missing[name] = reason

    reason = "Install chromium."
    if first_on_path(CHROMIUM_NAMES) is None and debian_as_root():
        try:
            # Of the recommended packages only a font is needed, one with all Vietnamese letters.
            apt_install("chromium", "fonts-dejavu-core")
        except InstallError as failure:
            reason = str(failure)
    chromium = first_on_path(CHROMIUM_NAMES)
    if chromium:
        record["chromium"] = {"program": chromium, "found": chromium}
    else:
        missing["chromium"] = reason
    return record, missing


def debian_as_root() -> bool:
    """Tell whether this machine is one on which we install what is missing."""
    if os.geteuid() != 0 or not Path("/etc/os-release").exists():
        return False
    release = platform.freedesktop_os_release()
    return release.get("ID") == "debian" and release.get("VERSION_ID") in {"12", "13"}


def first_on_path(names: tuple[str, ...]) -> str | None:
    """Return the full path of the first of `names` that is installed."""
    return next((path for name in names if (path := shutil.which(name, path=SEARCH_PATH))), None)


def servers_on_path() -> dict[str, dict[str, object]]:
    """Return the entries of the servers that the machine itself has."""
    found: dict[str, dict[str, object]] = {}
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    pg_ctl = first_on_path(("pg_ctl",))
    folders += [Path(pg_ctl).parent] if pg_ctl else []
    for folder in folders:
        version = output_of(folder / "postgres", "--version").split()
        libraries = output_of(folder / "pg_config", "--pkglibdir")
        # Debian has pg_config in the development package only; its library folder is known.
        library = Path(libraries or folder.parent / "lib") / "timescaledb.so"
        if len(version) >= 3 and int(version[2].split(".")[0]) >= 17 and library.exists():
            found["timescaledb"] = {
                "bin": str(folder),
                "root": "/",
                "found": f"PostgreSQL {version[2]} in {folder}",
                **runs_as(Path("/"), "postgres"),
            }
            break
    mosquitto = first_on_path(("mosquitto",))
    if mosquitto and first_on_path(("mosquitto_passwd",)):
        found["mosquitto"] = {
            "program": mosquitto,
            "root": "/",
            "found": mosquitto,
            **runs_as(Path("/"), "mosquitto"),
        }
    nats = first_on_path(("nats-server",))
    if nats:
        found["nats"] = {
            "program": nats,
            "root": "/",
            "found": nats,
            **runs_as(Path("/"), "nats"),
        }
    return found


def servers_in_tree() -> dict[str, dict[str, object]]:
    """Return the entries of the servers inside the Debian 13 folder."""
    in_tree = ("chroot", TREE)
    postgres = output_of(*in_tree, TREE_POSTGRES / "postgres", "--version")
    mosquitto, nats = (
        output_of(*in_tree, "/usr/bin/dpkg-query", "-Wf${Version}", package)
        for package in ("mosquitto", "nats-server")
    )
    return {
        "timescaledb": {
            "bin": str(TREE_POSTGRES),
            "root": str(TREE),
            "found": f"{postgres} in {TREE}",
            **runs_as(TREE, "postgres"),
        },
        "mosquitto": {
            "program": "/usr/sbin/mosquitto",
            "root": str(TREE),
            "found": f"mosquitto {mosquitto} in {TREE}",
            **runs_as(TREE, "mosquitto"),
        },
        "nats": {
            "program": "/usr/sbin/nats-server",
            "root": str(TREE),
            "found": f"NATS {nats} in {TREE}",
            **runs_as(TREE, "nats"),
        },
    }


def runs_as(root: Path, user: str) -> dict[str, object]:
    """Return the prefix of a service's commands and, where we are root, the user it runs as.

    `setpriv` also has the kernel end the service when the tests are killed.
    """
    setpriv = ["setpriv", "--pdeathsig=INT"]
    if os.geteuid() != 0:
        return {"prefix": [*setpriv, "--"] if shutil.which("setpriv") else [], "owner": None}
    if root == Path("/"):
        users = {entry.pw_name: (entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall()}
    else:
        rows = [line.split(":") for line in (root / "etc/passwd").read_text().splitlines()]
        users = {row[0]: (int(row[2]), int(row[3])) for row in rows}
    uid, gid = users.get(user) or users["nobody"]
    chroot = [] if root == Path("/") else ["chroot", str(root)]
    as_user = [*setpriv, f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--"]
    return {"prefix": [*chroot, *as_user], "owner": [uid, gid]}


def ensure_tree() -> None:
    """Unpack Debian 13 with the servers, whole or not at all; add those that an older one lacks."""
    if TREE.exists():
        add_to_tree()
        return
    if shutil.which("debootstrap") is None:
        apt_install("debootstrap")
    partial = TREE.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    print(f"  unpacking Debian 13 with {', '.join(TREE_PACKAGES)} into {TREE}", flush=True)
    print("  (about 90 seconds and 700 MB, this once) …", flush=True)
    include = f"--include={','.join(TREE_PACKAGES)}"
    # In mounts of its own: whatever debootstrap mounts is gone with it, even when it is killed.
    run("unshare", "--mount", "debootstrap", "--variant=minbase", include, "trixie", partial)
    run("chroot", partial, TREE_POSTGRES / "postgres", "--version")
    run("chroot", partial, "apt-get", "clean")
    partial.rename(TREE)


def add_to_tree() -> None:
    """Install what is missing in the folder; none of its servers is started by that."""
    in_tree = ("chroot", TREE)
    lacking = [
        package
        for package in TREE_PACKAGES
        if "installed" not in output_of(*in_tree, "dpkg-query", "-Wf${Status}", package)
    ]
    if not lacking:
        return
    print(f"  adding {', '.join(lacking)} to {TREE} …", flush=True)
    policy = TREE / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    run(*in_tree, "apt-get", "update")
    run(*in_tree, "apt-get", "install", "--yes", "--no-install-recommends", *lacking)
    run(*in_tree, "apt-get", "clean")


def apt_install(*packages: str) -> None:
    """Install Debian packages, from lists made new first."""
    print(f"  installing the Debian packages {', '.join(packages)} …", flush=True)
    apt = ("apt-get", "--option=DPkg::Lock::Timeout=120")
    run(*apt, "update")
    run(*apt, "install", "--yes", "--no-install-recommends", *packages)


def run(*command: str | Path) -> None:
    """Run a long command, showing its last line every ten seconds.

    Raises:
        InstallError: with the command's last lines.
    """
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    lines: list[str] = []
    started = shown = time.monotonic()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                print(f"    {shown - started:3.0f} s: {lines[-1][:80]}", flush=True)
    if process.returncode != 0:
        told = "\n    ".join(lines[-8:])
        raise InstallError(f"`{' '.join(map(str, command))}` failed:\n    {told}")


def output_of(*command: str | Path) -> str:
    """Return what a command prints, or nothing where it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
