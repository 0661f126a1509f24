"""One connection to a PLC, a gateway or a serial line, shared by all sources that name it.

Many gateways take one connection, and a serial line carries one request at a time.
"""

import asyncio
import importlib.util
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException, ModbusIOException
from pymodbus.pdu import ExceptionResponse

from edge_agent.drivers.modbus.address import Space
from edge_agent.drivers.modbus.rounds import BUSY, FAULT, NO_UNIT, REFUSED, SILENT, UNKNOWN
from edge_agent.drivers.modbus.settings import ModbusSettings
from plant.errors import ConfigurationError, DataError

# It logs every lost connection as an error; the agent reports each change once, in its own words.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

_EXCEPTIONS: Final = {
    1: (UNKNOWN, "the PLC does not know this function"),
    2: (REFUSED, "the PLC has no such address"),
    3: (REFUSED, "the PLC refuses this many registers"),
    4: (FAULT, "the PLC reports a failure of its own"),
    5: (BUSY, "the PLC needs longer for this"),
    6: (BUSY, "the PLC is busy"),
    7: (FAULT, "the PLC refuses this"),
    8: (FAULT, "the PLC reports a parity error in its memory"),
    10: (NO_UNIT, "the gateway has no path to this unit"),
    11: (NO_UNIT, "the unit behind the gateway does not answer"),
}
_FUNCTIONS: Final = {
    Space.COIL: 1,
    Space.DISCRETE_INPUT: 2,
    Space.HOLDING_REGISTER: 3,
    Space.INPUT_REGISTER: 4,
}
_PARITIES: Final = {"none": "N", "even": "E", "odd": "O"}

# What a port answers to settings that it does not have; there is no such module on Windows.
_PortError: type[Exception] = (
    importlib.import_module("termios").error
    if importlib.util.find_spec("termios") is not None
    else OSError
)

Client = AsyncModbusTcpClient | AsyncModbusSerialClient


class LineLostError(Exception):
    """There is no connection, or no longer one; says how."""


class Line:
    """One connection. It is made when something is read, and again after it was lost."""

    def __init__(self, settings: ModbusSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._lock = asyncio.Lock()
        self.users = 0

    @property
    def has_numbers(self) -> bool:
        """Whether answers carry the number of their request, so that a late one is known."""
        return self._settings.serial is None and self._settings.framing == "tcp"

    def agrees_with(self, settings: ModbusSettings) -> bool:
        """Return whether other settings speak on this line in the same way."""
        own = self._settings
        return (own.framing, own.serial) == (settings.framing, settings.serial)

    async def read(self, unit: int, space: Space, start: int, count: int) -> Sequence[int]:
        """Return `count` registers or bits.

        Raises DataError as the device refuses or is silent, and LineLostError.
        """
        async with self._lock:
            client = await self._connected()
            try:
                answer = await _function(client, space)(start, count=count, device_id=unit)
            except ModbusIOException as exc:
                lost = not client.connected
                if lost or not self.has_numbers:
                    await self._hang_up()
                if lost:
                    raise LineLostError("the connection was lost") from exc
                timeout_s = self._settings.timeout_s
                raise DataError(SILENT, f"unit {unit}: no answer within {timeout_s:g} s") from exc
            except (ModbusException, OSError, TimeoutError) as exc:
                await self._hang_up()
                raise LineLostError("the connection was lost") from exc
            except asyncio.CancelledError:
                # Its answer is still to come, and would be taken for that of another question.
                self._drop()
                raise
        return _values(answer, space, count)

    def leave(self) -> None:
        """Say that one of the users reads no more; the last one ends the connection."""
        self.users -= 1
        if not self.users:
            self._drop()

    async def hang_up(self) -> None:
        """End the connection, for whoever gets no answer on it any more."""
        async with self._lock:
            await self._hang_up()

    async def _connected(self) -> Client:
        if self._client is not None and self._client.connected:
            return self._client
        self._drop()
        client = _client(self._settings)
        try:
            made = await client.connect()
        except (ModbusException, OSError, TimeoutError, ValueError, _PortError) as exc:
            client.close()
            raise LineLostError(f"it cannot be opened ({exc})") from exc
        except asyncio.CancelledError:
            client.close()
            raise
        if not made:
            client.close()
            raise LineLostError(
                "nothing answers" if self._settings.serial is None else "it cannot be opened"
            )
        self._client = client
        return client

    async def _hang_up(self) -> None:
        """End the connection; a serial line is left alone until late answers have passed."""
        self._drop()
        if self._settings.serial is not None:
            await asyncio.sleep(min(self._settings.timeout_s, 1.0))

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


class _Lines:
    """The lines of one event loop, by host and port or by serial port."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def line(self, settings: ModbusSettings) -> Line:
        line = self._lines.get(settings.where)
        if line is None or not line.users:
            line = self._lines[settings.where] = Line(settings)
        if not line.agrees_with(settings):
            raise ConfigurationError(
                f"two sources use {settings.where} with different settings of the line"
            )
        line.users += 1
        return line


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lines] = WeakKeyDictionary()


def line_of(settings: ModbusSettings) -> Line:
    """Return the line that settings name, with one user more; call `leave` in the end.

    Raises ConfigurationError when another source uses it with other settings of the line.
    """
    return _of_loops.setdefault(asyncio.get_running_loop(), _Lines()).line(settings)


def _client(settings: ModbusSettings) -> Client:
    common: dict[str, Any] = {"timeout": settings.timeout_s, "retries": 0, "reconnect_delay": 0}
    serial = settings.serial
    if serial is None:
        framer = FramerType.SOCKET if settings.framing == "tcp" else FramerType.RTU
        return AsyncModbusTcpClient(
            settings.host or "", port=settings.port, framer=framer, **common
        )
    return AsyncModbusSerialClient(
        str(serial.port),
        baudrate=serial.baud_rate,
        parity=_PARITIES[serial.parity],
        stopbits=serial.stop_bits,
        **common,
    )


def _function(client: Client, space: Space) -> Callable[..., Awaitable[Any]]:
    reads: dict[Space, Callable[..., Awaitable[Any]]] = {
        Space.HOLDING_REGISTER: client.read_holding_registers,
        Space.INPUT_REGISTER: client.read_input_registers,
        Space.COIL: client.read_coils,
        Space.DISCRETE_INPUT: client.read_discrete_inputs,
    }
    return reads[space]


def _values(answer: Any, space: Space, count: int) -> Sequence[int]:
    if isinstance(answer, ExceptionResponse):
        code = answer.exception_code
        kind, words = _EXCEPTIONS.get(code, (FAULT, "the PLC refuses this"))
        raise DataError(kind, f"{words} (exception {code})")
    values: Sequence[int] = answer.bits if space.holds_bits else answer.registers
    exact = (count + 7) // 8 * 8 if space.holds_bits else count
    if answer.function_code != _FUNCTIONS[space] or len(values) != exact:
        raise DataError(FAULT, f"the PLC gave {len(values)} of {count} values")
    return values
