"""Reading a server's history: what was missed while disconnected."""

from collections.abc import AsyncIterator
from datetime import datetime

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaStatusCodeError

_NO_HISTORY = frozenset(
    {
        StatusCodes.BadHistoryOperationInvalid,
        StatusCodes.BadHistoryOperationUnsupported,
        StatusCodes.BadServiceUnsupported,
        StatusCodes.BadNotReadable,
        StatusCodes.BadUserAccessDenied,
        StatusCodes.BadNotSupported,
    }
)


class NoHistoryError(Exception):
    """The server keeps no history of this node, or does not show it."""


async def raw_history(
    client: Client, node: ua.NodeId, start: datetime, end: datetime
) -> AsyncIterator[list[ua.DataValue]]:
    """Yield the raw values of a node with source times in `[start, end]`, page by page.

    Raises NoHistoryError when the server has none to give, and asyncua's errors when the
    connection is lost.
    """
    continuation: bytes | None = None
    while True:
        result = await _page(client, node, start, end, continuation)
        if isinstance(result.HistoryData, ua.HistoryData) and result.HistoryData.DataValues:
            yield result.HistoryData.DataValues
        # A server that makes no progress gives the same point again.
        if not result.ContinuationPoint or result.ContinuationPoint == continuation:
            return
        continuation = result.ContinuationPoint


async def _page(
    client: Client, node: ua.NodeId, start: datetime, end: datetime, continuation: bytes | None
) -> ua.HistoryReadResult:
    parameters = ua.HistoryReadParameters()
    parameters.HistoryReadDetails = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=start,
        EndTime=end,
        NumValuesPerNode=0,
        ReturnBounds=False,
    )
    parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
    parameters.NodesToRead = [
        ua.HistoryReadValueId(NodeId=node, IndexRange="", ContinuationPoint=continuation)
    ]
    try:
        result = (await client.uaclient.history_read(parameters))[0]
        result.StatusCode.check()
    except UaStatusCodeError as exc:
        if exc.code in _NO_HISTORY:
            raise NoHistoryError from exc
        raise
    return result
