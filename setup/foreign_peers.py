"""Make the foreign implementations that tests talk to, or those that are named.

    python setup/foreign_peers.py [NAME ...]

Each gets a folder of its own in `~/.cache/nhipmay/foreign`, outside of this project's lock; delete
it to make it anew. On Debian 12 and 13, as root, Node, Java and Go are installed where they are
missing. Tests of a peer that is not there are skipped with the reason. Exits 0 with some missing,
except where they must not be: with CI=true or NHIPMAY_REQUIRE_FOREIGN_PEERS=1. It uses the standard
library only.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from setup.foreign import PEERS, AbsentError
from setup.test_services import CACHE, one_at_a_time


def main(names: list[str]) -> int:
    """Make the peers of these names, all of them without names; return the exit code."""
    if strange := set(names) - PEERS.keys():
        print(f"No such peer: {', '.join(sorted(strange))}; there are {', '.join(PEERS)}.")
        return 2
    print("Foreign peers")
    missing = False
    CACHE.mkdir(parents=True, exist_ok=True)
    with one_at_a_time():
        for name in names or PEERS:
            try:
                PEERS[name].ensure()
                print(f"  {name}: {PEERS[name].folder}")
            except AbsentError as exc:
                missing = True
                print(f"  {name}: MISSING, its tests are skipped. {exc}")
    return 1 if missing and required() else 0


def required() -> bool:
    """Tell whether a peer that is not there is a failure."""
    by_name = os.environ.get("NHIPMAY_REQUIRE_FOREIGN_PEERS") == "1"
    return by_name or os.environ.get("CI") == "true"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
