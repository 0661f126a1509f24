"""Fuzz decoders and print what was tried: `.venv/bin/python -m tests.fuzz --seconds 60`.

atheris has wheels for some versions of Python only, so it is in no lock: it gets an environment of
its own in the cache, which sees what `.venv` has.
"""

import argparse
import os
import re
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nhipmay" / "fuzz"
ATHERIS = "atheris==3.0.0"
LIBFUZZER = ("-timeout=10", "-rss_limit_mb=512", "-print_final_stats=1", "-verbosity=1")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one target."""

    name: str
    inputs: int
    accepted: int
    seconds: int
    edges: int
    """Edges of the code that inputs reached."""
    peak_mb: int
    finding: Path | None
    """The input that broke a promise."""

    @property
    def row(self) -> str:
        """The result as a line of the table."""
        rate = self.inputs / self.seconds if self.seconds else 0.0
        found = str(self.finding) if self.finding else "none"
        share = self.accepted / self.inputs if self.inputs else 0.0
        return (
            f"{self.name:20} {self.inputs:>11,} {share:>9.1%} {rate:>9,.0f} "
            f"{self.edges:>6,} {self.peak_mb:>6} {found}"
        )


def environment() -> Path:
    """Return the Python that has atheris; its environment is made on first use."""
    folder = CACHE / f"venv-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"Installing {ATHERIS} into {folder} …", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ATHERIS],
            check=False,
        )
        if done.returncode:
            raise SystemExit(
                f"{ATHERIS} does not install for Python {sys.version.split()[0]}; it has wheels "
                "for 3.11 to 3.13 on Linux: make .venv with one of them (PYTHON=python3.12)"
            )
        libraries = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        # Editable installs are .pth files, which only site.addsitedir reads.
        line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
        (Path(libraries) / "nhipmay.pth").write_text(line, encoding="utf-8")
        (folder / "ready").touch()
    return python


def fuzz(name: str, limits: list[str], seed: int | None) -> Result:
    """Run one target and return what came of it."""
    target = TARGETS[name]
    corpus, findings = CACHE / "corpus" / name, CACHE / "findings" / name
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate((*target.seeds, *target.findings)):
        (corpus / f"seed-{number}").write_bytes(content)
    known = set(findings.iterdir())
    counts = CACHE / f"{name}.counts"
    options = [*LIBFUZZER, *limits, f"-artifact_prefix={findings}/"]
    if seed is not None:
        options.append(f"-seed={seed}")
    if target.words:
        lines = "".join(f'"{_escaped(word)}"\n' for word in target.words)
        (CACHE / f"{name}.words").write_text(lines, encoding="ascii")
        options.append(f"-dict={CACHE / f'{name}.words'}")
    done = subprocess.run(
        [environment(), "-m", "tests.fuzz.worker", name, counts, *options, corpus],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    log = done.stdout + done.stderr
    (CACHE / f"{name}.log").write_text(log, encoding="utf-8")
    fresh = sorted(set(findings.iterdir()) - known)
    if done.returncode and not fresh:
        raise SystemExit(f"{name}: the fuzzer itself ended with {done.returncode}:\n{log[-2000:]}")
    refused, accepted = map(int, counts.read_text(encoding="ascii").split())
    tried = max(_number(r"number_of_executed_units:\s*(\d+)", log), refused + accepted)
    return Result(
        name,
        tried,
        accepted,
        _number(r"Done \d+ runs in (\d+) second", log),
        _number(r".*cov: (\d+)", log),
        _number(r"peak_rss_mb:\s*(\d+)", log),
        fresh[0] if fresh else None,
    )


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _number(pattern: str, log: str) -> int:
    found = re.findall(pattern, log)
    return int(found[-1]) if found else 0


def main() -> int:
    """Fuzz what the command line names; return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="at most so long per target")
    parser.add_argument("--inputs", type=int, help="at most so many inputs per target")
    parser.add_argument("--seed", type=int, help="begin libFuzzer's chance with this number")
    given = parser.parse_args()
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    limits = [f"-max_total_time={given.seconds}"]
    if given.inputs:
        limits.append(f"-runs={given.inputs}")
    environment()
    head = ("target", "inputs", "accepted", "inputs/s", "edges", "MB", "crashes and hangs")
    print(
        f"{head[0]:20} {head[1]:>11} {head[2]:>9} {head[3]:>9} {head[4]:>6} {head[5]:>6} {head[6]}"
    )
    results: list[Result] = []
    for name in given.targets or TARGETS:
        results.append(fuzz(name, limits, given.seed))
        print(results[-1].row, flush=True)
    broken = [result for result in results if result.finding]
    print(
        f"{sum(result.inputs for result in results):,} inputs tried, {len(broken)} targets with "
        f"crashes or hangs; logs, corpora and findings are in {CACHE}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
