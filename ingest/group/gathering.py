"""Messages opened one after another; data of an edge whose ids follow one another become one.

So do those of a device without ids. What a message costs beside its rows is then only its JSON and
a few list operations: the ledger, the registry and numpy see an edge's thousand messages of one
value as one of a thousand values.
"""

from time import monotonic

from ingest.decoding.message import Message
from ingest.decoding.opening import open_parcel, read_data, read_values
from ingest.decoding.parcel import Parcel
from ingest.decoding.run import DataRun, DeviceRun, Run
from ingest.group.cost import BYTES_OF_A_ROW, GroupCost
from ingest.settings import LimitSettings
from plant.errors import DataError
from plant.native.device_values import DeviceValues
from plant.native.message import DataBatch, Leaf, parse_topic

_DATA, _VALUES = f"/{Leaf.DATA}", f"/{Leaf.VALUES}"
_MOST_ROWS = 4_096
"""Of a parcel that is made of several messages: so little that the first of a group is soon ready
for the database, and so much that numpy's price of a call does not count."""


class Gathering:
    """A group in the making; the messages of one edge keep their order in it."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        self._parcels: list[Parcel | Run] = []
        self._open: dict[str, Run] = {}
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
        return [one.parcel() if isinstance(one, Run) else one for one in self._parcels]

    def _note_dear(self, message: Message, before: int) -> None:
        cost = (self._cost.rows - before) * BYTES_OF_A_ROW - len(message.payload)
        if cost > self.dear.get(message.topic, 0):
            self.dear[message.topic] = cost

    def _added_to_run(self, message: Message) -> bool:
        """Tell whether it is of measurements, as it should be, and has been added to others."""
        try:
            if message.topic.endswith(_DATA):
                self._add_data(message, read_data(message, self._limits))
                return True
            # A retained one of a device is no sign of life, as those around it are.
            if message.topic.endswith(_VALUES) and not message.retained:
                self._add_values(message, read_values(message, self._limits))
                return True
        except DataError:
            pass
        return False

    def _add_data(self, message: Message, batch: DataBatch) -> None:
        run = self._open.get(message.topic)
        if isinstance(run, DataRun) and run.rows < _MOST_ROWS and run.continued_by(batch):
            run.add(message, batch)
        else:
            address, _ = parse_topic(message.topic)
            before = self._cost.rows
            self._cost.add_life(address, batch.epoch)
            self._note_dear(message, before)
            self._begin(DataRun(address, self._limits.max_text_length, message, batch))
        self.rows += len(batch.value)
        self._cost.add_data(len(batch.value), len(message.payload))

    def _add_values(self, message: Message, said: DeviceValues) -> None:
        run, before = self._open.get(message.topic), self._cost.rows
        if isinstance(run, DeviceRun) and run.rows < _MOST_ROWS:
            run.add(message, said)
        else:
            address, _ = parse_topic(message.topic)
            self._cost.add_status()
            self._begin(DeviceRun(address, self._limits.max_text_length, message, said))
        self.rows += len(said.value)
        self._cost.add_values(len(said.value), len(message.payload))
        self._note_dear(message, before)

    def _begin(self, run: Run) -> None:
        topic = run.topic
        if topic in self._open:
            # Full, or broken off: nothing more can come to it.
            self._open[topic].parcel()
        self._open[topic] = run
        self._parcels.append(run)
