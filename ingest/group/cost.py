"""What a group of messages will cost the database, told before it is written.

A group shares one transaction, and whoever comes next waits for its end. So it is closed by what it
costs, not by how many messages it has: a birth may announce thousands of tags, and rows of an
outbox with several lives are compared one life at a time.
"""

from dataclasses import dataclass, field

from ingest.decoding.parcel import BirthParcel, DataParcel, DeviceParcel, Parcel, RefusedParcel
from plant.native.message import EdgeAddress

# In rows of measurements, each about 3 µs; measured.
_MESSAGE = 5
_DEVICE_VALUE = 4
_STATUS = 100
_BIRTH = 2_000
_TAG = 5
_REFUSED = 50
BYTES_OF_A_ROW = 250
_OTHER_LIFE = 3_000
"""Another life of an edge of which the group has one: compared and written by itself."""


@dataclass(slots=True)
class GroupCost:
    """Adds up what the messages of one group cost, in rows of measurements."""

    rows: int = 0
    _lives: dict[EdgeAddress, set[str]] = field(default_factory=dict)

    def add_data(self, rows: int, size: int) -> None:
        """Add a data message of so many measurements and bytes."""
        self.rows += max(_MESSAGE + rows, size // BYTES_OF_A_ROW)

    def add_values(self, rows: int, size: int) -> None:
        """Add a message of a device without outbox ids."""
        self.rows += max(_MESSAGE + _DEVICE_VALUE * rows, size // BYTES_OF_A_ROW)

    def add_status(self) -> None:
        """Add that somebody gives a sign of life."""
        self.rows += _STATUS

    def add_life(self, address: EdgeAddress, epoch: str) -> None:
        """Add that there are data messages of this life of an edge's outbox."""
        lives = self._lives.setdefault(address, set())
        if epoch not in lives:
            lives.add(epoch)
            self.rows += _OTHER_LIFE * (len(lives) > 1)

    def add(self, parcel: Parcel) -> None:
        """Add a message of any other kind, or one that is refused."""
        match parcel:
            case DataParcel():
                self.add_life(parcel.address, parcel.ids.epoch)
                cost = _MESSAGE + parcel.rows
            case DeviceParcel():
                cost = _STATUS + _DEVICE_VALUE * parcel.rows
            case BirthParcel():
                cost = _BIRTH + _TAG * len(parcel.birth.tags)
            case RefusedParcel():
                cost = _REFUSED
            case _:
                cost = _STATUS
        self.rows += max(cost, len(parcel.message.payload) // BYTES_OF_A_ROW)
