"""`nhipmay`, also as `python -m nhipmay`."""

import sys
from pathlib import Path

from nhipmay.edge_service import run_edge
from nhipmay.runtime import plain_errors


def main() -> None:
    """Run the command line; an edge agent without it, as its memory is short (2 MB less)."""
    with plain_errors():
        match sys.argv[1:]:
            case ["edge"]:
                run_edge(None)
            case ["edge", "-s" | "--settings", file]:
                run_edge(Path(file))
            case _:
                from nhipmay.cli import app

                app()


if __name__ == "__main__":
    main()
