"""Looks for secrets in the checkout and for known weaknesses of what the locks name (`make scan`).

Both tools run in environments of their own, which uv makes (`detect-secrets`, `pip-audit`). What is
found and is no secret is listed, file by file, with the reason in `scan_explained.toml`: a finding
that is not there fails, and so does an entry of a finding that is gone.
"""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXPLAINED = Path(__file__).with_name("scan_explained.toml")
SECRETS, AUDIT = "detect-secrets==1.5.0", "pip-audit==2.10.1"
# Hashes of packages and of commits look like secrets, and are none.
_LEFT_OUT = ("requirements/", "docs/reference/openapi")
_NOT_TEXT = (".png", ".svg", ".xlsx", ".docx", ".parquet", ".gz", ".ico", ".pem")
_SKIPPED = "could not be audited"
_OFFLINE = (
    "ConnectionError",
    "Max retries",
    "Failed to establish",
    "Temporary failure",
    "HTTPError",
)


def main() -> int:
    """Scan; return 1 for what nobody explained, 3 where dependencies could not be looked up."""
    problems = unexplained(found_secrets(), tomllib.loads(EXPLAINED.read_text("utf-8")))
    print("\n".join(problems) or "secrets: every finding is explained")
    audit = audited()
    return 1 if problems else audit


def found_secrets() -> Counter[str]:
    """Return how many lines of each file look like a secret."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [
        file
        for file in listed.stdout.splitlines()
        if not file.startswith(_LEFT_OUT) and not file.endswith(_NOT_TEXT)
    ]
    done = subprocess.run(
        [*_tool(SECRETS), "detect-secrets", "scan", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    results: dict[str, list[object]] = json.loads(done.stdout)["results"]
    return Counter({file: len(lines) for file, lines in results.items()})


def unexplained(found: Counter[str], explained: dict[str, dict[str, object]]) -> list[str]:
    """Return what is wrong, a line each; `explained` has `lines` and a `reason` by file."""
    problems = []
    for file in sorted(found.keys() | explained.keys()):
        known = explained.get(file, {})
        if found[file] != known.get("lines", 0):
            problems.append(
                f"{file}: {found[file]} lines look like a secret, {known.get('lines', 0)} are "
                f"explained in {EXPLAINED.name}"
            )
        elif not known.get("reason"):
            problems.append(f"{file}: its entry in {EXPLAINED.name} has no reason")
    return problems


def audited() -> int:
    """Compare the locks with the database of advisories; 3 where it cannot be reached."""
    done = subprocess.run(
        [
            *(
                *_tool(AUDIT),
                "pip-audit",
                "--disable-pip",
                "--require-hashes",
                "--progress-spinner",
            ),
            *("off", "--requirement", str(ROOT / "requirements" / "dev.txt")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout.strip())
    print(done.stderr.strip())
    skipped = done.stdout.count(_SKIPPED)
    if skipped or (done.returncode and any(sign in done.stderr for sign in _OFFLINE)):
        print(not_scanned(skipped))
    return outcome(done.returncode, done.stdout, done.stderr)


def outcome(code: int, stdout: str, stderr: str) -> int:
    """Return 3 where not every dependency was looked up, else what the tool says.

    Where the index has no advisories the tool passes over each of them, and says that it knows of
    no weakness.
    """
    if code and any(sign in stderr for sign in _OFFLINE):
        return 3
    return 3 if not code and _SKIPPED in stdout else code


def not_scanned(skipped: int) -> str:
    """Return the words for what could not be looked up."""
    which = f"{skipped} of them were" if skipped else "none of them was"
    found = "passed over" if skipped else "looked up"
    return (
        f"dependencies: NOT scanned ({which} {found}): the database of advisories cannot be "
        "reached from here"
    )


def _tool(package: str) -> list[str]:
    return [str(Path(sys.executable).with_name("uv")), "tool", "run", "--from", package]


if __name__ == "__main__":
    sys.exit(main())
