"""The outbox without a disk: for tests, and the plainest statement of what an outbox does."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from threading import RLock

from edge_agent.exception_report import Reported
from edge_agent.outbox.contract import (
    AHEAD_US,
    KEPT_ROWS,
    ROW_BYTES,
    OutboxState,
    Row,
    SetBack,
    Slice,
    TagMemory,
    mark_of,
)
from edge_agent.outbox.progress import Progress, new_epoch
from edge_agent.outbox.thinning import RESERVED_ROWS, block_rows, thinned
from edge_agent.priority import Priority


class MemoryOutbox:
    """Rows in lists; everything is lost with the process."""

    def __init__(
        self,
        max_bytes: int,
        max_hours: float,
        kept_rows: int = KEPT_ROWS,
        reserved_rows: int = RESERVED_ROWS,
    ) -> None:
        self._max_rows = max_bytes // ROW_BYTES
        self._block_rows = block_rows(self._max_rows)
        self._max_age_s = max_hours * 3600
        self._kept_rows = kept_rows
        self._reserved_rows = reserved_rows
        self._priorities: Mapping[str, Priority] = {}
        self._progress = Progress(new_epoch()).opened()
        self._ids: list[int] = []
        """Ids of the kept rows, in order."""
        self._rows: list[tuple[int, Row]] = []
        """The kept rows with the age of the outbox when they were taken, in seconds."""
        self._newest: dict[str, Reported] = {}
        self._cursors: dict[str, str] = {}
        self._forgotten = False
        self._lock = RLock()

    def append(
        self, rows: Sequence[Row], now_us: int, cursors: Mapping[str, str] | None = None
    ) -> None:
        """See `Outbox.append`."""
        with self._lock:
            first_id = self._progress.issued_id + 1
            self._ids.extend(range(first_id, first_id + len(rows)))
            progress = self._progress.aged(now_us // 1_000_000, self._max_age_s)
            self._rows.extend((progress.age_s, row) for row in rows)
            self._progress = progress.issued(len(rows))
            self._cursors.update(cursors or {})
            for row in rows:
                known = self._newest.get(row.tag)
                if row.time_us > now_us + AHEAD_US:
                    continue
                if known is None or known.time_us <= row.time_us:
                    self._newest[row.tag] = Reported(row.time_us, row.value, row.quality)
            self._make_room()

    def rank(self, priorities: Mapping[str, Priority]) -> None:
        """See `Outbox.rank`."""
        with self._lock:
            self._priorities = dict(priorities)

    def read(self, after_id: int, limit: int) -> Slice | None:
        """See `Outbox.read`."""
        with self._lock:
            start = self._after(max(after_id, self._progress.low_id))
            ids = self._ids[start : start + limit]
            # Ids only grow: behind the first hole none is in its place again, so this counts up to
            # it.
            count = sum(id_ == ids[0] + place for place, id_ in enumerate(ids))
            if not count:
                return None
            last_id = ids[0] + count - 1
            if not self._progress.is_shown(ids[0], last_id):
                self._progress = self._progress.showing(ids[0], last_id + self._reserved_rows)
            return Slice(ids[0], [row for _, row in self._rows[start : start + count]])

    def acknowledge(self, epoch: str, committed_to: int) -> int:
        """See `Outbox.acknowledge`."""
        with self._lock:
            if epoch != self._progress.epoch:
                return 0
            before = self._progress.confirmed
            self._progress = self._progress.acknowledged(committed_to)
            self._forget(self._progress.low_id - self._kept_rows)
            return self._progress.confirmed - before

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

    def platform_is_behind(self, epoch: str, committed_to: int) -> bool:
        """See `Outbox.platform_is_behind`."""
        with self._lock:
            return self._progress.is_ahead_of(epoch, committed_to)

    def take_set_back(self, committed_to: int) -> SetBack:
        """See `Outbox.take_set_back`."""
        with self._lock:
            before = self._progress
            lowest = self._ids[0] if self._ids else before.issued_id + 1
            self._progress = before.set_back(committed_to, lowest)
            again = slice(self._after(committed_to), self._after(before.low_id))
            self._rows[again] = [(before.age_s, row) for _, row in self._rows[again]]
            return self._progress.set_back_from(before)

    def lose(self, first_id: int, last_id: int, reason: str) -> None:
        """See `Outbox.lose`."""
        with self._lock:
            gone = slice(self._after(first_id - 1), self._after(last_id))
            del self._ids[gone], self._rows[gone]
            self._progress = self._progress.losing([(first_id, last_id + 1)], reason)

    def renew_epoch(self) -> None:
        """See `Outbox.renew_epoch`."""
        with self._lock:
            shift = self._progress.foreign_id
            start = self._after(shift)
            self._rows = self._rows[start:]
            self._ids = [id_ - shift for id_ in self._ids[start:]]
            self._progress = self._progress.renewed()
            self._forgotten = True

    def state(self) -> OutboxState:
        """See `Outbox.state`."""
        with self._lock:
            progress = self._progress
            oldest = self._rows[self._after(progress.low_id) :][:1]
            return OutboxState(
                epoch=progress.epoch,
                issued_id=progress.issued_id,
                acknowledged_id=progress.low_id,
                pending=progress.pending,
                confirmed=progress.confirmed,
                oldest_pending_us=oldest[0][1].time_us if oldest else None,
                oldest_pending_age_s=progress.age_s - oldest[0][0] if oldest else 0,
                dropped=progress.dropped,
                dropped_ranges=progress.dropped_ranges,
                used_bytes=len(self._rows) * ROW_BYTES,
                confirmed_id=progress.confirmed_id,
                lost=progress.because,
                set_backs=progress.set_backs,
            )

    def memory(self) -> dict[str, TagMemory]:
        """See `Outbox.memory`."""
        with self._lock:
            taken: dict[str, list[tuple[int, int]]] = {name: [] for name in self._newest}
            for _, row in self._rows:
                if row.tag in taken:
                    taken[row.tag].append((row.time_us, mark_of(row.value, row.quality)))
            return {
                name: TagMemory(last, tuple(taken[name]), self._forgotten)
                for name, last in self._newest.items()
            }

    def cursors(self) -> dict[str, str]:
        """See `Outbox.cursors`."""
        with self._lock:
            return dict(self._cursors)

    def close(self) -> None:
        """See `Outbox.close`."""

    def _after(self, id_: int) -> int:
        """Return the place of the first row after an id."""
        return bisect_right(self._ids, id_)

    def _make_room(self) -> None:
        stale = 0
        for taken_s, _ in self._rows[self._after(self._progress.low_id) :]:
            if taken_s >= self._progress.age_s - self._max_age_s:
                break
            stale += 1
        if stale:
            self._forget(self._ids[self._after(self._progress.low_id) + stale - 1])
        while (surplus := len(self._rows) - self._max_rows) > 0:
            kept = self._after(self._progress.low_id)
            if kept or not self._thin():
                self._forget(self._ids[min(kept or surplus, surplus) - 1])

    def _thin(self) -> bool:
        """Thin the next block that has expendable rows; return whether there was one."""
        for priority in (Priority.LOW, Priority.NORMAL):
            while (span := self._progress.next_block(priority)) is not None:
                start = self._after(span[0] - 1)
                stop = min(self._after(span[1] - 1), start + self._block_rows)
                if span[1] > self._progress.issued_id and stop - start < self._block_rows:
                    break
                ids = self._ids[start:stop]
                end = ids[-1] if ids else span[1] - 1
                goes = [
                    self._priorities.get(row.tag, Priority.NORMAL) <= priority
                    for _, row in self._rows[start:stop]
                ]
                plan = thinned(ids, goes)
                self._progress = self._progress.thinned(
                    priority, plan.given_up if plan else (), end
                )
                if plan is not None:
                    stays = zip(self._rows[start:stop], goes, strict=True)
                    self._rows[start:stop] = [row for row, gone in stays if not gone]
                    self._ids[start:stop] = ids[len(plan.doomed) :]
                    self._forgotten = True
                    return True
        return False

    def _forget(self, up_to_id: int) -> None:
        count = self._after(up_to_id)
        if count > 0:
            del self._rows[:count]
            del self._ids[:count]
            self._forgotten = True
            self._progress = self._progress.given_up(up_to_id)
