"""The outbox's SQL, by name."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


@cache
def statements() -> dict[str, str]:
    """Return the statements of `statements.sql` by the name above each."""
    text = (files("edge_agent.outbox") / "statements.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
