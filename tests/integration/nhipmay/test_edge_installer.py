"""The one file that installs an edge: install, upgrade, roll back, remove, and a damaged file.

The wheels within are stand-ins, so that it is tried in seconds; `make edge-installer` gathers the
real ones.
"""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from setup.edge_installer.build import build

MAIN = """
import sys
from pathlib import Path

def main():
    if "--out" in sys.argv:
        Path(sys.argv[sys.argv.index("--out") + 1]).write_text(" ".join(sys.argv[1:]))
    else:
        print("{version}")
"""


def installer(folder: Path, version: str) -> Path:
    """Return an installer whose program only says what it was asked."""
    wheels = folder / f"wheels-{version}"
    wheels.mkdir()
    info = f"nhipmay-{version}.dist-info"
    with zipfile.ZipFile(wheels / f"nhipmay-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("stand_in.py", MAIN.format(version=version))
        wheel.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: nhipmay\nVersion: {version}\nProvides-Extra: edge\n",
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\nnhipmay = stand_in:main\n")
        wheel.writestr(f"{info}/RECORD", "")
    out = folder / f"nhipmay-edge-{version}.run"
    build(out, wheels, version)
    return out


class Machine:
    """Folders that stand for those of a machine."""

    def __init__(self, folder: Path) -> None:
        self.prefix = folder / "opt" / "nhipmay"
        self.units = folder / "units"
        self.settings = folder / "etc" / "edge.yaml"
        self.data = folder / "data"

    def run(self, file: Path, action: str, *more: str) -> subprocess.CompletedProcess[str]:
        options = {
            "--prefix": self.prefix,
            "--units": self.units,
            "--settings": self.settings,
            "--data": self.data,
            "--user": "somebody",
        }
        given = [str(part) for pair in options.items() for part in pair]
        return subprocess.run(
            ["sh", str(file), action, *given, *more],
            capture_output=True,
            text=True,
            check=False,
            # No index is asked: an address that leads nowhere would be an error.
            env={"PATH": os.environ["PATH"], "PIP_INDEX_URL": "http://127.0.0.1:1/"},
        )

    def version(self) -> str:
        program = [str(self.prefix / "current" / "bin" / "nhipmay"), "--version"]
        return subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
def test_one_file_installs_upgrades_rolls_back_and_removes(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    first, second = installer(tmp_path, "0.1.0"), installer(tmp_path, "0.2.0")

    done = machine.run(first, "install")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.version() == "0.1.0"
    unit = (machine.units / "nhipmay-edge.service").read_text()
    assert f"--program {machine.prefix}/current/bin/nhipmay" in unit
    (machine.data / "edge-1.sqlite").write_text("kept")

    done = machine.run(second, "upgrade")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.version() == "0.2.0"
    assert machine.run(second, "rollback").returncode == 0
    assert machine.version() == "0.1.0"

    damaged = tmp_path / "damaged.run"
    content = bytearray(second.read_bytes())
    content[-12_000] ^= 0xFF
    damaged.write_bytes(bytes(content[:-2_000]))
    refused = machine.run(damaged, "install")
    assert refused.returncode != 0
    assert machine.version() == "0.1.0"

    assert machine.run(second, "remove").returncode == 0
    assert not machine.prefix.exists()
    assert not (machine.units / "nhipmay-edge.service").exists()
    assert (machine.data / "edge-1.sqlite").read_text() == "kept"


def test_a_folder_that_is_not_its_own_is_refused(tmp_path: Path) -> None:
    file = installer(tmp_path, "0.1.0")
    for prefix in ("/", "relative", "/opt"):
        done = subprocess.run(
            ["sh", str(file), "remove", "--prefix", prefix],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "--prefix" in done.stderr
