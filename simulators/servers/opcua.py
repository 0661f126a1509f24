"""The plant behind OPC UA: one variable per tag, with source times, status codes and history.

Values are written straight into the address space, past the session layer, which would stamp
and check each write: at 240 times real time that is most of the work. History is read from the
truth file, so it survives a restart and holds exactly what was given out.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import cast

from asyncua import ua
from asyncua.common.events import Event
from asyncua.common.node import Node
from asyncua.server.history import HistoryStorageInterface
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from plant.clock import from_microseconds, microseconds
from plant.measurement import Quality, Value
from simulators.disorder import Issue
from simulators.floor import Floor
from simulators.pilot import Pilot, ServedTag
from simulators.servers.server import refused
from simulators.truth import TruthFile

# It warns at every start that nothing is encrypted; a simulated machine has no secrets.
logging.getLogger("asyncua.server.server").setLevel(logging.ERROR)

NAMESPACE = "urn:nhipmay:simulators"
_PAGE = 5_000
_GOOD = ua.StatusCode(ua.UInt32(StatusCodes.Good))
_BAD = ua.StatusCode(ua.UInt32(StatusCodes.BadSensorFailure))
_WAITING = ua.StatusCode(ua.UInt32(StatusCodes.BadWaitingForInitialData))


class TagCodec:
    """How a tag's values look on the wire: text, a code for a text, a whole number or a double."""

    def __init__(self, tag: ServedTag) -> None:
        self._codes = {text: code for code, text in tag.states.items()}
        if self._codes:
            self.type = ua.VariantType.Int32
        elif tag.is_text:
            self.type = ua.VariantType.String
        elif tag.key.endswith("_count"):
            self.type = ua.VariantType.UInt32
        else:
            self.type = ua.VariantType.Double

    def data_value(self, source_us: int, value: Value, quality: int) -> ua.DataValue:
        """Return a reading as OPC UA shows it; a bad one has no value."""
        moment = cast("ua.DateTime", from_microseconds(source_us))
        if quality != Quality.GOOD or value is None:
            return ua.DataValue(ua.Variant(), _BAD, moment, moment)
        return ua.DataValue(ua.Variant(self._raw(value), self.type), _GOOD, moment, moment)

    def _raw(self, value: Value) -> Value:
        if self._codes:
            return self._codes.get(str(value), 0)
        return float(value) if self.type is ua.VariantType.Double and value is not None else value


class TruthHistory(HistoryStorageInterface):
    """Raw history of every tag, read from the truth file."""

    def __init__(self, truth: TruthFile, codecs: dict[ua.NodeId, tuple[int, TagCodec]]) -> None:
        super().__init__(_PAGE)
        self._truth = truth
        self._codecs = codecs

    async def read_node_history(
        self,
        node_id: ua.NodeId,
        start: datetime | None,
        end: datetime | None,
        nb_values: int,
    ) -> tuple[list[ua.DataValue], datetime | None]:
        """Return a page of readings and, when there are more, the source time of the next one.

        An absent or zero start means backwards from the end, as OPC UA part 11 has it.
        """
        if node_id not in self._codecs:
            return [], None
        tag_id, codec = self._codecs[node_id]
        first, last = _bound(start), _bound(end)
        backward = first is None or (last is not None and last < first)
        low, high = (last, first) if backward else (first, last)
        if first is None:
            low, high = None, last
        page = min(nb_values or _PAGE, _PAGE)
        rows = self._truth.history(
            tag_id,
            low if low is not None else -(2**62),
            high if high is not None else 2**62,
            page + 1,
            backward=backward,
        )
        more = from_microseconds(rows[page][0]) if len(rows) > page else None
        # Asyncua: None for no more.
        return [codec.data_value(*row) for row in rows[:page]], more  # type: ignore[arg-type]

    async def init(self) -> None:
        """Do nothing: the file is open."""

    async def stop(self) -> None:
        """Do nothing: the file belongs to the service."""

    async def new_historized_node(
        self, node_id: ua.NodeId, period: timedelta | None, count: int = 0
    ) -> None:
        """Do nothing: every tag has history."""

    async def save_node_value(self, node_id: ua.NodeId, datavalue: ua.DataValue) -> None:
        """Do nothing: it is recorded before it is written."""

    async def new_historized_event(
        self,
        source_id: ua.NodeId,
        evtypes: list[Node],
        period: timedelta | None,
        count: int = 0,
    ) -> None:
        """Do nothing: there are no events."""

    async def save_event(self, event: Event) -> None:
        """Do nothing: there are no events."""

    async def read_event_history(
        self,
        source_id: ua.NodeId,
        start: datetime | None,
        end: datetime | None,
        nb_values: int,
        evfilter: ua.EventFilter,
    ) -> tuple[list[Event], datetime | None]:
        """Return nothing: there are no events."""
        return [], None


