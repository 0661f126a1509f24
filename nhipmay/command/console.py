"""Where results are printed."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@cache
def console() -> "Console":
    """Return the terminal; imported on use, as an edge has no memory to spare."""
    from rich.console import Console

    return Console()
