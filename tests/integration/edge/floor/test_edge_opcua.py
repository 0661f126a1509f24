"""What OPC UA servers of other stacks do: each case against node-opcua or Eclipse Milo."""

import asyncio
import base64
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge_agent.drivers.opcua.trust.certificates import Certificates, now_utc
from plant.clock import microseconds
from plant.measurement import Quality
from tests.faults.proxy import Line, Proxy
from tests.foreign.opcua import MiloServer, NodeOpcUaServer, running
from tests.integration.edge.driving import answering, beside_driver, until, with_driver
from tests.unit.edge_agent.intake.inlets import RecordingInlet

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
UNIT = "dong-chai/chuyen-a/tron-1"
POLICIES = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]
MODES = ["Sign", "SignAndEncrypt"]


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def source(server: NodeOpcUaServer | MiloServer, *names: str, **more: Any) -> dict[str, Any]:
    """Settings of a source with tags named as the server's variables."""
    return {
        "driver": "opcua",
        "endpoint": server.endpoint,
        "publishing_interval_ms": 50,
        "timeout_s": 30,
        "retry_missing_s": 0.5,
        "backfill_max_h": 1_000_000,
        "tags": [tag(name) for name in names],
    } | more


def tag(name: str, **more: Any) -> dict[str, Any]:
    address = f"nsu=urn:nhipmay:test;s={name}"
    return {"name": f"tron-1/{name}", "work_unit": UNIT, "address": address} | more


@pytest.fixture
def node() -> Iterator[NodeOpcUaServer]:
    server = NodeOpcUaServer()
    server.add("speed", "Double", 1.0, at(0))
    with running(server):
        yield server


def test_a_gap_is_filled_and_live_values_come_at_once_when_the_edge_was_away(
    node: NodeOpcUaServer,
) -> None:
    """D1: history has continuation points, and one tag's bad code is nobody else's matter."""
    node.add("without", "Double", 5.0, at(0), history=False)
    inlet = RecordingInlet()
    settings = source(node, "speed", "without")

    async def first() -> None:
        await until(lambda: inlet.values("tron-1/speed"), "the first value")
        await until(lambda: inlet.values("tron-1/without"), "the other tag")

    with_driver(settings, inlet, first)
    gap = 12_000
    node.do(
        "write",
        values=[
            {"name": "speed", "value": float(k), "time": round(at(k).timestamp() * 1000)}
            for k in range(1, gap)
        ],
    )

    async def second() -> None:
        await until(lambda: float(gap - 1) in inlet.values("tron-1/speed"), "the live value")
        await asyncio.to_thread(node.write, "speed", -1.0, at(gap))
        await asyncio.to_thread(node.write, "without", 6.0, at(gap))
        await until(lambda: 6.0 in inlet.values("tron-1/without"), "live beside the history")
        await until(lambda: len(inlet.values("tron-1/speed")) >= gap + 1, "the whole gap")

    with_driver(settings, inlet, second)
    speeds = [reading for reading in inlet.readings if reading.tag == "tron-1/speed"]
    assert {reading.value for reading in speeds} == {float(k) for k in range(1, gap)} | {-1.0}
    assert len(speeds) == gap + 1
    assert inlet.problems == [()]


@pytest.mark.parametrize("peer", ["node", "milo"])
def test_a_subscription_that_the_server_lost_is_made_anew(
    peer: str, request: pytest.FixtureRequest
) -> None:
    """D2: silence is no health."""
    if peer == "milo":
        server: NodeOpcUaServer | MiloServer = MiloServer()
        server.add("speed", "Double", 1.0, at(0))
    else:
        server = request.getfixturevalue("node")
    inlet = RecordingInlet()

    async def scenario() -> None:
        for second in range(1, 4):
            await until(lambda: inlet.readings, "the first value")
            if isinstance(server, MiloServer):
                lost = await asyncio.to_thread(server.count, "lose")
            else:
                lost = await asyncio.to_thread(server.do, "loseSubscriptions")
            assert lost == 1
            await asyncio.to_thread(server.write, "speed", 10.0 * second, at(second))
            # Mypy cannot infer a default of a lambda.
            await until(lambda v=10.0 * second: v in inlet.values("tron-1/speed"), "the next")  # type: ignore[misc]

    if peer == "milo":
        with running(server):
            with_driver(source(server, "speed"), inlet, scenario)
    else:
        with_driver(source(server, "speed"), inlet, scenario)