class OpcUaPlantServer:
    """The server; see the module."""

    def __init__(self, pilot: Pilot, truth: TruthFile, host: str, port: int) -> None:
        self._pilot = pilot
        self._truth = truth
        self._host = host
        self._port = port
        self._server = Server()
        self._nodes: list[ua.NodeId] = []
        self._codecs: list[TagCodec] = []

    async def start(self) -> None:
        """Build the address space with the newest recorded values, then open the port."""
        server = self._server
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        await server.init()
        server.set_endpoint(f"opc.tcp://{self._host}:{self._port}/")
        server.set_server_name(self._pilot.plant.enterprise.english)
        await self._build(await server.register_namespace(NAMESPACE))
        codecs = {
            node: (tag_id, codec)
            for tag_id, (node, codec) in enumerate(zip(self._nodes, self._codecs, strict=True))
        }
        server.iserver.history_manager.set_storage(TruthHistory(self._truth, codecs))
        await self._write((row[0], row[1], _value(row[2]), row[3]) for row in self._truth.latest())
        try:
            await server.start()
        except OSError as exc:
            raise refused(self._host, self._port, exc) from exc

    async def publish(self, floor: Floor) -> None:
        """Write what was issued since the last call, in its order."""
        issues, floor.issued = floor.issued, []
        await self._write(issues)

    async def stop(self) -> None:
        """Close the port and all connections."""
        await self._server.stop()

    async def _write(self, issues: Iterable[Issue]) -> None:
        write = self._server.iserver.aspace.write_attribute_value
        for tag_id, source_us, value, quality in issues:
            await write(
                self._nodes[tag_id],
                AttributeIds.Value,
                self._codecs[tag_id].data_value(source_us, value, quality),
            )

    async def _build(self, namespace: int) -> None:
        folders: dict[str, Node] = {}
        for tag in self._pilot.tags:
            if tag.machine not in folders:
                folders[tag.machine] = await self._server.nodes.objects.add_folder(
                    ua.NodeId.from_string(f"ns={namespace};s={tag.machine}"),
                    ua.QualifiedName(tag.machine, namespace),
                )
            codec = TagCodec(tag)
            node_id = ua.NodeId.from_string(tag.address)
            node = await folders[tag.machine].add_variable(
                node_id, ua.QualifiedName(tag.key, namespace), _EMPTY[codec.type], codec.type
            )
            await self._allow_history(node)
            await node.write_value(ua.DataValue(ua.Variant(), _WAITING))
            self._nodes.append(node_id)
            self._codecs.append(codec)

    async def _allow_history(self, node: Node) -> None:
        await node.set_attr_bit(AttributeIds.AccessLevel, ua.AccessLevel.HistoryRead)
        await node.set_attr_bit(AttributeIds.UserAccessLevel, ua.AccessLevel.HistoryRead)
        await node.write_attribute(AttributeIds.Historizing, ua.DataValue(ua.Variant(True)))


_EMPTY: dict[ua.VariantType, int | float | str] = {
    ua.VariantType.Int32: 0,
    ua.VariantType.UInt32: 0,
    ua.VariantType.Double: 0.0,
    ua.VariantType.String: "",
}


def _bound(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # OPC UA's null time is its epoch, 1601.
    return None if aware.year <= 1601 else microseconds(aware)


def _value(stored: object) -> Value:
    assert stored is None or isinstance(stored, (int, float, str))
    return stored
