"""One sender against everybody: an honest edge beside it goes on being answered."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from ingest import IngestSettings
from ingest.validation.kept_file import KeptFile
from plant.clock import microseconds, system_clock
from plant.native.message import SCHEMA, Leaf
from plant.settings import DatabaseSettings
from store import connect, load_plant
from tests.integration.fake_edge import FakeEdge, settings_of
from tests.integration.ingests import fetched, running
from tests.integration.witness import Witness, witnessed
from tests.peers.services import BrokerFactory, MosquittoBroker, free_port
from tests.plants.deliveries import COUNT, STATE, STRANGER, TEMPERATURE, plant
from tests.waiting import wait_until

STATES = (
    # Limits, resources, internal errors, disk: what an outage looks like.
    *("54000", "53400", "53200", "53100", "XX000", "XX001", "58030", "57014", "40001", "55P03"),
    # What was not translated: an exit with a traceback, at each start.
    *("0A000", "P0001", "42883", "42P10", "TS101", "42501", "25P02", "22003", "23514"),
)


@pytest.fixture
def broker(mosquitto: BrokerFactory) -> Iterator[MosquittoBroker]:
    """A broker that gives the ingest as much at a time as the one of the compose stack."""
    broker = mosquitto(settings=["max_inflight_messages 4000"])
    yield broker
    broker.remove()


@contextmanager
def attacked(
    broker: MosquittoBroker, database: DatabaseSettings, folder: Path
) -> Iterator[tuple[FakeEdge, Witness, IngestSettings]]:
    """Yield a sender that may do what it likes, beside an honest one, with an ingest running."""
    load_plant(database, plant())
    settings = settings_of(broker, database, kept_file=folder / "kept.jsonl")
    with running(settings), witnessed(broker.port, database) as witness:
        sender = FakeEdge(broker.port)
        try:
            sender.announce()
            yield sender, witness, settings
        finally:
            sender.close()


def send(sender: FakeEdge, first_id: int, values: Sequence[object], **columns: object) -> bytes:
    """Publish one data message of a tag and return its payload."""
    tag = columns.get("tag", TEMPERATURE.name)
    now_us = microseconds(system_clock())
    content = {
        "schema": SCHEMA,
        "epoch": columns.get("epoch", sender.epoch),
        "first_id": first_id,
        "last_id": first_id + len(values) - 1,
        "sent_us": now_us,
        "tags": [tag],
        "tag": [0] * len(values),
        "time_us": columns.get("time_us", [now_us + k for k in range(len(values))]),
        "value": values,
    }
    payload = json.dumps(content, ensure_ascii=False).encode()
    sender.client.publish(sender.address.topic(Leaf.DATA), payload, qos=1)
    return payload


def acknowledged(sender: FakeEdge, to: int) -> None:
    wait_until(lambda: sender.committed_to >= to, what=f"an ack of {to}")


def failing(database: DatabaseSettings, table: str, condition: str, state: str) -> None:
    """Let rows of a table fail with an SQLSTATE."""
    with connect(database, autocommit=True) as connection:
        connection.execute(
            f"""
            create or replace function fail_{table}() returns trigger language plpgsql as $$
            begin
                if {condition} then
                    raise exception using errcode = '{state}', message = 'no';
                end if;
                return new;
            end $$;
            create or replace trigger fail_{table} before insert or update on {table}
            for each row execute function fail_{table}();
            """.encode()
        )


def test_one_message_is_isolated_whatever_the_database_says_of_it(
    broker: MosquittoBroker, database: DatabaseSettings, tmp_path: Path
) -> None:
    with attacked(broker, database, tmp_path) as (sender, witness, _):
        kept = {}
        for number, state in enumerate(STATES):
            failing(database, "measurement", "new.value = 66.6", state)
            first = 3 * number + 1
            send(sender, first, [20.5])
            kept[first + 1] = send(sender, first + 1, [66.6])
            send(sender, first + 2, [21.5])
            acknowledged(sender, first + 2)
        witness.hears(2)

    assert dict(fetched(database, "select row_id, raw from rejection")) == kept
    assert fetched(database, "select reason, count(*) from rejection group by 1") == [
        ("store_refused", len(STATES))
    ]
    for (detail,), state in zip(
        fetched(database, "select detail from rejection order by row_id"), STATES, strict=True
    ):
        assert state in detail or "cannot be used" in detail
    assert fetched(
        database, "select value, count(*) from measurement where value > 20 group by 1 order by 1"
    ) == [(20.5, len(STATES)), (21.5, len(STATES))]


@pytest.mark.parametrize(
    ("table", "condition"),
    [
        ("delivery_ledger", "new.edge_id = (select min(edge_id) from edge)"),
        ("delivery_lag", "new.edge_id = (select min(edge_id) from edge)"),
        ("rejection", "new.raw = 'no JSON'"),
    ],
)
def test_the_others_go_on_wherever_one_message_makes_the_database_fail(
    broker: MosquittoBroker,
    database: DatabaseSettings,
    tmp_path: Path,
    table: str,
    condition: str,
) -> None:
    with attacked(broker, database, tmp_path) as (sender, witness, settings):
        failing(database, table, condition, "XX000")
        sender.client.publish(sender.address.topic(Leaf.DATA), b"no JSON", qos=1)
        sent = send(sender, 1, [20.5])
        witness.hears(5)
        if table == "rejection":
            acknowledged(sender, 1)
            wait_until(lambda: len(KeptFile(settings.kept_file)) == 1, what="a line in the file")
        else:
            wait_until(
                lambda: sent in {raw for (raw,) in fetched(database, "select raw from rejection")},
                what="the message kept raw",
            )


def test_topics_and_texts_of_any_length_are_kept(
    broker: MosquittoBroker, database: DatabaseSettings, tmp_path: Path
) -> None:
    level = "\U0001f3ed" * 1_000
    topic = f"nm/v1/co-khi-thu/bien-hoa/{level}/data"
    with attacked(broker, database, tmp_path) as (sender, witness, _):
        sender.client.publish(topic, b"{}", qos=1)
        sender.client.publish(STRANGER.topic(Leaf.BIRTH), b"\xff" * 3_000_000, qos=1)
        witness.hears(3)
        wait_until(
            lambda: fetched(database, "select count(*) from rejection") == [(2,)],
            what="both rejections",
        )

    assert fetched(database, "select topic, raw from rejection where reason = 'bad_topic'") == [
        (topic, b"{}")
    ]
    assert fetched(database, "select length(raw) from rejection where reason <> 'bad_topic'") == [
        (3_000_000,)
    ]


def test_a_message_of_a_quarter_of_a_century_is_taken(
    broker: MosquittoBroker, database: DatabaseSettings, tmp_path: Path
) -> None:
    days = 9_700
    today = datetime.now(UTC)
    times = [microseconds(today - timedelta(days=days - 1 - k)) for k in range(days)]
    with attacked(broker, database, tmp_path) as (sender, witness, _):
        for tag, values in ((COUNT.name, list(range(days))), (STATE.name, ["EXECUTE"] * days)):
            first = 1 if tag == COUNT.name else days + 1
            send(sender, first, values, tag=tag, time_us=times)
        acknowledged(sender, 2 * days)
        witness.hears(3)

    for table, count in (("measurement", days), ("text_measurement", days)):
        assert fetched(
            database,
            f"select count(*) from {table} join tag using (tag_id) join edge using (edge_id) "
            "where code = 'edge-1' and source_time < now() - interval '1 day'",
        ) == [(count - 1,)]
        ((chunks,),) = fetched(
            database,
            "select count(*) from timescaledb_information.chunks "
            f"where hypertable_name = '{table}'",
        )
        assert 30 <= chunks <= 100
    assert fetched(
        database, "select distinct time_interval::text from timescaledb_information.dimensions"
    ) == [("1 day",)]


def test_what_is_too_large_is_kept_whole_and_can_be_replayed(
    broker: MosquittoBroker, database: DatabaseSettings, tmp_path: Path
) -> None:
    texts = ["ữ" * 4_000] * 1_200
    with attacked(broker, database, tmp_path) as (sender, witness, _):
        wait_until(lambda: not sender.acks.empty(), what="an ack")
        limits = sender.acks.get().limits
        assert limits is not None
        assert limits.max_bytes == 4_000_000
        payload = send(sender, 1, texts, tag=STATE.name)
        assert len(payload) > limits.max_bytes
        acknowledged(sender, 1_200)
        witness.hears(3)

    assert fetched(database, "select reason, raw from rejection") == [("too_large", payload)]


def test_a_message_with_very_many_values_is_refused(
    broker: MosquittoBroker, database: DatabaseSettings, tmp_path: Path
) -> None:
    values = b'{"time": "2026-03-02T08:30:00Z", "a": [' + b"0," * 1_900_000 + b"0]}"
    ranges = [[2 * k + 1, 2 * k + 1] for k in range(50_000)]
    beat = {"schema": 1, "online": True, "epoch": "e1", "issued_id": 200_000}
    with attacked(broker, database, tmp_path) as (sender, witness, _):
        sender.client.publish(sender.address.topic(Leaf.VALUES), values, qos=1)
        sender.client.publish(
            sender.address.topic(Leaf.STATUS),
            json.dumps(beat | {"dropped_ranges": ranges}).encode(),
            qos=1,
        )
        send(sender, 1, [20.5])
        acknowledged(sender, 1)
        witness.hears(3)

    assert fetched(database, "select reason, length(raw) from rejection order by 2") == [
        ("too_large", len(json.dumps(beat | {"dropped_ranges": ranges}))),
        ("too_large", len(values)),
    ]


FLOOD = 60


def refused(database: DatabaseSettings) -> int:
    ((number,),) = fetched(
        database, "select count(*) from rejection where reason = 'store_refused'"
    )
    return int(number)


@pytest.mark.parametrize("state", ["XX000", "53200"], ids=["for good", "as if it might pass"])
def test_the_others_are_answered_while_a_flood_of_bad_messages_is_taken_apart(
    broker: MosquittoBroker, database: DatabaseSettings, tmp_path: Path, state: str
) -> None:
    with attacked(broker, database, tmp_path) as (sender, witness, _):
        failing(database, "measurement", "new.value = 66.6", state)
        for first in range(1, 2 * FLOOD, 2):
            send(sender, first, [66.6])
            send(sender, first + 1, [20.5])
        wait_until(lambda: refused(database) > 0, what="the first rejection")
        before, found = witness.sent, refused(database)
        acknowledged(sender, 2 * FLOOD)
        # Not once all of them were found, but all the time.
        assert witness.sent - before > (FLOOD - found) / 10
    assert refused(database) == FLOOD
    assert fetched(database, "select count(*) from measurement where value = 20.5") == [(FLOOD,)]


def test_the_others_are_answered_while_bad_values_of_a_device_are_taken_apart(
    broker: MosquittoBroker, database: DatabaseSettings, tmp_path: Path
) -> None:
    with attacked(broker, database, tmp_path) as (sender, witness, _):
        failing(database, "measurement", "new.value = 66.6", "XX000")
        sender.announce([replace(TEMPERATURE, name=f"{sender.address.edge}/nhiet-do")])
        for number in range(FLOOD):
            values = {"time": f"2026-03-02T08:30:{number:02}Z", "nhiet-do": 66.6}
            sender.client.publish(sender.address.topic(Leaf.VALUES), json.dumps(values), qos=1)
        wait_until(lambda: refused(database) > 0, what="the first rejection")
        before, found = witness.sent, refused(database)
        wait_until(lambda: refused(database) == FLOOD, what="all rejections")
        assert witness.sent - before > (FLOOD - found) / 10


def lives(database: DatabaseSettings) -> int:
    query = "select count(*) from delivery_ledger where epoch like 'life-%'"
    ((number,),) = fetched(database, query)
    return int(number)


def test_an_outbox_with_thousands_of_lives_delays_nobody(
    broker: MosquittoBroker, database: DatabaseSettings, tmp_path: Path
) -> None:
    with attacked(broker, database, tmp_path) as (sender, witness, _):
        with connect(database, autocommit=True) as connection:
            connection.execute(
                b"insert into delivery_ledger (edge_id, epoch, last_commit_at) "
                b"select min(edge_id), 'life-' || k, now() from edge, generate_series(1, 2500) k "
                b"group by k"
            )
        # Not more at a time than a site may have waiting.
        for life in range(2_501, 3_001):
            send(sender, 1, [float(life % 100)], epoch=f"life-{life}")
        before, came = witness.sent, lives(database)
        wait_until(lambda: lives(database) == 3_000, what="all lives")
        # About every second group of them has room for it.
        assert witness.sent - before >= (3_000 - came) / 250
        witness.hears(3)
        send(sender, 1, [20.5])
        acknowledged(sender, 1)
        witness.hears(3)
    assert fetched(database, "select count(*) from rejection") == [(0,)]


def test_a_connection_that_may_only_read_is_left(
    broker: MosquittoBroker, database: DatabaseSettings, tmp_path: Path
) -> None:
    def may_only_read(setting: str) -> None:
        with connect(database, autocommit=True) as connection:
            connection.execute("set default_transaction_read_only to off")
            change = f"set default_transaction_read_only to {setting}"
            connection.execute(f'alter database "{database.name}" {change}'.encode())
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid() "
                "and backend_type = 'client backend'"
                if setting == "on"
                else "select 1"
            )

    with attacked(broker, database, tmp_path) as (sender, witness, _):
        with capture_logs() as logged:
            may_only_read("on")
            send(sender, 1, [20.5])
            wait_until(
                lambda: any("read-only" in str(line.get("reason")) for line in logged),
                what="a read-only database",
            )
            may_only_read("off")
            acknowledged(sender, 1)
        # It stood still meanwhile, as it must.
        witness.longest_s = 0.0

    assert fetched(database, "select count(*) from rejection") == [(0,)]


def test_one_of_several_databases_is_taken(database: DatabaseSettings) -> None:
    several = database.model_copy(
        update={"host": f"127.0.0.1:{free_port()},{database.host}:{database.port}", "port": 1}
    )

    assert fetched(several, "select 1") == [(1,)]
