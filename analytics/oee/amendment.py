"""Parts found bad after the machine counted them: they amend the moment they were made at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.readings.counter import CounterEvent
from analytics.readings.counting import Increments
from plant.measurement import TagRole


@dataclass(frozen=True, slots=True)
class Booking:
    """Parts that counted as good when they were made."""

    produced_at: int
    """Milliseconds."""
    becomes: TagRole
    """`SCRAP_COUNT` or `REWORK_COUNT`."""
    quantity: float


_BAD = (TagRole.SCRAP_COUNT, TagRole.REWORK_COUNT)


def amended(
    counts: Mapping[TagRole, Increments], bookings: Sequence[Booking]
) -> dict[TagRole, Increments]:
    """Return the counts with bookings added where the parts were made.

    What becomes scrap or rework is no longer good; nothing more was produced. It joins the
    counter of its own kind, or that of the other bad parts where only those are counted. A
    machine that counts neither good nor bad parts is left alone: what was booked is then all
    that is known of its quality, and whether that is everything nobody can tell.
    """
    found = dict(counts)
    for booking in bookings:
        bad = [role for role in (booking.becomes, *_BAD) if role in counts]
        if TagRole.GOOD_COUNT in counts:
            _add(found, TagRole.GOOD_COUNT, booking.produced_at, -booking.quantity)
        if bad:
            _add(found, bad[0], booking.produced_at, booking.quantity)
    return found


def _add(counts: dict[TagRole, Increments], role: TagRole, moment: int, parts: float) -> None:
    made = counts[role]
    place = int(np.searchsorted(made.times, moment, side="right"))
    counts[role] = replace(
        made,
        times=np.insert(made.times, place, moment),
        amounts=np.insert(made.amounts, place, parts),
        events=np.insert(made.events, place, CounterEvent.CORRECTED),
        unseen=None if made.unseen is None else np.insert(made.unseen, place, values=False),
    )
