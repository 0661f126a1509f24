"""How many operations a server takes in one request: told by it, or learnt from its refusals."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaStatusCodeError

Item = TypeVar("Item")
Result = TypeVar("Result")

_TOO_MUCH = frozenset(
    {
        StatusCodes.BadTooManyOperations,
        StatusCodes.BadEncodingLimitsExceeded,
        StatusCodes.BadRequestTooLarge,
        StatusCodes.BadResponseTooLarge,
    }
)
_MOST = 500
_CAPABILITIES = ObjectIds


class Portion:
    """The size of requests of one service."""

    def __init__(self, most: int = _MOST) -> None:
        self.most = most

    def limit(self, told: object) -> None:
        """Take a limit that the server tells; zero is none."""
        if isinstance(told, int) and 0 < told < self.most:
            self.most = told

    async def each(
        self, items: Sequence[Item], call: Callable[[Sequence[Item]], Awaitable[Result]]
    ) -> AsyncIterator[tuple[Sequence[Item], Result]]:
        """Yield the parts of the items, each with what its request answered.

        A request that is too large for the server is halved, and so are all after it.
        """
        first = 0
        while first < len(items):
            part = items[first : first + self.most]
            try:
                result = await call(part)
            except UaStatusCodeError as exc:
                if exc.code not in _TOO_MUCH or len(part) == 1:
                    raise
                self.most = max(1, len(part) // 2)
                continue
            first += len(part)
            yield part, result


class Limits:
    """The portions of each service of one server."""

    def __init__(self) -> None:
        self.items = Portion()
        self.read = Portion()
        self.history = Portion(100)
        self.browse = Portion(100)
        self.translate = Portion()

    async def learn(self, client: Client) -> None:
        """Read what the server tells of its limits; one that tells nothing keeps the usual ones."""
        prefix = "Server_ServerCapabilities_OperationLimits_"
        asked = {
            "MaxMonitoredItemsPerCall": self.items,
            "MaxNodesPerRead": self.read,
            "MaxNodesPerHistoryReadData": self.history,
            "MaxNodesPerBrowse": self.browse,
            "MaxNodesPerTranslateBrowsePathsToNodeIds": self.translate,
        }
        nodes = [ua.NodeId(ua.Int32(getattr(_CAPABILITIES, prefix + name))) for name in asked]
        values = await read_attributes(client, Portion(), nodes, AttributeIds.Value)
        for portion, value in zip(asked.values(), values, strict=True):
            if value.Value is not None and quality_is_good(value):
                portion.limit(value.Value.Value)


def quality_is_good(value: ua.DataValue) -> bool:
    """Return whether an attribute was read."""
    return value.StatusCode is None or value.StatusCode.value >> 30 == 0


async def read_attributes(
    client: Client, portion: Portion, nodes: Sequence[ua.NodeId], attribute: AttributeIds
) -> list[ua.DataValue]:
    """Read one attribute of many nodes; each answer carries its own status."""

    async def read(part: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        parameters = ua.ReadParameters()
        parameters.NodesToRead = [
            ua.ReadValueId(NodeId=node, AttributeId=attribute) for node in part
        ]
        return await client.uaclient.read(parameters)

    found: list[ua.DataValue] = []
    async for _part, values in portion.each(nodes, read):
        found += values
    return found