def test_requests_are_as_large_as_the_server_takes() -> None:
    """D3, on servers of both kinds: one tells its limits, and holds to them."""
    names = [f"v{k}" for k in range(150)]
    limits = {
        "maxMonitoredItemsPerCall": 40,
        "maxNodesPerRead": 7,
        "maxNodesPerHistoryReadData": 3,
        "maxNodesPerBrowse": 1,
    }
    server = NodeOpcUaServer(limits=limits)
    for name in names:
        server.add(name, "Double", 1.5, at(0))
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: len({one.tag for one in inlet.readings}) == 150, "all tags")

    with running(server):
        with_driver(source(server, *names, first_backfill_h=1_000_000), inlet, scenario)
    assert inlet.problems == [()]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_is_spoken_with_a_server_that_takes_nothing_else(
    policy: str, mode: str, secure_node: tuple[NodeOpcUaServer, Path]
) -> None:
    """D4, with node-opcua: certificates of both sides, user and password."""
    server, folder = secure_node
    inlet = RecordingInlet()
    settings = source(server, "speed", certificates=str(folder), trust="first")
    settings |= {
        "security_policy": policy,
        "security_mode": "sign" if mode == "Sign" else "sign_and_encrypt",
        "username": "edge",
        "password": "mat-khau",
    }

    async def scenario() -> None:
        await until(lambda: inlet.values("tron-1/speed") == [1.0], "the value")

    with_driver(settings, inlet, scenario)
    assert inlet.problems == [()]


@pytest.fixture(scope="module")
def secure_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NodeOpcUaServer, Path]]:
    server = NodeOpcUaServer(
        policies=POLICIES, modes=MODES, users={"edge": "mat-khau"}, userCertificates=True
    )
    server.add("speed", "Double", 1.0, at(0))
    with running(server):
        yield server, tmp_path_factory.mktemp("certificates")


def test_a_user_logs_in_by_certificate(secure_node: tuple[NodeOpcUaServer, Path]) -> None:
    server, folder = secure_node
    user = Certificates(folder / "user").own(now_utc())
    inlet = RecordingInlet()
    settings = source(server, "speed", certificates=str(folder), trust="first")
    settings |= {
        "security_policy": "auto",
        "user_certificate_file": str(user.certificate),
        "user_key_file": str(user.key),
    }

    async def scenario() -> None:
        await until(lambda: inlet.values("tron-1/speed") == [1.0], "the value")

    with_driver(settings, inlet, scenario)


def test_a_wrong_password_is_tried_once_and_then_seldom(
    secure_node: tuple[NodeOpcUaServer, Path],
) -> None:
    """D13: account lockout."""
    server, folder = secure_node
    before = server.do("logins")
    inlet = RecordingInlet()
    settings = source(server, "speed", certificates=str(folder), trust="first")
    settings |= {"security_policy": "auto", "username": "edge", "password": "sai"}

    other, tries = RecordingInlet(), []

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.append(writer)

    async def scenario() -> None:
        await until(lambda: inlet.problems, "the report")
        # Beside it a driver that fails in another way, and is soon there again.
        async with answering(hang_up) as port:
            lost = settings | {"endpoint": f"opc.tcp://127.0.0.1:{port}/"}
            await beside_driver(lost, other, patient)

    async def patient() -> None:
        await until(lambda: len(tries) > 4, "another driver to try again")

    with_driver(settings, inlet, scenario)
    assert server.do("logins") - before == 1
    assert "refuses the login of edge" in inlet.problems[0][0]


def test_a_server_that_wants_security_is_told_of_when_the_settings_have_none(
    secure_node: tuple[NodeOpcUaServer, Path],
) -> None:
    server, _ = secure_node
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.problems, "the report")

    with_driver(source(server, "speed"), inlet, scenario)
    assert "set security_policy to auto" in inlet.problems[0][0]
    assert "Aes256_Sha256_RsaPss with SignAndEncrypt" in inlet.problems[0][0]


def test_a_namespace_is_found_wherever_it_is_after_a_restart(node: NodeOpcUaServer) -> None:
    """D5: and the session, the subscription and the gap of a server that was restarted."""
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.values("tron-1/speed"), "the first value")
        before = node.namespace
        await asyncio.to_thread(node.stop)
        node.options["namespaces"] = ["urn:one", "urn:two"]
        await asyncio.to_thread(node.start)
        assert node.namespace == before + 2
        await asyncio.to_thread(node.write, "speed", 7.0, at(7))
        await until(lambda: 7.0 in inlet.values("tron-1/speed"), "the value after")
        assert inlet.problems[-1] == ()

    with_driver(source(node, "speed"), inlet, scenario)


