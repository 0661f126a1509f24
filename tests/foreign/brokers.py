"""MQTT brokers that are not mosquitto, on loopback ports of their own."""

import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.foreign.running import in_java, peer, peer_folder
from tests.peers.services import end, free_port, host_of, recorded
from tests.waiting import wait_until

_NATS = """
server_name: nhipmay-test
listen: "127.0.0.1:{port}"
max_payload: 8MB
jetstream {{ store_dir: "{store}" }}
mqtt {{ listen: "127.0.0.1:{mqtt}", ack_wait: "2s" }}
"""


@contextmanager
def nats() -> Iterator[int]:
    """Run a NATS server; yield the port on which it speaks MQTT 3.1.1.

    Raises ServiceAbsentError where there is none.
    """
    entry = recorded("nats")
    host = host_of(entry)
    folder = host.make_folder()
    mqtt = free_port()
    file = folder / "nats.conf"
    store = folder / "store"
    store.mkdir()
    file.write_text(_NATS.format(port=free_port(), mqtt=mqtt, store=host.seen(store)))
    for path in (file, store):
        host.give(path)
    process = host.start((entry["program"], "-c", host.seen(file)), folder / "output.log")
    try:
        wait_until(lambda: _answers(mqtt), what="NATS to answer")
        yield mqtt
    finally:
        end(process, signal.SIGTERM)


@contextmanager
def hivemq() -> Iterator[int]:
    """Run a HiveMQ; yield its port. Skips the test where it is not there."""
    archives = peer_folder("hivemq")
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        peer(*in_java(archives, "HiveMq.java", Path(folder), port)) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "ready":
                break
        else:
            raise AssertionError(f"HiveMQ ended with code {process.wait()}")
        yield port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
