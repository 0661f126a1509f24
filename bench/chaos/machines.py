"""The machines: each a server of another stack than the driver's, and what can befall it."""

import json
import multiprocessing
import os
import signal
import tempfile
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bench.chaos.truth import Keeps, Truth, Witness, now_us
from tests.foreign.opcua import MiloServer, NodeOpcUaServer
from tests.foreign.running import Process, in_python, peer, peer_folder, tell
from tests.integration.edge.floor.modbus_go import built
from tests.integration.edge.mtconnect_agent import Item, MtConnectAgent
from tests.peers.melsec import Melsec
from tests.peers.mqtt import patient
from tests.peers.services import BrokerFactory, free_port

UNIT = "xuong/day-chuyen/may-1"
TAGS = tuple(f"v{k}" for k in range(5))
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


def tag_name(tag: str) -> str:
    """Return what a machine's variable is called on the other side."""
    return f"may-1/{tag}"


class Machine(ABC):
    """One server. It is written to from one thread, also while it cannot be reached."""

    keeps = Keeps.PRESENT
    can_lose = False
    """Whether subscriptions can be taken away from its clients."""
    can_freeze = True

    def __init__(self) -> None:
        self.truth = Truth(self.keeps)
        self.step = 0
        self.is_there = False
        self.resources = ExitStack()
        self._moment_us = 0

    @property
    @abstractmethod
    def port(self) -> int:
        """Its port, which stays."""

    @abstractmethod
    def source(self, port: int) -> dict[str, Any]:
        """Return the settings of the source, by way of that port."""

    def start(self) -> None:
        """Start it, or start it again."""
        self._start()
        self.is_there = True

    def kill(self) -> None:
        """End it as a power cut does."""
        self.is_there = False
        self._kill()

    def write(self) -> None:
        """Have it show the next value in every variable, and note it."""
        self.step += 1
        # In whole milliseconds, which is what these servers tell; no two values share one.
        self._moment_us = max(now_us() // 1000 * 1000, self._moment_us + 1000)
        self._write(self.step, self._moment_us)

    def hold(self, value: float, moment_us: int) -> None:
        """Note that all variables have that value from now on."""
        for tag in TAGS:
            self.truth.note(tag_name(tag), value, moment_us)

    def freeze(self, *, frozen: bool) -> None:
        """Stop it in its tracks, or let it go on; nothing is written meanwhile."""
        assert self.can_freeze
        self.is_there = not frozen

    def limit(self, rng: np.random.Generator) -> str:
        """Choose other limits for its next start; return them in words."""
        return "none"

    def lose(self) -> None:
        """Take subscriptions away."""
        assert self.can_lose

    def witnesses(self) -> dict[str, Witness]:
        """Return by tag what the server noted that it showed; nothing of most."""
        return {}

    def close(self) -> None:
        """End it with all that it kept."""
        self.kill()
        self.resources.close()

    @abstractmethod
    def _start(self) -> None:
        """Start it as it is now set up."""

    @abstractmethod
    def _kill(self) -> None:
        """End it."""

    @abstractmethod
    def _write(self, value: float, moment_us: int) -> None:
        """Have it show a value in every variable, if it is there, and hold it."""


def tags(**where: str) -> list[dict[str, Any]]:
    """Return settings of all tags; `{}` in an address is the variable's number."""
    return [
        {"name": tag_name(tag), "work_unit": UNIT}
        | {key: text.replace("{}", str(number)) for key, text in where.items()}
        for number, tag in enumerate(TAGS)
    ]


class NodeOpcUa(Machine):
    """node-opcua with history: everything is to come, also what was there meanwhile."""

    keeps = Keeps.ALL
    can_lose = True

    def __init__(self) -> None:
        super().__init__()
        self._server = NodeOpcUaServer()
        self._all: list[dict[str, Any]] = []
        self._told = 0
        folder = self.resources.enter_context(tempfile.TemporaryDirectory())
        self._history = Path(folder, "history.json")
        self._server.options["written"] = str(self._history)
        for tag in TAGS:
            self._server.add(tag, "Double", 0.0, _BEGIN + timedelta(days=20_000))

    @property
    def port(self) -> int:
        return self._server.port

    def source(self, port: int) -> dict[str, Any]:
        where = tags(address="nsu=urn:nhipmay:test;s=v{}")
        return {"driver": "opcua", "endpoint": f"opc.tcp://127.0.0.1:{port}/", "tags": where}

    def _start(self) -> None:
        # Its history is there before its first client.
        self._history.write_text(json.dumps(self._all), encoding="utf-8")
        self._server.start()

    def _kill(self) -> None:
        self._server.kill()

    def _write(self, value: float, moment_us: int) -> None:
        told = [{"name": tag, "value": value, "time": moment_us // 1000} for tag in TAGS]
        self._all += told
        self.hold(value, moment_us)
        if self.is_there:
            self._server.do("write", values=told)

    def freeze(self, *, frozen: bool) -> None:
        super().freeze(frozen=frozen)
        self._server.freeze(frozen=frozen)
        if frozen:
            self._told = len(self._all)
        else:
            # What the plant did meanwhile.
            self._server.do("write", values=self._all[self._told :])

    def limit(self, rng: np.random.Generator) -> str:
        items, reads, history = (int(one) for one in rng.integers(1, 5, 3))
        self._server.options["limits"] = {
            "maxMonitoredItemsPerCall": items,
            "maxNodesPerRead": reads,
            "maxNodesPerHistoryReadData": history,
        }
        return f"{items} items, {reads} reads, {history} histories per request"

    def lose(self) -> None:
        self._server.do("loseSubscriptions")

    def close(self) -> None:
        super().close()
        self._server.close()


class Milo(Machine):
    """Eclipse Milo without history: each value has its time."""

    keeps = Keeps.TIMES
    can_lose = True

    def __init__(self) -> None:
        super().__init__()
        folder = self.resources.enter_context(tempfile.TemporaryDirectory())
        self._witness = Path(folder, "witness.txt")
        self._server = MiloServer(witness=self._witness)
        for tag in TAGS:
            self._server.add(tag, "Double", 0.0, _BEGIN + timedelta(days=20_000))

    @property
    def port(self) -> int:
        return self._server.port

    def source(self, port: int) -> dict[str, Any]:
        where = tags(address="nsu=urn:nhipmay:test;s=v{}")
        return {"driver": "opcua", "endpoint": f"opc.tcp://127.0.0.1:{port}/", "tags": where}

    def _start(self) -> None:
        self._server.start()

    def _kill(self) -> None:
        self._server.kill()

    def _write(self, value: float, moment_us: int) -> None:
        if not self.is_there:
            return
        self.hold(value, moment_us)
        for tag in TAGS:
            self._server.write(tag, value, _BEGIN + timedelta(microseconds=moment_us))

    def freeze(self, *, frozen: bool) -> None:
        super().freeze(frozen=frozen)
        self._server.freeze(frozen=frozen)

    def limit(self, rng: np.random.Generator) -> str:
        self._server.items_per_call = int(rng.integers(1, 10))
        self._server.sessions = int(rng.integers(1, 4))
        return f"{self._server.items_per_call} items per call, {self._server.sessions} sessions"

    def lose(self) -> None:
        self._server.count("lose")

    def witnesses(self) -> dict[str, Witness]:
        """It samples by itself, and notes what it saw and for whom."""
        found: dict[str, Witness] = defaultdict(Witness)
        since: dict[str, list[int]] = defaultdict(list)
        for line in self._witness.read_text(encoding="utf-8").splitlines():
            time_ms, tag, what = line.split("\t")
            name, time_us = tag_name(tag), int(time_ms) * 1000
            if what == "begun":
                # What its former life did not end is over by now.
                for one, moments in since.items():
                    found[one].watched += [(moment, time_us) for moment in moments]
                since.clear()
            elif what == "+":
                since[name].append(time_us)
            elif what == "-":
                found[name].watched.append((since[name].pop(0), time_us))
            else:
                found[name].values.add(float(what))
        for name, moments in since.items():
            found[name].watched += [(moment, 2**62) for moment in moments]
        return found

    def close(self) -> None:
        super().close()
        self._server.close()


class _Program(Machine):
    """A machine that is a program, told by lines; it answers each with one."""

    def __init__(self) -> None:
        super().__init__()
        self._port = free_port()
        self._running: Process | None = None
        self._stack = ExitStack()

    @property
    def port(self) -> int:
        return self._port

    @abstractmethod
    def command(self) -> Sequence[object]:
        """Return how it is started."""

    def freeze(self, *, frozen: bool) -> None:
        super().freeze(frozen=frozen)
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def _start(self) -> None:
        self._running = self._stack.enter_context(peer(*self.command()))
        assert self._running.stdout is not None
        assert self._running.stdout.readline() == "ready\n"

    def _kill(self) -> None:
        self._stack.close()
        self._running = None

    def _say(self, line: str) -> None:
        assert self._running is not None
        tell(self._running, line)
        assert self._running.stdout is not None
        self._running.stdout.readline()


class GoModbus(_Program):
    """simonvetter/modbus in Go, one client at a time."""

    def __init__(self) -> None:
        super().__init__()
        folder = self.resources.enter_context(tempfile.TemporaryDirectory())
        self._program = built(Path(folder))
        self._limit = 125
        self._witness = Path(folder, "witness.txt")

    def command(self) -> Sequence[object]:
        return [self._program, self._port, free_port()]

    def source(self, port: int) -> dict[str, Any]:
        common = {"driver": "modbus", "host": "127.0.0.1", "port": port, "poll_interval_s": 0.1}
        # A hole between any two: nothing says that they can be read together.
        where = tags(address="hr:1{}0", type="uint32")
        return common | {"tags": where}

    def _start(self) -> None:
        super()._start()
        self._say(f"witness {self._witness}")
        self._say(f"limit {self._limit}")
        self._put(self.step)

    def _put(self, value: float) -> None:
        high, low = divmod(int(value), 65536)
        for number in range(len(TAGS)):
            self._say(f"set 1 hr {100 + 10 * number} {high} {low}")

    def _write(self, value: float, moment_us: int) -> None:
        if self.is_there:
            self._put(value)
            self.hold(value, moment_us)

    def limit(self, rng: np.random.Generator) -> str:
        self._limit = int(rng.integers(2, 60))
        return f"{self._limit} registers per request"

    def witnesses(self) -> dict[str, Witness]:
        """It notes what it was asked for and what it answered."""
        found: dict[str, Witness] = defaultdict(Witness)
        for line in self._witness.read_text(encoding="utf-8").splitlines():
            time_us, _space, start, *words = line.split()
            for number, tag in enumerate(TAGS):
                place = 100 + 10 * number - int(start)
                if place >= 0 and place + 1 < len(words):
                    witness = found[tag_name(tag)]
                    witness.asked.append(int(time_us))
                    witness.values.add(int(words[place]) * 65536 + float(words[place + 1]))
        return found


class Snap7(_Program):
    """libsnap7's own server, in C."""

    def command(self) -> Sequence[object]:
        return in_python(peer_folder("libsnap7"), "libsnap7_server.py", self._port)

    def source(self, port: int) -> dict[str, Any]:
        common = {"driver": "s7", "host": "127.0.0.1", "port": port, "poll_interval_s": 0.1}
        return common | {"tags": tags(address="DB1,DINT{}0")}

    def _write(self, value: float, moment_us: int) -> None:
        if self.is_there:
            for number in range(len(TAGS)):
                self._say(f"DB 1 {10 * number} {int(value):08x}")
            self.hold(value, moment_us)


class MelsecPlc(Machine):
    """A MELSEC controller that was written without the driver."""

    can_freeze = False

    def __init__(self) -> None:
        super().__init__()
        self._plc = Melsec()
        self._stack = ExitStack()
        self._plc.put("d", 0, *([0] * 64))
        with self._plc:
            pass

    @property
    def port(self) -> int:
        return self._plc.port

    def source(self, port: int) -> dict[str, Any]:
        common = {"driver": "slmp", "host": "127.0.0.1", "port": port, "poll_interval_s": 0.1}
        return common | {"tags": tags(address="D{}0", type="int32")}

    def _start(self) -> None:
        self._stack.enter_context(self._plc)

    def _kill(self) -> None:
        self._stack.close()

    def _write(self, value: float, moment_us: int) -> None:
        if self.is_there:
            high, low = divmod(int(value), 65536)
            for number in range(len(TAGS)):
                self._plc.put("d", 10 * number, low, high)
            self.hold(value, moment_us)

    def limit(self, rng: np.random.Generator) -> str:
        self._plc.limit = int(rng.integers(2, 60))
        return f"{self._plc.limit} words per request"


def _serve_agent(pipe: Connection) -> None:
    """Run an MTConnect agent in a process of its own, told by a pipe."""
    items = [Item(tag, tag) for tag in TAGS]
    with MtConnectAgent(*items, buffer_size=100_000) as agent:
        pipe.send(agent.port)
        while True:
            match pipe.recv():
                case ("observe", value, moment):
                    for tag in TAGS:
                        agent.observe(tag, value, moment)
                case ("down",):
                    agent.stop()
                case ("up",):
                    agent.start()
                case ("anew", size):
                    agent.buffer_size = size
                    agent.restart()
                case _:
                    return
            pipe.send("done")


class MtConnect(Machine):
    """An agent in the form of cppagent: its buffer outlasts a lost line, not a restart."""

    keeps = Keeps.ALL

    def __init__(self) -> None:
        super().__init__()
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._child = context.Process(target=_serve_agent, args=(there,))
        self._child.start()
        self._port = int(self._pipe.recv())
        self._frozen = False
        self._kept: list[tuple[float, int]] = []
        self._size = 100_000
        self._anew = False
        self._last_us = 0

    @property
    def port(self) -> int:
        return self._port

    def source(self, port: int) -> dict[str, Any]:
        where = tags(data_item="v{}")
        return {"driver": "mtconnect", "url": f"http://127.0.0.1:{port}", "tags": where}

    def _do(self, *what: object) -> None:
        self._pipe.send(what)
        self._pipe.recv()

    def _start(self) -> None:
        if self._anew:
            # A new life: what it had seen and not yet sent is gone.
            self._anew = False
            self.truth.lost_windows.append((self._last_us - 3_000_000, now_us()))
            self._do("anew", self._size)
        elif self.step:
            self._do("up")

    def _kill(self) -> None:
        self._last_us = now_us()
        with suppress(OSError, EOFError):
            self._do("down")

    def _write(self, value: float, moment_us: int) -> None:
        self.hold(value, moment_us)
        if self._frozen:
            self._kept.append((value, moment_us))
        else:
            self._do("observe", int(value), _BEGIN + timedelta(microseconds=moment_us))

    def freeze(self, *, frozen: bool) -> None:
        os.kill(int(self._child.pid or 0), signal.SIGSTOP if frozen else signal.SIGCONT)
        self._frozen = frozen
        if not frozen:
            kept, self._kept = self._kept, []
            for value, moment_us in kept:
                self._do("observe", int(value), _BEGIN + timedelta(microseconds=moment_us))

    def limit(self, rng: np.random.Generator) -> str:
        self._size = int(rng.integers(400, 2_000))
        self._anew = True
        return f"a buffer of {self._size}, begun anew"

    def close(self) -> None:
        self._pipe.send(("end",))
        self._child.join(30)
        self.resources.close()


class Devices(Machine):
    """A broker of devices that keeps sessions, and a device that says everything once."""

    keeps = Keeps.ALL
    can_lose = True

    def __init__(self) -> None:
        super().__init__()
        self._factory = BrokerFactory()
        self._broker = self._factory()
        self._device: Client | None = None
        self._first = True
        self._connect()

    @property
    def port(self) -> int:
        return self._broker.port

    def source(self, port: int) -> dict[str, Any]:
        where = tags(topic="xuong/v{}", path="v")
        broker = {"host": "127.0.0.1", "port": port, "keepalive_s": 5}
        common = {"driver": "mqtt", "broker": broker, "client_id": "chaos", "tags": where}
        return common | {"time": {"path": "t", "format": "ms"}}

    def _connect(self) -> None:
        client = patient(
            Client(CallbackAPIVersion.VERSION2, "device", protocol=MQTTProtocolVersion.MQTTv5)
        )
        client.reconnect_delay_set(1, 1)
        client.max_queued_messages_set(0)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        self._device = client

    def _start(self) -> None:
        if not self._first:
            self._broker.start()
        self._first = False

    def _kill(self) -> None:
        # As a broker that is stopped: one that is killed loses by itself what it had not written.
        self._broker.stop()

    def _write(self, value: float, moment_us: int) -> None:
        assert self._device is not None
        self.hold(value, moment_us)
        payload = f'{{"v": {int(value)}, "t": {moment_us // 1000}}}'
        for tag in TAGS:
            # Kept by the device until the broker has it.
            self._device.publish(f"xuong/{tag}", payload, qos=1)

    def lose(self) -> None:
        """Another client takes the driver's session for a moment, and confirms nothing."""
        thief = Client(
            CallbackAPIVersion.VERSION2,
            "chaos",
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        thief.connect("127.0.0.1", self.port, clean_start=False, properties=properties)
        thief.loop(timeout=0.2)
        thief.disconnect()

    def freeze(self, *, frozen: bool) -> None:
        assert self._broker.process is not None
        for pid in _family(self._broker.process.pid):
            os.kill(pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def close(self) -> None:
        assert self._device is not None
        self._device.disconnect()
        self._device.loop_stop()
        self._factory.remove_all()
        self.resources.close()


def _family(pid: int) -> list[int]:
    """Return a process and all below it: what starts a broker may be around it."""
    found = [pid]
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = file.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found += _family(int(file.parent.name))
    return found


MACHINES: dict[str, type[Machine]] = {
    "opcua": NodeOpcUa,
    "opcua-milo": Milo,
    "modbus": GoModbus,
    "s7": Snap7,
    "slmp": MelsecPlc,
    "mtconnect": MtConnect,
    "mqtt": Devices,
}
