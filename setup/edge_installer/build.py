"""Build the one file that installs an edge without a network: `make edge-installer`.

A shell script followed by a tar with every wheel that an edge needs, as locked in
`requirements/edge.txt`, for this machine's system and Python, or for those that are named.
"""

import argparse
import hashlib
import io
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("install.sh")


def build(out: Path, wheels: Path, version: str) -> None:
    """Write the installer of the wheels in a folder."""
    files = sorted(wheels.glob("*.whl"))
    sums = "".join(
        f"{hashlib.sha256(one.read_bytes()).hexdigest()}  wheels/{one.name}\n" for one in files
    )
    payload = io.BytesIO()
    with tarfile.open(fileobj=payload, mode="w") as tar:
        _add(tar, "SHA256SUMS", sums.encode())
        for one in files:
            _add(tar, f"wheels/{one.name}", one.read_bytes())
    script = SCRIPT.read_text(encoding="utf-8").replace("@VERSION@", version)
    script = script.replace("@LINES@", str(script.count("\n") + 1))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(script.encode() + payload.getvalue())
    out.chmod(0o755)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    # The same wheels give the same file, whenever it is built.
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def gather(wheels: Path, more: list[str]) -> None:
    """Put the wheels of an edge, of this project and of all it needs, into a folder."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    locked = ["--require-hashes", "--requirement", str(ROOT / "requirements" / "edge.txt")]
    downloaded = ["download", "--only-binary", ":all:", "--no-deps", *locked]
    subprocess.run([*pip, *downloaded, "--dest", str(wheels), *more], check=True)
    own = ["wheel", "--no-deps", "--no-build-isolation", str(ROOT), "--wheel-dir", str(wheels)]
    subprocess.run([*pip, *own], check=True)


def main() -> None:
    """Build it into dist/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--platform", help="of pip, such as manylinux_2_28_aarch64; else this one")
    parser.add_argument("--python-version", help="such as 3.11; else this one")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    platform = given.platform or sysconfig.get_platform().replace("-", "_")
    more = ["--platform", given.platform] if given.platform else []
    more += ["--python-version", given.python_version] if given.python_version else []
    out = given.out or ROOT / "dist" / f"nhipmay-edge-{version}-{platform}.run"
    with tempfile.TemporaryDirectory() as folder:
        gather(Path(folder), more)
        build(out, Path(folder), version)
    sys.stdout.write(f"{out} ({out.stat().st_size / 1e6:.0f} MB)\n")


if __name__ == "__main__":
    main()
