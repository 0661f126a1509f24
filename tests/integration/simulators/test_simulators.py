"""The simulators' servers, asked by real OPC UA and Modbus clients."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.attribute_ids import AttributeIds
from pymodbus.client import AsyncModbusTcpClient

from plant.clock import from_microseconds, microseconds, system_clock
from plant.errors import ConfigurationError
from plant.settings import ClockSettings
from simulators import DisorderSettings, SimulatorSettings, run
from simulators.pilot import load_pilot
from simulators.service import Simulation
from simulators.truth import TruthFile, TruthReader
from tests.peers.services import free_port
from tests.plants.simulated_plants import ORIGIN, ORIGIN_US, SEED, floor_of, identity_of
from tests.waiting import HANG_S, wait_until

SPEED = 600.0
T = TypeVar("T")


@pytest.fixture
def port() -> int:
    return free_port()


def settings_of(
    pilot: str,
    folder: Path,
    port: int,
    *,
    minutes: float,
    starts_in_s: float = 0.0,
    bad_quality: float = 0.001,
) -> SimulatorSettings:
    return SimulatorSettings(
        pilot=pilot,
        seed=SEED,
        port=port,
        truth_folder=folder,
        disorder=DisorderSettings(bad_quality=bad_quality),
        clock=ClockSettings(
            wall_origin=system_clock() + timedelta(seconds=starts_in_s),
            plant_origin=ORIGIN,
            speed=SPEED,
            until=ORIGIN + timedelta(minutes=minutes),
        ),
    )


@contextmanager
def running(settings: SimulatorSettings) -> Iterator[None]:
    """Run a simulator in a thread; what it raises is raised at the end."""
    stop = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            run(settings, stop)
        except ConfigurationError as exc:
            raised.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_until(lambda: raised or listens(settings.port))
        yield
    finally:
        stop.set()
        thread.join(HANG_S)
        assert not thread.is_alive()
        for exc in raised:
            raise exc


def patient_client(port: int) -> Client:
    """A client that does not take a busy machine for a lost connection."""
    url = f"opc.tcp://127.0.0.1:{port}/"
    return Client(url, timeout=HANG_S, watchdog_intervall=HANG_S)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def progress_of(path: Path) -> datetime:
    if not path.is_file():
        return ORIGIN
    with TruthReader(path) as truth:
        return from_microseconds(truth.progress_us)


def wait_for_end(path: Path, minutes: float) -> None:
    wait_until(lambda: progress_of(path) >= ORIGIN + timedelta(minutes=minutes))


async def history(node: Node, page: int = 0) -> list[ua.DataValue]:
    values: list[ua.DataValue] = await node.read_raw_history(
        ORIGIN, ORIGIN + timedelta(days=1), numvalues=page
    )
    return values


def test_opcua_client_reads_what_the_truth_says_was_issued(tmp_path: Path, port: int) -> None:
    pilot = load_pilot("co-khi-mau")
    path = tmp_path / "co-khi-mau.sqlite"

    async def ask() -> tuple[dict[str, list[ua.DataValue]], dict[str, ua.DataValue]]:
        past, present = {}, {}
        async with patient_client(port) as client:
            for tag in pilot.tags:
                node = client.get_node(tag.address)
                past[tag.name] = await history(node)
                present[tag.name] = await node.read_data_value(raise_on_bad_status=False)
        return past, present

    with running(settings_of("co-khi-mau", tmp_path, port, minutes=20, bad_quality=0.02)):
        wait_for_end(path, 20)
        past, present = asyncio.run(ask())

    with TruthReader(path) as truth:
        for tag, true in zip(pilot.tags, truth.tags, strict=True):
            readings = truth.readings(true)
            read = past[tag.name]
            assert len(readings) > 100
            assert [microseconds(aware(v.SourceTimestamp)) for v in read] == [
                reading.source_us for reading in readings
            ]
            for value, reading in zip(read, readings, strict=True):
                assert value.Value is not None
                assert value.StatusCode is not None
                assert value.StatusCode.is_good() == (reading.quality == 0)
                said = value.Value.Value
                assert (tag.states.get(said) if tag.states and said is not None else said) == (
                    reading.value
                )
            assert present[tag.name].SourceTimestamp is not None
    bad = sum(
        not v.StatusCode.is_good() for values in past.values() for v in values if v.StatusCode
    )
    assert bad


def aware(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def test_opcua_subscriber_gets_every_reading_at_full_speed(tmp_path: Path, port: int) -> None:
    pilot = load_pilot("co-khi-mau")
    path = tmp_path / "co-khi-mau.sqlite"
    got: dict[str, set[int]] = {tag.address: set() for tag in pilot.tags}

    class Taker:
        def datachange_notification(self, node: Node, _value: object, data: object) -> None:
            # Asyncua says object.
            stamp = data.monitored_item.Value.SourceTimestamp  # type: ignore[attr-defined]
            if stamp is not None:
                got[node.nodeid.to_string()].add(microseconds(aware(stamp)))

    async def follow() -> tuple[int, int]:
        async with patient_client(port) as client:
            subscription = await client.create_subscription(100, Taker())
            nodes = [client.get_node(tag.address) for tag in pilot.tags]
            trigger = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
            await subscription._subscribe(  # its public form offers no filter
                nodes, AttributeIds.Value, mfilter=trigger, queuesize=100_000
            )
            since = progress_of(path)
            until = since + timedelta(minutes=30)
            # Notices come in order: one of a later reading follows all that are asked for.
            until_us = microseconds(until)
            arrived = asyncio.to_thread(
                wait_until, lambda: all(max(times, default=0) > until_us for times in got.values())
            )
            await arrived
            await subscription.delete()
            return microseconds(since), until_us

    with running(settings_of("co-khi-mau", tmp_path, port, minutes=24 * 60)):
        # What was written just before subscribing may have come too late to be noticed.
        since_us, until_us = asyncio.run(follow())

    with TruthReader(path) as truth:
        for tag, true in zip(pilot.tags, truth.tags, strict=True):
            times = {reading.source_us for reading in truth.readings(true)}
            wanted = {at for at in times if since_us + 60_000_000 < at < until_us}
            assert len(wanted) > 100
            assert wanted <= got[tag.address] <= times


def test_history_comes_in_pages_when_it_is_long(tmp_path: Path, port: int) -> None:
    address = "ns=2;s=cnc-1.state"

    async def ask() -> tuple[list[ua.DataValue], list[ua.DataValue]]:
        async with patient_client(port) as client:
            node = client.get_node(address)
            newest = await node.read_raw_history(None, ORIGIN + timedelta(days=1), numvalues=5)
            return await history(node), newest

    with running(settings_of("co-khi-mau", tmp_path, port, minutes=10)):
        wait_for_end(tmp_path / "co-khi-mau.sqlite", 10)
        whole, newest = asyncio.run(ask())

    assert [v.SourceTimestamp for v in newest] == [v.SourceTimestamp for v in whole[:-6:-1]]


@pytest.mark.parametrize("name", ["co-khi-mau", "thuc-pham-mau"])
def test_plant_goes_on_as_if_nothing_had_been_when_restarted(
    name: str, tmp_path: Path, port: int
) -> None:
    path = tmp_path / f"{name}.sqlite"
    settings = settings_of(name, tmp_path, port, minutes=24 * 60)
    with running(settings):
        wait_until(lambda: progress_of(path) > ORIGIN + timedelta(minutes=20))
    # Stopped it was somewhere; it is to end later, wherever that was.
    minutes = (progress_of(path) - ORIGIN) // timedelta(minutes=1) + 40
    until = ORIGIN + timedelta(minutes=minutes)
    assert settings.clock is not None
    clock = settings.clock.model_copy(update={"until": until})
    with running(settings.model_copy(update={"clock": clock})):
        wait_for_end(path, minutes)

    alone = TruthFile.open(tmp_path / "alone", identity_of(load_pilot(name)))
    floor = floor_of(name, DisorderSettings())
    alone.define(floor.tag_rows(), floor.run_time_rows())
    Simulation(floor, alone, ORIGIN_US).advance(60 * minutes)
    alone.close()
    with TruthReader(path) as found, TruthReader(alone.path) as wanted:
        for tag in wanted.tags:
            assert found.issued_times(tag) == wanted.issued_times(tag)
            if tag.field is None:
                assert found.readings(tag) == wanted.readings(tag)
        for unit in wanted.work_units:
            assert found.states(unit) == wanted.states(unit)
            assert found.parts(unit) == wanted.parts(unit)


def test_modbus_client_reads_whole_snapshots_that_the_truth_logs(tmp_path: Path, port: int) -> None:
    path = tmp_path / "thuc-pham-mau.sqlite"
    seen: dict[int, bytes] = {}
    refused: list[int] = []

    async def ask() -> None:
        client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=HANG_S)
        assert await client.connect()
        while progress_of(path) < ORIGIN + timedelta(minutes=20):
            answer = await client.read_holding_registers(0, count=74, device_id=1)
            if answer.isError():
                refused.append(answer.exception_code)
                continue
            block = struct.pack(">74H", *answer.registers)
            source_us = struct.unpack(">Q", block[:8])[0] * 1000
            assert seen.setdefault(source_us, block) == block, "half an update"
        written = await client.write_register(10, 1, device_id=1)
        beyond = await client.read_holding_registers(60, count=60, device_id=1)
        assert (written.isError(), beyond.isError()) == (True, True)
        client.close()

    with running(settings_of("thuc-pham-mau", tmp_path, port, minutes=20, starts_in_s=3)):
        asyncio.run(ask())

    # How many a reader gets is the machine's speed; each that it gets has to be whole.
    assert len(seen) > 10
    assert set(refused) <= {4}, "device failure: the only disorder that a reader sees"
    with TruthReader(path) as truth:
        tag = truth.tags[0]
        assert {reading.source_us for reading in truth.readings(tag)} == seen.keys()
        assert seen.keys() <= truth.issued_times(tag)
        assert all(
            truth.decoded(one, at) == one.field.decode(block, 0)
            for at, block in seen.items()
            for one in truth.tags
            if one.field is not None
        )


def test_start_is_refused_when_the_port_is_taken(tmp_path: Path, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        settings = settings_of("co-khi-mau", tmp_path, port, minutes=1)
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port}.*choose another"):
            run(settings, threading.Event())


def test_start_is_refused_when_the_truth_is_of_another_seed(tmp_path: Path, port: int) -> None:
    settings = settings_of("thuc-pham-mau", tmp_path, port, minutes=1)
    with running(settings):
        pass

    with pytest.raises(ConfigurationError, match="record of another run"):
        run(settings.model_copy(update={"seed": SEED + 1}), threading.Event())
