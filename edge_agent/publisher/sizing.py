"""How much goes into one message: what the settings say, and what the platform takes."""

from typing import Self

from edge_agent.outbox import Row, Slice
from edge_agent.publisher.messages import data_batch
from edge_agent.settings import PublishingSettings
from plant.native.message import Limits, encode

_TOPIC_AND_HEADER = 1_000
"""Bytes of a packet besides its payload, with room to spare."""
_ANY = 2**31
_ROOMY = 30_000
"""Bytes in which any row has room."""
_LAST = 2**62


class Sizing:
    """The bounds of a data message, in rows and in bytes on the wire.

    Read by the intake's thread as well: each value is replaced as a whole.
    """

    def __init__(self, max_rows: int, max_bytes: int) -> None:
        self._own = Limits(max_bytes, max_rows)
        self._limits = self._own
        self.broker_bytes = _ANY
        """Largest payload for which the broker does not end the connection."""
        self.rows_at_once = max_rows
        """So many rows were within the bounds lately."""

    @classmethod
    def of(cls, settings: PublishingSettings) -> Self:
        """Return the bounds that the settings give."""
        return cls(settings.batch_rows, settings.batch_bytes)

    @property
    def max_bytes(self) -> int:
        """Most bytes of a payload."""
        return min(self._limits.max_bytes, self.broker_bytes)

    def agree(self, limits: Limits | None) -> None:
        """Keep to what the platform says as well; a limit of nothing at all is passed over."""
        if limits is not None and limits.max_bytes > 0 and limits.max_rows > 0:
            self._limits = Limits(
                min(self._own.max_bytes, limits.max_bytes),
                min(self._own.max_rows, limits.max_rows),
            )
            self.rows_at_once = min(self.rows_at_once, self._limits.max_rows)

    def broker_takes(self, max_packet_bytes: int | None) -> None:
        """Keep to the largest packet of the present broker; None when it names none."""
        self.broker_bytes = (
            max(1, max_packet_bytes - _TOPIC_AND_HEADER) if max_packet_bytes else _ANY
        )

    def fitted(self, epoch: str, rows: Slice, sent_us: int) -> tuple[Slice, bytes]:
        """Return as many of the first rows as fit, with their message.

        A single row is returned whatever its size.
        """
        payload = encode(data_batch(epoch, rows, sent_us))
        if len(payload) <= self.max_bytes:
            if len(rows.rows) == self.rows_at_once:
                self.rows_at_once = min(2 * self.rows_at_once, self._limits.max_rows)
            return rows, payload
        while len(payload) > self.max_bytes and (count := len(rows.rows)) > 1:
            fitting = count * self.max_bytes // len(payload)
            rows = Slice(rows.first_id, rows.rows[: max(1, min(count - 1, fitting))])
            payload = encode(data_batch(epoch, rows, sent_us))
        self.rows_at_once = len(rows.rows)
        return rows, payload

    def fits(self, row: Row) -> bool:
        """Return whether a message can hold this row at all."""
        if self.max_bytes >= _ROOMY:
            return True
        return len(encode(data_batch("0" * 32, Slice(_LAST, [row]), _LAST))) <= self.max_bytes
