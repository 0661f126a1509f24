"""Room in an outbox file that is full: what is too old goes first, then what matters least."""

from collections.abc import Mapping

from edge_agent.outbox.contract import ROW_BYTES
from edge_agent.outbox.progress import Progress
from edge_agent.outbox.statements import statements
from edge_agent.outbox.tables import Tables
from edge_agent.outbox.thinning import block_rows, thinned
from edge_agent.priority import Priority

_Q = statements()
_GIVE_UP_AT_ONCE = 1000


class Room:
    """The bounds of a file, and how they are kept."""

    def __init__(self, tables: Tables, max_bytes: int, max_age_s: float) -> None:
        self._tables = tables
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._block_rows = block_rows(max_bytes // ROW_BYTES)
        self.priorities: Mapping[str, Priority] = {}
        """By tag; what is not among them matters normally."""

    def made(self, progress: Progress) -> Progress:
        """Delete what is too old, then what matters least until the file fits its bound.

        Returns the progress with what was given up.
        """
        tables = self._tables
        after = progress
        stale_before = round(progress.age_s - self._max_age_s)
        fresh = next(tables.rows(_Q["first_fresh_id"], progress.low_id, stale_before), None)
        after = after.given_up((fresh[0] if fresh else progress.issued_id + 1) - 1)
        if after != progress:
            tables.delete_up_to(after.low_id)
        while tables.used_bytes() > self._max_bytes:
            lowest = tables.number(_Q["lowest_id"])
            # Else the oldest rows are confirmed and only kept for comparison: they go before
            # anything pending.
            if lowest > after.low_id:
                after, freed = self._thinned(after)
                if freed:
                    continue
            if lowest in {0, after.issued_id}:
                break
            up_to = min(lowest + _GIVE_UP_AT_ONCE, after.issued_id) - 1
            tables.delete_up_to(up_to)
            after = after.given_up(up_to)
        return after

    def _thinned(self, progress: Progress) -> tuple[Progress, bool]:
        """Thin the next block that has expendable rows; return whether there was one."""
        tables = self._tables
        for priority in (Priority.LOW, Priority.NORMAL):
            expendable = {
                number
                for name, number in tables.tag_ids.items()
                if self.priorities.get(name, Priority.NORMAL) <= priority
            }
            while expendable and (span := progress.next_block(priority)) is not None:
                block = tables.rows(_Q["read_block"], *span, self._block_rows).fetchall()
                # The newest rows fill a block first: thinned as they come, they would leave a range
                # of ids each time, and the platform's ledger as many pieces.
                if span[1] > progress.issued_id and len(block) < self._block_rows:
                    break
                ids = [id_ for id_, _ in block]
                end = ids[-1] if ids else span[1] - 1
                plan = thinned(ids, [tag in expendable for _, tag in block])
                if plan is not None:
                    # Deleted before anything moves, as the rows that stay take their ids.
                    tables.connection.executemany(_Q["delete_row"], [(id_,) for id_ in plan.doomed])
                    tables.connection.executemany(_Q["move_row"], plan.moves)
                    tables.write_meta("forgotten", 1)
                    return progress.thinned(priority, plan.given_up, end), True
                progress = progress.thinned(priority, (), end)
        return progress, False
