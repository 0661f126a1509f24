"""Real protocol servers in the test's process, each in an event loop of its own."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Self, TypeVar, cast

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.history import HistoryDict
from asyncua.server.server import Server
from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.peers.services import free_port
from tests.waiting import HANG_S

T = TypeVar("T")
DATATYPE = ModbusClientMixin.DATATYPE


class LoopThread:
    """An event loop in a thread; `do` runs a coroutine there and waits for it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=HANG_S)

    def close(self) -> None:
        self.do(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class LoopServer(ABC):
    """A server in an event loop of its own, which begins and ends with a `with` block."""

    def __init__(self) -> None:
        self.port = free_port()
        self._thread = LoopThread()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.close()

    def start(self) -> None:
        self._thread.do(self._start())

    def stop(self) -> None:
        self._thread.do(self._stop())

    @abstractmethod
    async def _start(self) -> None: ...

    @abstractmethod
    async def _stop(self) -> None: ...


class OpcUaSource(LoopServer):
    """An OPC UA server with history; `stop` and `start` again keep what was written."""

    def __init__(self, **first: tuple[object, datetime]) -> None:
        super().__init__()
        self._server: Server | None = None
        self._nodes: dict[str, Node] = {}
        self._history: dict[str, list[ua.DataValue]] = {}
        for name, (value, time) in first.items():
            self.write(name, value, time)

    @property
    def endpoint(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}/"

    def write(
        self,
        name: str,
        value: object,
        time: datetime | None,
        status: int = ua.status_codes.StatusCodes.Good,
    ) -> None:
        """Set a value with its source time; while stopped, only the history learns of it."""
        data = ua.DataValue(
            Value=ua.Variant(value),
            StatusCode=ua.StatusCode(ua.UInt32(status)),
            SourceTimestamp=cast("ua.DateTime | None", time),
        )
        self._history.setdefault(name, []).append(data)
        if self._server is not None:
            self._thread.do(self._server.write_attribute_value(self._nodes[name].nodeid, data))

    def add(self, name: str, value: object, time: datetime) -> None:
        """Give a running server one more variable."""
        server, self._server = self._server, None
        self.write(name, value, time)
        self._server = server
        self._thread.do(self._add(name))

    def forget(self) -> None:
        """Keep of the history only what is newest."""
        for name, values in self._history.items():
            self._history[name] = values[-1:]

    async def _start(self) -> None:
        server = Server()
        await server.init()
        server.set_endpoint(self.endpoint)
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        await server.register_namespace("urn:nhipmay:test")
        server.iserver.history_manager.set_storage(_History(self._history))
        self._server = server
        for name in self._history:
            await self._add(name)
        await server.start()

    async def _stop(self) -> None:
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def _add(self, name: str) -> None:
        assert self._server is not None
        present = self._history[name][-1]
        assert present.Value is not None
        node = await self._server.nodes.objects.add_variable(
            ua.NodeId(ua.String(name), ua.Int16(2)), name, present.Value.Value
        )
        self._nodes[name] = node
        await self._server.write_attribute_value(node.nodeid, present)


class _History(HistoryDict):
    """History that is what the test wrote, whatever the subscriptions saw."""

    def __init__(self, values: dict[str, list[ua.DataValue]]) -> None:
        super().__init__(max_history_data_response_size=100)
        self._values = values

    async def read_node_history(
        self, node_id: ua.NodeId, start: datetime | None, end: datetime | None, nb_values: int
    ) -> tuple[list[ua.DataValue], datetime | None]:
        self._datachanges[node_id] = [
            value
            for value in self._values.get(str(node_id.Identifier), [])
            if value.SourceTimestamp is not None
        ]
        return await super().read_node_history(node_id, start, end, nb_values)


class ModbusSource(LoopServer):
    """A Modbus TCP server of 400 holding registers, 8 input registers, 8 coils and 8 inputs."""

    REGISTERS = 400

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[int, int, int]] = []
        """Function, address and count of every read."""
        self.refuse: Callable[[int, int], bool] = lambda _address, _count: False
        """Which reads are answered by an exception."""
        self.registers = [0] * self.REGISTERS
        self._server: ModbusTcpServer | None = None

    def put(self, address: int, value: float | str, kind: DATATYPE, order: str = "big") -> None:
        words = ModbusClientMixin.convert_to_registers(
            value, kind, word_order="little" if order == "little" else "big"
        )
        self.registers[address : address + len(words)] = words

    async def _stop(self) -> None:
        if self._server is not None:
            # Pymodbus has no types here.
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    async def _start(self) -> None:
        device = SimDevice(
            id=1,
            simdata=(
                [SimData(0, values=[False, True] * 4, datatype=DataType.BITS)],
                [SimData(0, values=[True, False] * 4, datatype=DataType.BITS)],
                [SimData(0, values=0, count=self.REGISTERS, datatype=DataType.REGISTERS)],
                [SimData(0, values=list(range(8)), datatype=DataType.REGISTERS)],
            ),
            action=self._act,
        )
        self._server = ModbusTcpServer(device, address=("127.0.0.1", self.port))
        await self._server.serve_forever(background=True)

    async def _act(
        self,
        function: int,
        _start: int,
        address: int,
        count: int,
        current: list[int],
        _values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        self.reads.append((function, address, count))
        if self.refuse(address, count):
            return ExcCodes.ILLEGAL_ADDRESS
        if function == 3:
            current[: self.REGISTERS] = self.registers
        return None
