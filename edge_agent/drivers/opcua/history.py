"""Reading a server's history: what was missed while disconnected, many tags in one request."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaStatusCodeError

from edge_agent.drivers.opcua.portion import Portion

_NO_HISTORY = frozenset(
    {
        StatusCodes.BadHistoryOperationInvalid,
        StatusCodes.BadHistoryOperationUnsupported,
        StatusCodes.BadServiceUnsupported,
        StatusCodes.BadNotReadable,
        StatusCodes.BadUserAccessDenied,
        StatusCodes.BadNotSupported,
        StatusCodes.BadNotImplemented,
        StatusCodes.BadAttributeIdInvalid,
    }
)
_VALUES = 5000
"""In one answer over all nodes: decoding them takes a tenth of a second."""
_FEWEST = 50


class History:
    """The history of one server as far as it has any."""

    def __init__(self, client: Client, portion: Portion) -> None:
        self._client = client
        self._portion = portion

    async def pages(
        self, nodes: Sequence[ua.NodeId], start: datetime, end: datetime
    ) -> AsyncIterator[dict[int, "Page"]]:
        """Yield pages of raw values with source times in `[start, end]`, by place in `nodes`.

        A node appears until it is read to its end, has none, or fails by itself. Raises asyncua's
        errors when the connection is lost. Continuation points are kept until they are used up
        (`releaseContinuationPoints` false, OPC UA part 4, 5.11.3).
        """

        async def read(
            part: Sequence[tuple[ua.NodeId, bytes | None]],
        ) -> list[ua.HistoryReadResult]:
            return await self._read(part, start, end)

        open_: dict[int, bytes | None] = dict.fromkeys(range(len(nodes)))
        while open_:
            asked = [(nodes[place], point) for place, point in open_.items()]
            places = iter(list(open_))
            continued: dict[int, bytes | None] = {}
            async for part, results in self._portion.each(asked, read):
                pages: dict[int, Page] = {}
                for (_, before), result in zip(part, results, strict=True):
                    place = next(places)
                    page = Page.of(result)
                    pages[place] = page
                    point = result.ContinuationPoint
                    # A server that makes no progress gives the same point again, and nothing else.
                    stuck = point == before and not page.values
                    if point and not page.failed and not stuck:
                        continued[place] = point
                yield pages
            open_ = continued

    async def _read(
        self,
        nodes: Sequence[tuple[ua.NodeId, bytes | None]],
        start: datetime,
        end: datetime,
    ) -> list[ua.HistoryReadResult]:
        parameters = ua.HistoryReadParameters()
        parameters.HistoryReadDetails = ua.ReadRawModifiedDetails(
            IsReadModified=False,
            StartTime=start,
            EndTime=end,
            NumValuesPerNode=ua.Counter(max(_FEWEST, _VALUES // len(nodes))),
            ReturnBounds=False,
        )
        parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
        # The library says true by itself, which gives up every point that is to be continued.
        parameters.ReleaseContinuationPoints = False
        parameters.NodesToRead = [
            ua.HistoryReadValueId(NodeId=node, IndexRange="", ContinuationPoint=point)
            for node, point in nodes
        ]
        try:
            return await self._client.uaclient.history_read(parameters)
        except UaStatusCodeError as exc:
            if exc.code not in _NO_HISTORY:
                raise
            status = ua.StatusCode(ua.UInt32(exc.code))
            return [ua.HistoryReadResult(StatusCode=status) for _ in nodes]


class Page:
    """One answer about one node."""

    __slots__ = ("has_history", "status", "values")

    def __init__(self, values: Sequence[ua.DataValue], status: ua.StatusCode) -> None:
        self.values = values
        self.status = status
        self.has_history = int(status.value) not in _NO_HISTORY

    @classmethod
    def of(cls, result: ua.HistoryReadResult) -> "Page":
        """Take an answer; values of a failed one are none."""
        data = result.HistoryData
        values = data.DataValues if isinstance(data, ua.HistoryData) else None
        return cls(values or (), result.StatusCode)

    @property
    def failed(self) -> bool:
        """Whether the server refuses to read this node's history, or has none."""
        return bool(self.status.value >> 31)
