"""Make `.venv` hold exactly what one lock of `requirements/` says, and the project itself.

Run through `setup/environment.sh`, which finds a Python. Standard library only. A second run
that finds nothing changed does nothing.
"""

import hashlib
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
LOCKS = ("demo", "dev")

NO_NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|Temporary failure in name resolution|"
    "Network is unreachable|Connection refused|ConnectTimeoutError|Read timed out|"
    "CERTIFICATE_VERIFY_FAILED"
)


class SetupError(Exception):
    """Carries what the person at the terminal is to read and do."""


def main(arguments: list[str]) -> int:
    """Set up the environment of the lock named on the command line; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        print(f"usage: environment.sh {'|'.join(LOCKS)}", file=sys.stderr)
        return 2
    try:
        ensure_venv()
        ensure_installed(arguments[0])
    except SetupError as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on where this one stopped.", file=sys.stderr)
        return 130
    return 0


def ensure_venv() -> None:
    """Create `.venv`, also in place of one that no longer starts."""
    probe = [str(PYTHON), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
    if PYTHON.exists() and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return
    ensure_ensurepip()
    print(f"Creating .venv with Python {sys.version.split()[0]} …", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    created = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if created.returncode != 0:
        raise SetupError(f"Python could not create .venv:\n{created.stdout.strip()}")


def ensure_ensurepip() -> None:
    """Debian keeps the part of Python that puts pip into a venv in a package of its own."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if shutil.which("apt-get") is None:
        raise SetupError(
            f"{sys.executable} lacks its `venv` and `ensurepip` modules. Install your system's "
            "package for them, or another Python, then run the same command again."
        )
    if os.geteuid() != 0:
        raise SetupError(
            f"{sys.executable} cannot create virtual environments yet. Run\n"
            f"    sudo apt-get install {package}\nthen the same command again."
        )
    print(f"Installing the Debian package {package} …", flush=True)
    install = f"apt-get update && apt-get install --yes --no-install-recommends {package}"
    done = subprocess.run(
        install,
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SetupError(f"{install}\nfailed:\n{done.stdout.strip()}")
    importlib.invalidate_caches()
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(f"{package} is installed, but {sys.executable} still has no ensurepip.")


def ensure_installed(name: str) -> None:
    """Install lock `name` and the project unless the stamp says that they are there."""
    project = fingerprint(ROOT / "pyproject.toml")
    locks = {lock: fingerprint(ROOT / "requirements" / f"{lock}.txt") for lock in LOCKS}
    stamp = json.loads(STAMP.read_text()) if STAMP.exists() else {}

    # `dev` holds all of `demo` at the same versions: one install serves both.
    wanted = [locks["dev"], locks["demo"]] if name == "demo" else [locks["dev"]]
    if stamp.get("lock") not in wanted:
        STAMP.unlink(missing_ok=True)
        install_lock(ROOT / "requirements" / f"{name}.txt")
        stamp = {"lock": locks[name]}
    if stamp.get("project") != project:
        pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        stamp["project"] = project
        STAMP.write_text(json.dumps(stamp))
        print("The environment .venv is ready.", flush=True)


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def install_lock(lock: Path) -> None:
    """Install every pin of `lock`, each checked against its hash."""
    total = len(re.findall(r"^[\w.\[\]-]+==", lock.read_text(), re.MULTILINE))
    print(f"Installing {total} packages from requirements/{lock.name} …", flush=True)
    pip("install", "--require-hashes", "--requirement", str(lock), total=total)


def pip(*arguments: str, total: int = 0) -> None:
    """Run pip in `.venv`; with `total`, show how many packages it has come to.

    Raises:
        SetupError: with pip's last lines, and in plain words when the network is what failed.
    """
    command = [str(PYTHON), "-m", "pip", *arguments, "--no-input", "--disable-pip-version-check"]
    seen = 0
    tail: deque[str] = deque(maxlen=15)
    with subprocess.Popen(
        [*command, "--progress-bar", "off", "--retries", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tail.append(line.rstrip())
            if line.startswith(("Collecting ", "Requirement already satisfied: ", "Ignoring ")):
                seen = min(seen + 1, total)
                show_progress(seen, total)
            elif total and line.startswith("Installing collected packages"):
                print("  unpacking them (half a minute) …", flush=True)
    if process.returncode == 0:
        return
    output = "\n".join(tail)
    if NO_NETWORK.search(output):
        raise SetupError(
            "The Python package index cannot be reached: check the network, a proxy (HTTPS_PROXY) "
            "and its certificate (PIP_CERT), or a mirror of your own (PIP_INDEX_URL), then run the "
            f"same command again.\npip said:\n{output}"
        )
    raise SetupError(f"pip could not install the packages. It said:\n{output}")


def show_progress(seen: int, total: int) -> None:
    """Count on one line of a terminal, and by every tenth package in a log."""
    if total == 0:
        return
    if sys.stdout.isatty():
        print(f"\r  {seen} of {total}", end="\n" if seen == total else "", flush=True)
    elif seen % 10 == 0:
        print(f"  {seen} of {total}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
