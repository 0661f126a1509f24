"""One connection to an S7 controller, as reads of bytes."""

import asyncio
import logging
import re
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from snap7.async_client import AsyncClient
from snap7.error import S7Error, S7ProtocolError
from snap7.s7protocol import S7Protocol
from snap7.type import Area as SnapArea

from edge_agent.drivers.polled import LinkLostError
from edge_agent.drivers.s7.address import Area, Cell, Group, grouped
from edge_agent.drivers.s7.settings import S7Settings
from plant.errors import DataError

# It logs every lost connection; the agent reports each change once, in its own words.
logging.getLogger("snap7").setLevel(logging.CRITICAL + 1)

_AREAS: Final = {
    Area.DATA_BLOCK: SnapArea.DB,
    Area.MERKER: SnapArea.MK,
    Area.INPUT: SnapArea.PE,
    Area.OUTPUT: SnapArea.PA,
}
_CONNECTIONS: Final = {"pg": 1, "op": 2, "basic": 3}
_READ_OVERHEAD: Final = 18
"""Bytes of an answer that are not data."""
_ITEM_CODE = re.compile(r"\(0x([0-9a-f]{2})\)$")
_REASONS: Final = {
    0x01: "the controller reports a hardware fault",
    0x03: "access is not allowed; allow PUT/GET for this controller",
    0x05: "there is no such address; is the data block long enough?",
    0x06: "the type does not fit",
    0x07: "the type does not fit",
    0x0A: "there is no such data block, or it is optimised",
}
_FAULTS = (S7Error, OSError, TimeoutError, struct.error, ValueError, LookupError, TypeError)
"""What the library may raise when the other side answers nonsense."""
_HEADER: Final = 12
_ANSWER: Final = 3
_READ: Final = 4
_GIVEN: Final = 0xFF
_GOODBYE_S: Final = 1.0


class _Protocol(S7Protocol):
    """The library's protocol, which also reads refusals in libsnap7's form (`0A 00 00 04`)."""

    def parse_response(self, pdu: bytes) -> dict[str, Any]:
        """Return the parts of an answer."""
        return super().parse_response(without_length_of_refusal(pdu))


def without_length_of_refusal(pdu: bytes) -> bytes:
    """Return an answer to a read; of a refusal that names a length, but has no data, with none."""
    if (
        len(pdu) < _HEADER + 2
        or pdu[1] != _ANSWER
        or pdu[_HEADER] != _READ
        or pdu[_HEADER + 1] != 1
    ):
        return pdu
    item = _HEADER + int.from_bytes(pdu[6:8], "big")
    if len(pdu) < item + 4 or pdu[item] == _GIVEN:
        return pdu
    return pdu[:8] + b"\0\4" + pdu[10:item] + pdu[item : item + 2] + b"\0\0"


class S7Link:
    """One connection. Methods raise LinkLostError when it is of no more use."""

    def __init__(self, settings: S7Settings) -> None:
        self._settings = settings
        self._client = AsyncClient()
        self._client.protocol = _Protocol()
        self._client.connection_type = _CONNECTIONS[settings.connection]
        self._rack, self._slot = settings.rack, settings.slot
        if settings.remote_tsap is not None:
            # The library makes the access point of these three: kind, then three bits and five.
            self._client.connection_type = settings.remote_tsap >> 8
            self._rack, self._slot = settings.remote_tsap >> 5 & 7, settings.remote_tsap & 31
        if settings.local_tsap is not None:
            self._client.local_tsap = settings.local_tsap

    async def open(self) -> None:
        """Connect and agree on the size of answers."""
        settings = self._settings
        try:
            async with asyncio.timeout(settings.timeout_s):
                await self._client.connect(settings.host, self._rack, self._slot, settings.port)
        except TimeoutError as exc:
            raise LinkLostError(f"no answer within {settings.timeout_s:g} s") from exc
        except _FAULTS as exc:
            raise LinkLostError(f"nothing answers as an S7 controller ({exc})") from exc

    def groups(self, cells: Iterable[tuple[int, Cell]]) -> list[Group]:
        """See `Link.groups`."""
        max_bytes = max(1, int(self._client.pdu_length) - _READ_OVERHEAD)
        return grouped(cells, self._settings.max_gap, max_bytes)

    def value(self, group: Group, cell: Cell, raw: bytes) -> object:
        """See `Link.value`."""
        return cell.decode(group.bytes_of(cell, raw), self._settings.encoding)

    async def read(self, group: Group) -> bytes:
        """Return bytes; raise DataError `refused` when the controller does not give them."""
        area, size = _AREAS[group.area], group.size
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                raw = bytes(await self._client.read_area(area, group.block, group.start, size))
        except TimeoutError as exc:
            raise LinkLostError(f"no answer within {self._settings.timeout_s:g} s") from exc
        except S7ProtocolError as exc:
            refusal = _refusal(exc)
            if refusal is None:
                raise LinkLostError(f"the answer is not understood ({exc})") from exc
            raise DataError("refused", refusal) from exc
        except _FAULTS as exc:
            raise LinkLostError(f"the connection was lost ({exc})") from exc
        _be_cancelled()
        if len(raw) != size:
            raise LinkLostError(f"{len(raw)} bytes came instead of {size}")
        return raw

    async def close(self) -> None:
        """End the connection."""
        with suppress(*_FAULTS):
            await asyncio.wait_for(self._client.disconnect(), _GOODBYE_S)


def _be_cancelled() -> None:
    """Raise the cancellation that `asyncio.wait_for`, which the library uses, may swallow.

    Before Python 3.12 it does when the answer comes in the same moment.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _refusal(exc: S7ProtocolError) -> str | None:
    """Return why the controller refuses a read; None when it did not answer properly."""
    item = _ITEM_CODE.search(str(exc))
    if item is not None:
        code = int(item[1], 16)
        return _REASONS.get(code, f"the controller answers code {code:#04x}")
    if exc.error_code:
        return f"the controller answers error {exc.error_code:#06x}"
    return None
