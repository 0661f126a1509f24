"""Named queries: every statement lives beside its calls, in a `.sql` file under a `-- name:` line.

What several statements of a file say alike stands there once, under a `-- part:` line; they name
it in braces. What is alike for many tables is a `-- form:`, filled in by `psycopg.sql`.
"""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString

from psycopg.sql import SQL

_HEAD = re.compile(r"^-- (name|part|form): (\w+)[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_PART = re.compile(r"\{(\w+)\}")


@cache
def queries(group: str) -> dict[str, LiteralString]:
    """Return the statements of `store/<group>.sql` by name, as in `queries("mes/current")`.

    The files are part of the program, so their text counts as literal.
    """
    text = (files("store") / f"{group}.sql").read_text(encoding="utf-8")
    return _statements(group, text)


@cache
def forms(group: str) -> dict[str, SQL]:
    """Return what stands in `store/<group>.sql` under `-- form:` lines, to be filled in by name.

    Only names of tables and columns and other forms go in, by `psycopg.sql`; values are bound.
    """
    text = (files("store") / f"{group}.sql").read_text(encoding="utf-8")
    return {
        name: SQL(_COMMENT.sub("", form)) for name, form in _pieces(group, text)["form"].items()
    }


def _pieces(group: str, text: str) -> dict[str, dict[str, LiteralString]]:
    pieces = _HEAD.split(text)
    found: dict[str, dict[str, LiteralString]] = {"name": {}, "part": {}, "form": {}}
    for kind, name, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if name in found[kind]:
            raise ValueError(f"store/{group}.sql has two of the {kind} {name}")
        found[kind][name] = body.strip()
    return found


def _statements(group: str, text: str) -> dict[str, LiteralString]:
    found = _pieces(group, text)
    parts = {name: _COMMENT.sub("", body) for name, body in found["part"].items()}
    return {
        name: _PART.sub(lambda named: parts[named[1]], body) for name, body in found["name"].items()
    }
