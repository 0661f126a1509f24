"""Named queries: every statement lives in `store/sql/*.sql` under a `-- name:` line."""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


@cache
def queries(group: str) -> dict[str, LiteralString]:
    """Return the statements of `store/sql/<group>.sql` by name.

    The files are part of the program, so their text counts as literal.
    """
    text = (files("store") / "sql" / f"{group}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"store/sql/{group}.sql names a query twice")
    return {
        name: cast("LiteralString", body.strip()) for name, body in zip(names, bodies, strict=True)
    }
