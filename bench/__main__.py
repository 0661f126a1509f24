"""`python -m bench NAME …` runs `bench/bench_NAME.py`; without a name it lists them."""

import sys
from importlib import import_module
from pathlib import Path


def main() -> int:
    """Run one benchmark, or name all."""
    names = sorted(file.stem[6:] for file in Path(__file__).parent.glob("bench_*.py"))
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: python -m bench {'|'.join(names)} [--help]", file=sys.stderr)
        return 2
    result: int | None = import_module(f"bench.bench_{sys.argv[1]}").main(sys.argv[2:])
    return result or 0


if __name__ == "__main__":
    sys.exit(main())