def test_values_keep_their_identity_and_odd_times_are_told(node: NodeOpcUaServer) -> None:
    """D6 and D7: the same time with another value or status; no time, and that of 1601."""
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.readings, "the first value")
        for value, status in ((2.0, "Good"), (2.0, "UncertainLastUsableValue"), (3.0, "Good")):
            await asyncio.to_thread(node.write, "speed", value, at(1), status=status)
            await until(
                lambda v=value, s=status: any(  # type: ignore[misc]  # a default of a lambda
                    one.value == v and (one.quality is Quality.GOOD) == (s == "Good")
                    for one in inlet.readings
                ),
                "the next",
            )
        await asyncio.to_thread(node.write, "speed", 4.0, datetime(1601, 1, 1, tzinfo=UTC))
        await until(lambda: 4.0 in inlet.values("tron-1/speed"), "the one of 1601")

    with_driver(source(node, "speed"), inlet, scenario)
    told = [(one.value, one.quality.name, one.time_us) for one in inlet.readings]
    moment = microseconds(at(1))
    assert told == [
        (1.0, "GOOD", microseconds(at(0))),
        (2.0, "GOOD", moment),
        (2.0, "UNCERTAIN", moment),
        (3.0, "GOOD", moment),
        (4.0, "GOOD", None),
    ]


TYPES: list[tuple[str, str, object, dict[str, Any], object]] = [
    ("localized", "LocalizedText", "Đang chạy", {"value_type": "text"}, "Đang chạy"),
    ("qualified", "QualifiedName", "3:state", {"value_type": "text"}, "state"),
    (
        "guid",
        "Guid",
        "09087e75-8e5e-499b-954f-f2a9603db28a",
        {"value_type": "text"},
        "09087e75-8e5e-499b-954f-f2a9603db28a",
    ),
    ("bytes", "ByteString", base64.b64encode(b"\x01\xff").decode(), {"value_type": "text"}, "01ff"),
    ("node", "NodeId", "ns=2;i=7", {"value_type": "text"}, "ns=2;i=7"),
    ("code", "StatusCode", "BadTimeout", {}, 0x800A0000),
    ("wide", "UInt64", "18446744073709551615", {}, 2**64 - 1),
    ("negative", "Int64", "-5", {}, -5),
    ("byte", "Byte", 255, {}, 255),
    ("flag", "Boolean", True, {}, True),
    ("moment", "DateTime", "2026-03-02T06:00:00Z", {}, START.timestamp()),
    ("element", "Double", [1.5, 2.5, 3.5], {"path": "[2]"}, 3.5),
    ("whole", "Int32", [1, 2], {"value_type": "text"}, "[1, 2]"),
]


def test_every_type_is_read_by_its_rule_and_what_is_not_read_is_named() -> None:
    """D9: the types of node-opcua, a structure and an enumeration of its own among them."""
    server = NodeOpcUaServer()
    tags: list[dict[str, Any]] = []
    for name, kind, value, settings, _ in TYPES:
        server.add(name, kind, value, at(0))
        tags.append(tag(name, **settings))
    server.options["variables"] += [
        {
            "name": "axis",
            "structure": {"Position": "Double", "Load": "Int32"},
            "value": {"position": 12.5, "load": 40},
            "time": round(START.timestamp() * 1000),
        },
        {
            "name": "mode",
            "enumeration": ["STOP", "RUN", "SETUP"],
            "value": 2,
            "time": round(START.timestamp() * 1000),
        },
    ]
    axis = tag("axis") | {"name": "tron-1/load", "path": "Load"}
    names = tag("axis", value_type="text") | {"name": "tron-1/axis-text"}
    tags += [
        axis,
        names,
        tag("mode", value_type="text"),
        tag("axis"),
        tag("element") | {"name": "tron-1/all"},
    ]
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: len({one.tag for one in inlet.readings}) == len(tags), "all tags")
        await until(lambda: len(inlet.problems[-1]) == 2, "what is not read")

    with running(server):
        with_driver(source(server, tags=tags), inlet, scenario)
    found = {one.tag.removeprefix("tron-1/"): one.value for one in inlet.readings}
    for name, *_, expected in TYPES:
        assert found[name] == expected, name
    assert found["load"] == 40
    assert found["axis-text"] == '{"Position": 12.5, "Load": 40}'
    assert found["mode"] == "SETUP"
    assert found["axis"] is found["all"] is None
    assert inlet.unreadable_count == 2
    assert "its value is an array of 3: say which by path" in inlet.problems[-1][0]
    assert "say which by path: Position, Load" in inlet.problems[-1][1]


