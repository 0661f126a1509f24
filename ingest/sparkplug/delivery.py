"""What a Sparkplug message changes in the database, in terms of our edges and tags."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ingest.decoding.column import value_columns, whole_numbers
from ingest.decoding.message import Message
from ingest.decoding.parcel import DataParcel, Ids
from plant.measurement import Quality, Value
from plant.native.message import EdgeAddress, TagDeclaration

Flags = Sequence[bool] | NDArray[np.bool_]
"""One for each of some rows."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a tag."""

    tag: str
    time_us: int
    value: Value
    quality: Quality
    may_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether an edge is there, as of a moment."""

    online: bool
    at: datetime
    sampled: datetime | None = None
    """Whatever was measured before this moment has arrived."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message, or some of its metrics, cannot be stored."""

    reason: str
    detail: str
    rows: int = 0
    """How many measurements are lost by it."""
    whole: bool = True
    """The message tells nothing else."""
    once: bool = False
    """It would be the same for every message of its topic: one row is enough."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The effect of one message, or of the host itself (`message` is then made up)."""

    message: Message
    address: EdgeAddress | None = None
    epoch: str = ""
    """The session of the node, for people who look into rejections."""
    tags: Sequence[TagDeclaration] = ()
    data: DataParcel | None = None
    may_repeat: Flags = ()
    """Which rows of `data` may be stored already."""
    presence: Presence | None = None
    refusals: Sequence[Refusal] = ()
    repeated: bool = False
    """The message tells nothing new."""
    counted: bool = True
    """It came from a broker, so it counts as a message."""
    more: Sequence[Message] = ()
    """The messages after `message`, where several tell nothing but data."""

    @property
    def rows(self) -> int:
        """How many measurements it holds, those that are refused included."""
        held = self.data.rows if self.data else 0
        return held + sum(refusal.rows for refusal in self.refusals)

    def apart(self) -> Iterator["Delivery"]:
        """Yield the messages that it is made of, each by itself."""
        if not self.more:
            yield self
            return
        parcels = iter(self.data.apart(numbered=False) if self.data else ())
        repeats = iter(self.may_repeat)
        for message in (self.message, *self.more):
            # A message of which nothing is stored has a parcel without rows.
            parcel = next(parcels, None)
            rows = parcel.rows if parcel else 0
            yield replace(
                self,
                message=message,
                more=(),
                data=parcel,
                may_repeat=list(islice(repeats, rows)),
            )

    def repeated_in_doubt(self) -> "Delivery":
        """Return it as one whose rows may all be stored already."""
        return replace(self, may_repeat=(True,) * len(self.may_repeat))

    @property
    def refused_whole(self) -> bool:
        """Nothing of it can be stored."""
        return any(refusal.whole for refusal in self.refusals)


def data_parcel(
    message: Message, address: EdgeAddress, epoch: str, samples: Sequence[Sample], limit: int
) -> DataParcel | None:
    """Return samples as columns; their ids are only their places within the message.

    `limit` is the longest text. None when there are no samples.
    """
    if not samples:
        return None
    tags: dict[str, int] = {}
    index = [tags.setdefault(sample.tag, len(tags)) for sample in samples]
    values = [sample.value for sample in samples]
    kind, number = value_columns(values, limit)
    return DataParcel(
        message=message,
        address=address,
        ids=Ids(epoch, 1, len(samples) + 1),
        tags=list(tags),
        tag=np.array(index, np.int64),
        time_us=whole_numbers([sample.time_us for sample in samples]),
        kind=kind,
        number=number,
        value=values,
        quality=np.array([int(sample.quality) for sample in samples], np.int64),
    )
