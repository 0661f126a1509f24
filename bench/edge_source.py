"""What the edge reads in its benchmark: real servers, each in a process of its own."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

from pymodbus.client.mixin import ModbusClientMixin

from tests.foreign.opcua import NodeOpcUaServer, milliseconds, running
from tests.integration.edge.sources import ModbusSource

MODBUS_TAGS = ModbusSource.REGISTERS


@contextmanager
def opcua(tags: int, *, changing: bool = True) -> Iterator[str]:
    """Serve variables `v0`, `v1`, … by node-opcua, signed and encrypted; yield the endpoint.

    Where they change, all do so once a second.
    """
    server = NodeOpcUaServer(policies=["Aes256_Sha256_RsaPss"], modes=["SignAndEncrypt"])
    ended = threading.Event()

    def write() -> None:
        second = 0
        due = time.monotonic()
        while changing and not ended.wait(max(0.0, due - time.monotonic())):
            due += 1.0
            second += 1
            now = milliseconds(datetime.now(UTC))
            values = [
                {"name": f"v{k}", "value": second + k / 1000, "time": now} for k in range(tags)
            ]
            server.do("write", values=values)

    with running(server):
        start = datetime.now(UTC)
        for k in range(tags):
            server.add(f"v{k}", "Double", 0.0, start, history=False)
        writing = threading.Thread(target=write, daemon=True)
        writing.start()
        try:
            yield server.endpoint
        finally:
            ended.set()
            writing.join()


@contextmanager
def modbus() -> Iterator[int]:
    """Serve registers that all change four times a second; yield the port."""
    with _process(_serve_modbus, MODBUS_TAGS) as port:
        yield int(port)


@contextmanager
def _process(serve: Any, tags: int) -> Iterator[Any]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, tags))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("stop")
        process.join(30)


def _serve_modbus(pipe: Connection, tags: int) -> None:
    with ModbusSource() as source:
        pipe.send(source.port)
        count = 0
        while not pipe.poll(0.25):
            count += 1
            for k in range(tags):
                source.put(k, (count + k) % 60_000, ModbusClientMixin.DATATYPE.UINT16)
            source.reads.clear()