def test_a_killed_edge_is_let_in_again_at_a_server_of_few_sessions() -> None:
    """D11: the old sessions end within two minutes, and a lost connection takes up its own."""
    server = MiloServer(sessions=2)
    server.add("speed", "Double", 1.0, at(0))
    inlet = RecordingInlet()

    async def scenario() -> None:
        await until(lambda: inlet.values("tron-1/speed"), "the first value")
        for frozen in (True, False):
            server.freeze(frozen=frozen)
            if frozen:
                await until(lambda: inlet.problems[-1] != (), "the loss")
        server.write("speed", 2.0, at(2))
        await until(lambda: 2.0 in inlet.values("tron-1/speed"), "the value after")
        assert server.count("sessions") == 1

    with running(server):
        with_driver(source(server, "speed", timeout_s=1), inlet, scenario)


def test_a_session_is_taken_up_again_after_connections_that_came_to_nothing() -> None:
    """A server of one session refuses another for as long as it keeps the first."""
    server = MiloServer(sessions=1)
    server.add("speed", "Double", 1.0, at(0))
    inlet = RecordingInlet()

    async def scenario(proxy: Proxy) -> None:
        await until(lambda: inlet.values("tron-1/speed"), "the first value")
        for second, line in enumerate((Line.CUT, Line.SILENT), start=2):
            proxy.become(line)
            before = proxy.taken
            # Broken off before a word, and waited for in vain.
            await until(lambda before=before: proxy.taken > before + 2, "attempts")  # type: ignore[misc]  # a default
            proxy.mend(breaking=True)
            await asyncio.to_thread(server.write, "speed", float(second), at(second))
            await until(lambda v=float(second): v in inlet.values("tron-1/speed"), "the next")  # type: ignore[misc]  # a default
        # Begun anew it has another certificate, and knows no session.
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.write, "speed", 4.0, at(4))
        await asyncio.to_thread(server.start)
        await until(lambda: 4.0 in inlet.values("tron-1/speed"), "the one after a restart")

    with running(server), Proxy(server.port) as proxy:
        settings = source(server, "speed", timeout_s=3)
        settings["endpoint"] = f"opc.tcp://127.0.0.1:{proxy.port}/"
        with_driver(settings, inlet, lambda: scenario(proxy))
    told = [words for problems in inlet.problems for words in problems]
    assert not [words for words in told if "BadTooManySessions" in words], told


def test_one_date_far_ahead_hides_no_gap(node: NodeOpcUaServer) -> None:
    """D8: the value is kept as it is, and what was missed afterwards is read all the same."""
    ahead = datetime.now(UTC) + timedelta(days=30)
    inlet = RecordingInlet()

    async def first() -> None:
        await until(lambda: inlet.readings, "the first value")
        await asyncio.to_thread(node.write, "speed", 99.0, ahead)
        await until(lambda: 99.0 in inlet.values("tron-1/speed"), "the one ahead")

    async def second() -> None:
        await until(lambda: {5.0, 6.0} <= set(inlet.values("tron-1/speed")), "the gap")

    with_driver(source(node, "speed"), inlet, first)
    node.write("speed", 5.0, at(5))
    node.write("speed", 6.0, at(6))
    node.write("speed", 7.0, at(7))
    with_driver(source(node, "speed"), inlet, second)
    assert sorted(map(float, map(str, inlet.values("tron-1/speed")))) == [1.0, 5.0, 6.0, 7.0, 99.0]


@pytest.mark.parametrize("when", ["at the first word", "while it is followed"])
def test_a_message_that_announces_gigabytes_is_not_waited_for(
    when: str, node: NodeOpcUaServer
) -> None:
    """The connection ends with the reason, and the next one is like any other."""
    inlet = RecordingInlet()
    liar = struct.pack("<3scI", b"MSG", b"F", 2**32 - 1)

    async def scenario() -> None:
        lied = closed = 0

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal lied, closed
            there, to_node = await asyncio.open_connection("127.0.0.1", node.port)
            tells = asyncio.Event()

            async def back() -> None:
                if when == "while it is followed":
                    while not tells.is_set() and (data := await there.read(65_536)):
                        writer.write(data)
                writer.write(liar)

            first = lied == 0
            task = asyncio.create_task(back() if first else _passed(there, writer))
            try:
                while data := await reader.read(65_536):
                    to_node.write(data)
                    if first and inlet.readings:
                        tells.set()
                    lied += first
            finally:
                closed += first
                task.cancel()
                to_node.transport.abort()

        async with answering(answer) as port:
            settings = source(node, "speed") | {"endpoint": f"opc.tcp://127.0.0.1:{port}/"}

            async def driven() -> None:
                await until(lambda: any(inlet.problems), "the reason")
                await until(lambda: closed, "the end of the connection")
                await until(lambda: inlet.readings and not inlet.problems[-1], "the next one")

            await beside_driver(settings, inlet, driven)

    asyncio.run(scenario())
    told = [problem for problems in inlet.problems for problem in problems]
    assert any("announces 4,294,967,295 bytes at once" in one for one in told), told


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
