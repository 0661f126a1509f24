"""Messages opened one after another; data of an edge whose ids follow one another become one.

What a message costs beside its rows is then only its JSON and a few list operations: the ledger,
the registry and numpy see an edge's thousand messages of one value as one of a thousand values.
"""

from time import monotonic

import numpy as np

from ingest.decoding.column import value_columns, whole_numbers
from ingest.decoding.json_size import check_items
from ingest.decoding.message import Message
from ingest.decoding.parcel import DataParcel, Ids, Parcel, check_epoch, items_of, open_parcel
from ingest.group.cost import BYTES_OF_A_ROW, GroupCost
from ingest.settings import LimitSettings
from plant.errors import DataError
from plant.measurement import Value
from plant.native.message import DataBatch, EdgeAddress, Leaf, decode_data, parse_topic

_DATA = f"/{Leaf.DATA}"
_MOST_ROWS = 4_096
"""Of a parcel that is made of several messages: so little that the first of a group is soon ready
for the database, and so much that numpy's price of a call does not count."""


class Gathering:
    """A group in the making; the messages of one edge keep their order in it."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        self._most_items = items_of(limits.max_rows)
        self._parcels: list[Parcel | _Run] = []
        self._open: dict[str, _Run] = {}
        """By topic, the run that the next message of it may continue."""
        self._cost = GroupCost()
        self._began_at = 0.0
        self.rows = 0
        """How many measurements were read so far."""
        self.dear: dict[str, int] = {}
        """By topic, what a message of it cost beside its bytes, in bytes; for whoever asks."""

    def __bool__(self) -> bool:
        return bool(self._parcels)

    @property
    def cost(self) -> int:
        """What it will cost the database, in rows."""
        return self._cost.rows

    @property
    def age_s(self) -> float:
        """For how long its first message has waited."""
        return monotonic() - self._began_at

    def add(self, message: Message) -> None:
        """Open a message; one that cannot be read becomes a refused parcel, nothing is raised."""
        if not self._parcels:
            self._began_at = monotonic()
        if not self._added_to_run(message):
            # What follows it may not be put before it.
            self._open.pop(message.topic, None)
            parcel = open_parcel(message, self._limits)
            self.rows += parcel.rows
            before = self._cost.rows
            self._cost.add(parcel)
            self._note_dear(message, before)
            self._parcels.append(parcel)

    def close(self) -> None:
        """Make columns of what was added: while the database works, that costs no time."""
        self._parcels = list(self.parcels())
        self._open.clear()

    def parcels(self) -> list[Parcel]:
        """Return all that was added."""
        return [one.parcel() if isinstance(one, _Run) else one for one in self._parcels]

    def _note_dear(self, message: Message, before: int) -> None:
        cost = (self._cost.rows - before) * BYTES_OF_A_ROW - len(message.payload)
        if cost > self.dear.get(message.topic, 0):
            self.dear[message.topic] = cost

    def _added_to_run(self, message: Message) -> bool:
        """Tell whether it is a data message as it should be, and has been added as one."""
        topic, payload = message.topic, message.payload
        size = max(message.size, len(payload))
        if not topic.endswith(_DATA) or size > self._limits.max_payload_bytes:
            return False
        try:
            check_items(payload, self._most_items)
            batch = decode_data(payload)
            rows = batch.last_id + 1 - batch.first_id
            if rows > self._limits.max_rows:
                return False
            run = self._open.get(topic)
            if run is None or not run.continued_by(batch):
                before = self._cost.rows
                begun = self._begin(topic, batch)
                self._note_dear(message, before)
                if run is not None:
                    run.parcel()
                run = begun
        except DataError:
            return False
        run.add(message, batch)
        self.rows += rows
        self._cost.add_data(rows, len(payload))
        return True

    def _begin(self, topic: str, batch: DataBatch) -> "_Run":
        address, _ = parse_topic(topic)
        check_epoch(batch.epoch)
        run = _Run(address, batch.epoch, batch.first_id, self._limits.max_text_length)
        self._cost.add_life(address, batch.epoch)
        self._open[topic] = run
        self._parcels.append(run)
        return run


class _Run:
    """Data messages of one edge and epoch, each beginning with the id after the one before."""

    __slots__ = (
        "_address",
        "_epoch",
        "_graded",
        "_longest_text",
        "_messages",
        "_names",
        "_parcel",
        "_quality",
        "_rows",
        "_start",
        "_stop",
        "_tag",
        "_time_us",
        "_value",
    )

    def __init__(self, address: EdgeAddress, epoch: str, start: int, longest_text: int) -> None:
        self._address, self._epoch = address, epoch
        self._longest_text = longest_text
        self._parcel: DataParcel | None = None
        self._start = self._stop = start
        self._messages: list[Message] = []
        self._rows: list[int] = []
        """Of each message."""
        self._names: dict[str, int] = {}
        self._tag: list[int] = []
        self._time_us: list[int] = []
        self._value: list[Value] = []
        self._quality: list[int] = []
        self._graded = False
        """Whether any message said anything of quality."""

    def continued_by(self, batch: DataBatch) -> bool:
        return (
            batch.first_id == self._stop
            and batch.epoch == self._epoch
            and self._stop - self._start < _MOST_ROWS
        )

    def add(self, message: Message, batch: DataBatch) -> None:
        rows = batch.last_id + 1 - self._stop
        self._stop += rows
        self._messages.append(message)
        self._rows.append(rows)
        names = self._names
        where = [names.setdefault(name, len(names)) for name in batch.tags]
        self._tag.extend(map(where.__getitem__, batch.tag))
        self._time_us += batch.time_us
        self._value += batch.value
        if batch.quality is not None:
            self._graded = True
            # Those before said nothing, which is good.
            self._quality += [0] * (len(self._time_us) - rows - len(self._quality))
            self._quality += batch.quality

    def parcel(self) -> DataParcel:
        """Return it as columns, which are made once: nothing may be added any more."""
        if self._parcel is None:
            self._parcel = self._columns()
        return self._parcel

    def _columns(self) -> DataParcel:
        count = len(self._value)
        kind, number = value_columns(self._value, self._longest_text)
        if self._graded:
            self._quality += [0] * (count - len(self._quality))
            quality = whole_numbers(self._quality)
        else:
            quality = np.zeros(count, np.int64)
        return DataParcel(
            message=self._messages[0],
            address=self._address,
            ids=Ids(self._epoch, self._start, self._stop),
            tags=list(self._names),
            tag=np.array(self._tag, np.int64),
            time_us=whole_numbers(self._time_us),
            kind=kind,
            number=number,
            value=self._value,
            quality=quality,
            more=self._messages[1:],
            rows_of=self._rows,
        )
