"""`python -m bench [NAME] [ARGS]`: run one measurement, or list them."""

import sys
from importlib import import_module

BENCHES = {
    "oee": "bench.bench_oee",
    "oee-truth": "bench.bench_oee_truth",
}


def main() -> int:
    """Run the measurement named by the first argument; all of them without one."""
    names = sys.argv[1:2] or list(BENCHES)
    for name in names:
        if name not in BENCHES:
            print(f"no bench {name!r}; there are {', '.join(BENCHES)}", file=sys.stderr)
            return 2
        import_module(BENCHES[name]).main(sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
