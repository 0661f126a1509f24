"""How a full outbox gives up the rows that matter least without tearing its ids to shreds.

Rows of different priority lie side by side, so giving up one kind would leave a hole per row in
the ids, and the ledger on the platform as many ranges. Therefore a block of consecutive rows is
thinned as a whole: those that stay move to its highest ids in their order, and the lowest ids are
what is given up. That is one range per block, and it also empties whole pages of the file. Only
rows that nobody has read yet are moved: an id that may have been sent always means the same row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

BLOCK_ROWS = 20_000
"""Rows thinned together; also the newest rows that are left alone."""
LEAST_SHARE = 0.02
"""A block is rewritten only when this share of it goes."""
RESERVED_ROWS = 5_000
"""Rows beyond those read that are not moved either, so that not every reading is a commit."""


@dataclass(frozen=True, slots=True)
class Thinned:
    """What thinning a block does."""

    given_up: list[int]
    """Ids without a row from now on, in order."""
    doomed: list[int]
    """Ids at which the rows to delete are now."""
    moves: list[tuple[int, int]]
    """New id and old id of rows that stay, in an order in which the new id is always free."""


def block_rows(max_rows: int) -> int:
    """Return the size of the blocks of an outbox that holds about so many rows."""
    return max(1, min(BLOCK_ROWS, max_rows // 20))


def thinned(ids: Sequence[int], expendable: Sequence[bool]) -> Thinned | None:
    """Return how to thin a block, None when too little of it is expendable.

    `ids` are those of its rows, in order; there may be holes already, which stay.
    """
    doomed = [id_ for id_, goes in zip(ids, expendable, strict=True) if goes]
    if not doomed or len(doomed) < LEAST_SHARE * len(ids):
        return None
    staying = [id_ for id_, goes in zip(ids, expendable, strict=True) if not goes]
    targets = ids[len(doomed) :]
    moves = [
        (new, old)
        for new, old in zip(reversed(targets), reversed(staying), strict=True)
        if new != old
    ]
    return Thinned(list(ids[: len(doomed)]), doomed, moves)
