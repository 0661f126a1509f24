import subprocess
import sys
from pathlib import Path

HEAVY = ("asyncua", "pymodbus", "numpy", "psycopg")


def test_no_protocol_library_is_loaded_when_no_source_needs_it() -> None:
    program = f"import sys, edge_agent; print([name for name in {HEAVY} if name in sys.modules])"
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
