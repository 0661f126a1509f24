"""Messages of one topic in the making: lists, which cost little, until columns are made of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.decoding.column import Kind, value_columns, whole_numbers
from ingest.decoding.message import Message
from ingest.decoding.parcel import DEVICE_EPOCH, DataParcel, DeviceParcel, Ids, Parcel
from plant.measurement import Quality, Value
from plant.native.device_values import DeviceValues
from plant.native.message import DataBatch, EdgeAddress

# Members of an enumeration are slow to look up.
_NOTHING, _GOOD, _BAD = int(Kind.NOTHING), int(Quality.GOOD), int(Quality.BAD)


class Run(ABC):
    """Some messages after one another, which become one parcel."""

    def __init__(self, address: EdgeAddress, longest_text: int) -> None:
        self._address = address
        self._longest_text = longest_text
        self._parcel: Parcel | None = None
        self._messages: list[Message] = []
        self._rows_of: list[int] = []
        self._names: dict[str, int] = {}
        self._tag: list[int] = []
        self._time_us: list[int] = []
        self._value: list[Value] = []

    @property
    def topic(self) -> str:
        """Of its messages."""
        return self._messages[0].topic

    @property
    def rows(self) -> int:
        """How many measurements it holds."""
        return len(self._value)

    def parcel(self) -> Parcel:
        """Return it as columns, which are made once: nothing may be added any more."""
        if self._parcel is None:
            self._parcel = self._made()
        return self._parcel

    @abstractmethod
    def _made(self) -> Parcel: ...

    def _note(self, message: Message, time_us: list[int], value: list[Value]) -> None:
        self._messages.append(message)
        self._rows_of.append(len(value))
        self._time_us += time_us
        self._value += value

    def _places(self, names: Sequence[str]) -> list[int]:
        known = self._names
        return [known.setdefault(name, len(known)) for name in names]

    def _data(
        self,
        ids: Ids,
        tags: Sequence[str],
        kind: NDArray[np.int8],
        number: NDArray[np.float64],
        quality: NDArray[np.int64],
    ) -> DataParcel:
        return DataParcel(
            message=self._messages[0],
            address=self._address,
            ids=ids,
            tags=tags,
            tag=np.array(self._tag, np.int64),
            time_us=whole_numbers(self._time_us),
            kind=kind,
            number=number,
            value=self._value,
            quality=quality,
            more=self._messages[1:],
            rows_of=self._rows_of,
        )


class DataRun(Run):
    """Data messages of one edge and epoch, each beginning with the id after the one before."""

    def __init__(
        self, address: EdgeAddress, longest_text: int, message: Message, batch: DataBatch
    ) -> None:
        super().__init__(address, longest_text)
        self._epoch = batch.epoch
        self._start = self._stop = batch.first_id
        self._quality: list[int] = []
        self._graded = False
        """Whether any message said anything of quality."""
        self.add(message, batch)

    def continued_by(self, batch: DataBatch) -> bool:
        """Tell whether the message may be added."""
        return batch.first_id == self._stop and batch.epoch == self._epoch

    def add(self, message: Message, batch: DataBatch) -> None:
        """Add the next message."""
        self._stop = batch.last_id + 1
        self._tag.extend(map(self._places(batch.tags).__getitem__, batch.tag))
        if batch.quality is not None:
            self._graded = True
            # Those before said nothing, which is good.
            self._quality += [_GOOD] * (len(self._value) - len(self._quality))
            self._quality += batch.quality
        self._note(message, batch.time_us, batch.value)

    def _made(self) -> DataParcel:
        count = len(self._value)
        kind, number = value_columns(self._value, self._longest_text)
        if self._graded:
            quality = whole_numbers(self._quality + [_GOOD] * (count - len(self._quality)))
        else:
            quality = np.zeros(count, np.int64)
        ids = Ids(self._epoch, self._start, self._stop)
        return self._data(ids, list(self._names), kind, number, quality)


class DeviceRun(Run):
    """Values of one device without outbox ids, message after message."""

    def __init__(
        self, address: EdgeAddress, longest_text: int, message: Message, said: DeviceValues
    ) -> None:
        super().__init__(address, longest_text)
        self.add(message, said)

    def add(self, message: Message, said: DeviceValues) -> None:
        """Add the next message."""
        self._tag += self._places(said.path)
        self._note(message, said.time_us, said.value)

    def _made(self) -> DeviceParcel:
        kind, number = value_columns(self._value, self._longest_text)
        # A device says that it has no value by null, and nothing else about its trust in one.
        quality = np.where(kind == _NOTHING, _BAD, _GOOD)
        tags = [f"{self._address.edge}/{path}" for path in self._names]
        ids = Ids(DEVICE_EPOCH, 1, len(self._value) + 1)
        return DeviceParcel(self._data(ids, tags, kind, number, quality))
