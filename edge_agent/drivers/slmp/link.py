"""One connection to a MELSEC controller, as reads of devices."""

import asyncio
import struct
from collections.abc import Iterable

from edge_agent.drivers.polled import LinkLostError
from edge_agent.drivers.slmp.address import Cell, Group, grouped
from edge_agent.drivers.slmp.frame import HEAD, length_after, refusal, request, values
from edge_agent.drivers.slmp.settings import SlmpSettings
from plant.errors import DataError


class SlmpLink:
    """One connection over TCP; see `edge_agent.drivers.polled.Link`."""

    def __init__(self, settings: SlmpSettings) -> None:
        self._settings = settings
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """See `Link.open`."""
        settings = self._settings
        try:
            async with asyncio.timeout(settings.timeout_s):
                self._streams = await asyncio.open_connection(settings.host, settings.port)
        except TimeoutError as exc:
            raise LinkLostError(f"no answer within {settings.timeout_s:g} s") from exc
        except OSError as exc:
            raise LinkLostError(f"nothing answers ({exc.strerror or exc})") from exc

    def groups(self, cells: Iterable[tuple[int, Cell]]) -> list[Group]:
        """See `Link.groups`."""
        return grouped(cells, self._settings.max_gap, self._settings.max_words)

    async def read(self, group: Group) -> bytes:
        """See `Link.read`; the bytes are words, the low byte first, bits too."""
        if self._streams is None:
            raise LinkLostError("it is not connected")
        settings = self._settings
        reader, writer = self._streams
        try:
            async with asyncio.timeout(settings.timeout_s):
                writer.write(request(settings.route, group, settings.timeout_s))
                await writer.drain()
                body = await reader.readexactly(length_after(await reader.readexactly(HEAD)))
        except TimeoutError as exc:
            # 3E answers carry no number: a late one would be taken for that of the next request.
            raise LinkLostError(f"no answer within {settings.timeout_s:g} s") from exc
        except (OSError, asyncio.IncompleteReadError) as exc:
            raise LinkLostError("the connection was lost") from exc
        except ValueError as exc:
            raise LinkLostError(f"the answer is not understood ({exc})") from exc
        reason = refusal(body)
        if reason is not None:
            raise DataError("refused", reason)
        try:
            found = values(group, body[2:])
        except ValueError as exc:
            raise LinkLostError(f"the answer is not understood ({exc})") from exc
        return struct.pack(f"<{len(found)}H", *found)

    def value(self, group: Group, cell: Cell, raw: bytes) -> object:
        """See `Link.value`."""
        first = 2 * (cell.number - group.start)
        words = struct.unpack_from(f"<{cell.width}H", raw, first)
        return cell.decode(words, self._settings.encoding)

    async def close(self) -> None:
        """See `Link.close`."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
