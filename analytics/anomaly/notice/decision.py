"""Whether a message is sent now, later, or not at all."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from store.anomaly.limit import Letter

MOST_ATTEMPTS = 8
_FIRST_RETRY = timedelta(seconds=30)
_MAINTENANCE_AGAIN = timedelta(minutes=5)
_STALE = timedelta(minutes=15)
"""An event that is over and was not told for so long is not told any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Send now (neither is set), try again at `later`, or never because of `dropped`."""

    later: datetime | None = None
    dropped: str | None = None


SEND = Outcome()


def decide(letter: Letter, now: datetime) -> Outcome:
    """Return what becomes of a message that is due.

    Told is what still concerns somebody: not what was judged, or is over while people were not to
    be disturbed; of one machine not more often than the channel wants.
    """
    if letter.attempts >= MOST_ATTEMPTS:
        return Outcome(dropped="gave_up")
    ended = letter.event["end"] is not None
    if letter.step == "closed":
        quiet = quiet_until(letter, now)
        return SEND if quiet is None else Outcome(later=quiet)
    if letter.snoozed_until is not None:
        if letter.snoozed_until > now:
            return Outcome(later=letter.snoozed_until)
    elif letter.acknowledged:
        return Outcome(dropped="judged")
    opened = datetime.fromisoformat(letter.event["opened"])
    if ended and (letter.step == "escalated" or now - opened > _STALE):
        return Outcome(dropped="over")
    if letter.maintained:
        return Outcome(dropped="maintenance") if ended else Outcome(later=now + _MAINTENANCE_AGAIN)
    quiet = quiet_until(letter, now)
    if quiet is not None:
        return Outcome(later=quiet)
    repeat = timedelta(seconds=letter.repeat_after_s)
    if letter.told_before is not None and now - letter.told_before < repeat:
        return Outcome(dropped="repeated")
    return SEND


def retry_at(attempts: int, now: datetime) -> datetime:
    """Return when a message that could not be sent is tried again."""
    return now + min(_FIRST_RETRY * (1 << attempts), timedelta(hours=1))


def quiet_until(letter: Letter, now: datetime) -> datetime | None:
    """Return the end of the quiet hours that a moment is in, None outside of them."""
    if letter.quiet_from is None or letter.quiet_to is None:
        return None
    local = now.astimezone(ZoneInfo(letter.zone))
    if not within(local.time(), letter.quiet_from, letter.quiet_to):
        return None
    end = datetime.combine(local.date(), letter.quiet_to, local.tzinfo)
    if end <= local:
        end += timedelta(days=1)
    return end.astimezone(now.tzinfo)


def within(moment: time, start: time, end: time) -> bool:
    """Tell whether a time of day lies in `[start, end)`, which may go over midnight."""
    if start <= end:
        return start <= moment < end
    return moment >= start or moment < end
