import subprocess
import sys
from pathlib import Path

HEAVY = (
    "asyncua",
    "cryptography",
    "edge_agent.sparkplug.publisher",
    "greenlet",
    "http.server",
    "numpy",
    "plant.sparkplug.wire",
    "psycopg",
    "pymodbus",
    "rich",
    "snap7",
    "typer",
)
"""What an edge without a source, metrics or Sparkplug does not need."""


def test_no_heavy_library_is_loaded_when_an_edge_does_not_need_it() -> None:
    """As `nhipmay edge` starts: the command line, then the agent."""
    program = (
        "import sys, nhipmay.__main__, edge_agent; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
