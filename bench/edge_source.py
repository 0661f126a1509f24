"""What the edge reads in its benchmark: real servers, each in a process of its own."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

from pymodbus.client.mixin import ModbusClientMixin

from tests.integration.edge.sources import ModbusSource, OpcUaSource

MODBUS_TAGS = ModbusSource.REGISTERS


@contextmanager
def opcua(tags: int) -> Iterator[str]:
    """Serve variables `v0`, `v1`, … that all change once a second; yield the endpoint."""
    with _process(_serve_opcua, tags) as endpoint:
        yield str(endpoint)


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


def _serve_opcua(pipe: Connection, tags: int) -> None:
    start = datetime.now(UTC)
    with OpcUaSource(**{f"v{k}": (0.0, start) for k in range(tags)}) as source:
        pipe.send(source.endpoint)
        second = 0
        due = time.monotonic()
        while not pipe.poll(max(0.0, due - time.monotonic())):
            due += 1.0
            second += 1
            now = datetime.now(UTC)
            for k in range(tags):
                source.write(f"v{k}", second + k / 1000, now)
            source.forget()


def _serve_modbus(pipe: Connection, tags: int) -> None:
    with ModbusSource() as source:
        pipe.send(source.port)
        count = 0
        while not pipe.poll(0.25):
            count += 1
            for k in range(tags):
                source.put(k, (count + k) % 60_000, ModbusClientMixin.DATATYPE.UINT16)
            source.reads.clear()
