"""What the platform refused, as the edge knows it: for its log, its heartbeat and its counters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

from plant.log import get_logger
from plant.native.mending import mend_of
from plant.native.message import Refusal

REMEMBERED_S = 3600.0
"""A kind that has not come for so long is forgotten; when it comes again, it is told again."""
MOST_KINDS = 200
TOLD = 20

Kind = tuple[str, str | None]
"""Reason and tag."""

_log = get_logger()


@dataclass(frozen=True, slots=True)
class _Known:
    count: int
    detail: str
    last_s: float


class Refusals:
    """Kinds of refusals with their counts; a kind is logged once while it goes on.

    The publisher's thread tells of the platform's, the intake's of those here.
    """

    def __init__(self) -> None:
        self._kinds: dict[Kind, _Known] = {}
        self._lock = Lock()

    def note(self, refused: Sequence[Refusal], now_s: float) -> None:
        """Take what an ack tells, or what the agent itself refuses."""
        with self._lock:
            self._forget(now_s)
            for refusal in refused:
                self._note(refusal, now_s)

    def _note(self, refusal: Refusal, now_s: float) -> None:
        kind = refusal.reason, refusal.tag
        known = self._kinds.get(kind)
        if known is not None:
            self._kinds[kind] = replace(
                known,
                count=known.count + refusal.count,
                detail=refusal.detail or known.detail,
                last_s=now_s,
            )
        elif len(self._kinds) < MOST_KINDS:
            self._kinds[kind] = _Known(refusal.count, refusal.detail, now_s)
            _log.warning(
                "platform_refuses",
                reason=refusal.reason,
                tag=refusal.tag,
                detail=refusal.detail,
                mend=mend_of(refusal.reason),
            )

    def words(self) -> tuple[str, ...]:
        """Return the kinds in words, the latest first, `TOLD` of them at most."""
        with self._lock:
            kinds = list(self._kinds.items())
        latest = sorted(kinds, key=lambda item: item[1].last_s, reverse=True)[:TOLD]
        return tuple(
            f"{tag or 'message'}: {reason} ×{known.count}"
            + (f" ({known.detail})" if known.detail else "")
            for (reason, tag), known in latest
        )

    def _forget(self, now_s: float) -> None:
        for kind in [
            kind for kind, known in self._kinds.items() if now_s - known.last_s > REMEMBERED_S
        ]:
            del self._kinds[kind]
