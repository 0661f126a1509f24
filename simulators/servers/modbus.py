"""The plant behind Modbus TCP: one PLC, all values and its clock in one block of registers.

The block is replaced as a whole, between requests, so no read ever sees half a scan. Which
registers of which scan each connection has read is logged: Modbus has no history, and what
nobody read is lost for good.
"""

import asyncio
from contextvars import ContextVar

import numpy as np
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from plant.clock import microseconds, system_clock
from simulators.floor import Floor
from simulators.pilot import Pilot
from simulators.registers import RegisterBlock
from simulators.servers.server import refused
from simulators.settings import DisorderSettings
from simulators.truth import TruthFile
from simulators.truth.record import Row

_READ_FUNCTIONS = frozenset({3, 4})
_reader: ContextVar[int] = ContextVar("reader", default=0)


class _Reader(ServerRequestHandler):
    """One connection, known by its number."""

    def __init__(self, server: "_NumberingServer", number: int) -> None:
        # Pymodbus has no types here.
        super().__init__(server, None, None, None)  # type: ignore[no-untyped-call]
        self._number = number

    async def handle_request(self) -> None:
        """Answer a request; whoever answers can ask which connection it is for."""
        _reader.set(self._number)
        await super().handle_request()  # type: ignore[no-untyped-call]  # the same


class _NumberingServer(ModbusTcpServer):
    """A server that numbers its connections from a first number on."""

    next_number = 1

    def callback_new_connection(self) -> ServerRequestHandler:
        """Return the handler of a new connection."""
        handler = _Reader(self, self.next_number)
        self.next_number += 1
        return handler


class ModbusPlantServer:
    """The server; see the module."""

    def __init__(
        self,
        pilot: Pilot,
        block: RegisterBlock,
        truth: TruthFile,
        host: str,
        port: int,
        seed: int,
        disorder: DisorderSettings,
    ) -> None:
        self._pilot = pilot
        self._block = block
        self._truth = truth
        self._host = host
        self._port = port
        self._bad_quality = disorder.bad_quality * disorder.context_share
        self._rng = np.random.default_rng([seed, 4])
        self._snapshot: tuple[int, list[int]] | None = None
        self._served: dict[tuple[int, int, int, int], int] = {}
        self._server: _NumberingServer | None = None

    async def start(self) -> None:
        """Open the port."""
        device = SimDevice(
            id=self._pilot.unit_id,
            simdata=[
                SimData(self._block.first, count=self._block.count, datatype=DataType.REGISTERS)
            ],
            action=self._answer,
        )
        server = _NumberingServer(device, address=(self._host, self._port))
        server.next_number = self._truth.last_connection() + 1
        try:
            await server.serve_forever(background=True)
        except RuntimeError as exc:
            raise refused(self._host, self._port, OSError(str(exc))) from exc
        self._server = server

    async def publish(self, floor: Floor) -> None:
        """Show the newest snapshot and log what was read of the ones before."""
        if floor.snapshot is not None and (
            self._snapshot is None or floor.snapshot[0] != self._snapshot[0]
        ):
            source_us, block = floor.snapshot
            words = [int.from_bytes(block[i : i + 2], "big") for i in range(0, len(block), 2)]
            self._snapshot = (source_us, words)
        self._log_served()

    async def stop(self) -> None:
        """Close the port and all connections."""
        self._log_served()
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # the same
            await asyncio.sleep(0)

    async def _answer(
        self,
        function: int,
        _start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if values is not None or function not in _READ_FUNCTIONS:
            return ExcCodes.ILLEGAL_FUNCTION
        if self._snapshot is None:
            return ExcCodes.DEVICE_BUSY
        if self._rng.random() < self._bad_quality:
            return ExcCodes.DEVICE_FAILURE
        source_us, words = self._snapshot
        # No await between here and the answer: the block that is read is one snapshot.
        registers[: len(words)] = words
        key = (source_us, _reader.get(), address - self._block.first, count)
        self._served.setdefault(key, microseconds(system_clock()))
        return None

    def _log_served(self) -> None:
        if not self._served:
            return
        rows: list[Row] = [(*key, wall_us) for key, wall_us in self._served.items()]
        self._truth.write_served(rows)
        self._served.clear()
