"""How many examples a property is tried with."""

import os


def examples(usual: int = 100) -> int:
    """Return what `NHIPMAY_EXAMPLES` asks of every property, else what is usual for this one."""
    return int(os.environ.get("NHIPMAY_EXAMPLES", usual))
