"""`nhipmay edge` on a machine whose clock somebody steps: `python -m tests.faults.stepped_edge`.

The first argument is a file that holds how many seconds the clock is wrong, looked at whenever the
clock is; the others are those of `nhipmay`.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from nhipmay.cli import main
from plant import settings
from plant.clock import system_clock


def stepped(file: Path) -> datetime:
    """Return the present of the wrong clock."""
    return system_clock() + timedelta(seconds=float(file.read_text()))


if __name__ == "__main__":
    step_file = Path(sys.argv.pop(1))
    vars(settings)["system_clock"] = lambda: stepped(step_file)
    main()
