"""The outbox without a disk: for tests, and the plainest statement of what an outbox does."""

from collections.abc import Mapping, Sequence
from threading import RLock

from edge_agent.exception_report import Reported
from edge_agent.outbox.contract import KEPT_ROWS, OutboxState, Row, Slice, TagMemory
from edge_agent.outbox.progress import Progress, new_epoch

ROW_BYTES = 40
"""About what SQLite takes for a row with a number."""


class MemoryOutbox:
    """Rows in a list; everything is lost with the process."""

    def __init__(self, max_bytes: int, max_hours: float, kept_rows: int = KEPT_ROWS) -> None:
        self._max_rows = max_bytes // ROW_BYTES
        self._max_age_us = round(max_hours * 3600 * 1_000_000)
        self._kept_rows = kept_rows
        self._progress = Progress(new_epoch()).opened()
        self._rows: list[tuple[int, Row]] = []
        """Kept rows with the moment they were taken; the last one has the highest id issued."""
        self._newest: dict[str, Reported] = {}
        self._cursors: dict[str, str] = {}
        self._forgotten = False
        self._lock = RLock()

    def append(
        self, rows: Sequence[Row], now_us: int, cursors: Mapping[str, str] | None = None
    ) -> None:
        """See `Outbox.append`."""
        with self._lock:
            self._rows.extend((now_us, row) for row in rows)
            self._progress = self._progress.issued(len(rows))
            self._cursors.update(cursors or {})
            for row in rows:
                known = self._newest.get(row.tag)
                if known is None or known.time_us <= row.time_us:
                    self._newest[row.tag] = Reported(row.time_us, row.value, row.quality)
            self._make_room(now_us)

    def read(self, after_id: int, limit: int) -> Slice | None:
        """See `Outbox.read`."""
        with self._lock:
            start = max(after_id, self._progress.low_id)
            position = start - self._kept_from()
            rows = [row for _, row in self._rows[position : position + limit]]
            return Slice(start + 1, rows) if rows else None

    def acknowledge(self, epoch: str, committed_to: int) -> int:
        """See `Outbox.acknowledge`."""
        with self._lock:
            if epoch != self._progress.epoch:
                return 0
            before = self._progress.low_id
            self._progress = self._progress.acknowledged(committed_to)
            self._forget(self._progress.low_id - self._kept_rows)
            return self._progress.low_id - before

    def mark_published(self, up_to_id: int) -> None:
        """See `Outbox.mark_published`."""
        with self._lock:
            self._progress = self._progress.published(up_to_id)

    def reopened(self) -> bool:
        """See `Outbox.reopened`; nothing was ever before it."""
        return False

    def restored_from_old_image(self, epoch: str, committed_to: int) -> bool:
        """See `Outbox.restored_from_old_image`."""
        with self._lock:
            return self._progress.knows_too_much(epoch, committed_to)

    def renew_epoch(self) -> None:
        """See `Outbox.renew_epoch`."""
        with self._lock:
            renewed = self._progress.renewed()
            self._rows = self._rows[len(self._rows) - renewed.issued_id :]
            self._progress = renewed
            self._forgotten = True

    def state(self) -> OutboxState:
        """See `Outbox.state`."""
        with self._lock:
            progress = self._progress
            oldest = self.read(progress.low_id, 1)
            return OutboxState(
                epoch=progress.epoch,
                issued_id=progress.issued_id,
                acknowledged_id=progress.low_id,
                pending=progress.pending,
                oldest_pending_us=oldest.rows[0].time_us if oldest else None,
                dropped=progress.dropped,
                dropped_ranges=progress.dropped_ranges,
                used_bytes=len(self._rows) * ROW_BYTES,
            )

    def memory(self) -> dict[str, TagMemory]:
        """See `Outbox.memory`."""
        with self._lock:
            times: dict[str, list[int]] = {name: [] for name in self._newest}
            for _, row in self._rows:
                times[row.tag].append(row.time_us)
            return {
                name: TagMemory(last, tuple(times[name]), self._forgotten)
                for name, last in self._newest.items()
            }

    def cursors(self) -> dict[str, str]:
        """See `Outbox.cursors`."""
        with self._lock:
            return dict(self._cursors)

    def close(self) -> None:
        """See `Outbox.close`."""

    def _kept_from(self) -> int:
        return self._progress.issued_id - len(self._rows)

    def _make_room(self, now_us: int) -> None:
        surplus = len(self._rows) - self._max_rows
        if surplus > 0:
            self._forget(self._kept_from() + surplus)
        pending = self._rows[self._progress.low_id - self._kept_from() :]
        stale = 0
        for taken_us, _ in pending:
            if taken_us >= now_us - self._max_age_us:
                break
            stale += 1
        self._forget(self._progress.low_id + stale if stale else 0)

    def _forget(self, up_to_id: int) -> None:
        count = up_to_id - self._kept_from()
        if count > 0:
            del self._rows[:count]
            self._forgotten = True
            self._progress = self._progress.given_up(up_to_id)
