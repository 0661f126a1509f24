"""Make the environment of the foreign Sparkplug implementations that tests talk to.

    python setup/foreign_peers.py

They pin old libraries, so they get an environment of their own, outside of this project's lock:
`~/.cache/nhipmay/foreign-peers`. Delete the folder to make it anew. Tests skip without it.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

PEERS = ("pysparkplug==0.3.2", "mqtt-spb-wrapper==2.1.2")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nhipmay"
FOLDER = CACHE / "foreign-peers"


def main() -> int:
    """Make the environment if it is not there yet; return the exit code."""
    ready = FOLDER / "ready"
    if ready.exists() and ready.read_text(encoding="utf-8") == "\n".join(PEERS):
        print(f"The foreign peers are ready in {FOLDER}.")
        return 0
    print(f"Making {FOLDER} with {', '.join(PEERS)} ...")
    venv.create(FOLDER, with_pip=True, clear=True)
    python = FOLDER / "bin" / "python"
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=False)
    if done.returncode:
        print("They could not be installed; the tests that need them will be skipped.")
        return 1
    ready.write_text("\n".join(PEERS), encoding="utf-8")
    print("Ready.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
