"""One target under libFuzzer, in the environment that has atheris.

Usage: worker.py TARGET COUNTS_FILE [options of libFuzzer …] [corpus folder]. Every input is counted
as accepted or refused; the counts are written now and then, and at the end.
"""

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped]  # in an environment of its own

# Everything that reads foreign bytes is instrumented, ours and the libraries it stands on.
_INSTRUMENTED = [
    "edge_agent", "ingest.decoding.message", "ingest.decoding.parcel", "plant", "h11",
    "snap7.s7protocol", "snap7.async_client", "yaml", "csv",
]  # fmt: skip
_COUNT_EVERY = 1000

with atheris.instrument_imports(include=_INSTRUMENTED):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer ends."""
    target, counts_file = TARGETS[sys.argv[1]], Path(sys.argv[2])
    counts = [0, 0]

    def note() -> None:
        counts_file.write_text(f"{counts[False]} {counts[True]}", encoding="ascii")

    def feed(data: bytes) -> None:
        counts[target.feed(data)] += 1
        if sum(counts) % _COUNT_EVERY == 0:
            note()

    note()
    options = [f"-max_len={target.longest}", *sys.argv[3:]]
    atheris.Setup([sys.argv[0], *options], feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
