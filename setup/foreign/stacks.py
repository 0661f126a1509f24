"""The other stacks that peers are made of, in Python, Node, Java and Go.

Versions and hashes are pinned beside each peer; an address of an index is nowhere: installers use
the one they are set up for.
"""

import hashlib
import shutil
import sys
import venv
from pathlib import Path

from setup.foreign.peer import AbsentError
from setup.test_services import InstallError, apt_install, debian_as_root, run


def program(name: str, *packages: str) -> str:
    """Return the path of a program; on Debian, as root, its packages are installed for it.

    Raises AbsentError where it is not there.
    """
    if shutil.which(name) is None and debian_as_root():
        try:
            apt_install(*packages)
        except InstallError as exc:
            raise AbsentError(str(exc)) from exc
    found = shutil.which(name)
    if found is None:
        raise AbsentError(f"there is no {name} on this machine (Debian: {' '.join(packages)})")
    return found


def python_environment(folder: Path, requirements: Path) -> None:
    """Make an environment of Python with exactly the requirements; its `bin/python` runs them."""
    venv.create(folder, with_pip=True, clear=True)
    install = ("-m", "pip", "install", "--quiet", "--require-hashes", "--requirement")
    _made(f"{folder / 'bin' / 'python'}", *install, str(requirements))


def node_packages(folder: Path, manifests: Path) -> None:
    """Install what `package.json` and `package-lock.json` of a folder name into `node_modules`."""
    npm = program("npm", "nodejs", "npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(manifests / name, folder / name)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    _made(npm, "ci", f"--prefix={folder}", *quiet)


def java_archives(folder: Path, manifests: Path) -> None:
    """Gather the archives of a `pom.xml` in `jars`; `jars.sha256` beside it says which they are."""
    program("javac", "default-jdk-headless", "maven")
    maven = program("mvn", "maven")
    jars = folder / "jars"
    copied = ("dependency:copy-dependencies", f"-DoutputDirectory={jars}")
    _made(maven, "-q", "-B", "-f", str(manifests / "pom.xml"), *copied)
    shutil.rmtree(manifests / "target", ignore_errors=True)
    wanted = (manifests / "jars.sha256").read_text(encoding="utf-8")
    if (found := checksums(jars)) != wanted:
        raise AbsentError(f"archives of Java are not those that are pinned:\n{found}")


def go_modules(folder: Path, manifests: Path) -> None:
    """Fetch the modules that `go.mod` and `go.sum` of a folder name, into `mod`.

    Programs are built beside copies of both files, with `GOMODCACHE` naming that folder.
    """
    go = program("go", "golang-go")
    for name in ("go.mod", "go.sum"):
        shutil.copy(manifests / name, folder / name)
    # Writable, so that the folder can be removed like any other.
    kept = {"GOMODCACHE": str(folder / "mod"), "GOFLAGS": "-modcacherw"}
    settings = [f"{name}={value}" for name, value in kept.items()]
    # Debian's Go is older than its option -C.
    inside = 'cd "$0" && "$1" mod download'
    _made("env", *settings, "sh", "-c", inside, str(folder), go)


def checksums(folder: Path) -> str:
    """Return the SHA-256 of each file of a folder as `sha256sum` prints them, by name."""
    return "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())
    )


def text_of(*files: Path) -> str:
    """Return what pins a peer, and which Python makes it, as its content."""
    version = ".".join(map(str, sys.version_info[:2]))
    return "\n".join([version, *(file.read_text(encoding="utf-8") for file in files)])


def _made(*command: str) -> None:
    try:
        run(*command)
    except (InstallError, OSError) as exc:
        raise AbsentError(str(exc)) from exc
