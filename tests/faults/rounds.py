"""One round: a recording through the rig while things fail, then the comparison with the truth."""

import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from plant.clock import microseconds, system_clock
from plant.native.message import SCHEMA, Leaf, Status, encode
from tests.faults.disk import SmallDisk
from tests.faults.fault import Fault
from tests.faults.rig import EdgeProcess, Rig, address
from tests.faults.truth import Truth
from tests.peers.mqtt import patient
from tests.waiting import AGAIN_S, HANG_S, wait_until

RECORDED_S = 4.0
_NEWS_WITHIN_S = 8.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a round."""

    seed: int
    faults: tuple[str, ...]
    rows: int
    """Measurements that the edge was given to read."""
    duplicates: int
    """Measurements that came again and were recognised."""
    epochs: int
    whole_s: float
    """From the last fault's end until everything was committed and confirmed."""
    problems: tuple[str, ...]
    """Empty when the database is the truth and the ledger whole."""


def chosen(random: np.random.Generator, faults: Sequence[Fault]) -> list[Fault]:
    """Return one to three faults that do not touch the same part."""
    wanted = int(random.integers(1, 4))
    picked: list[Fault] = []
    for k in random.permutation(len(faults)):
        fault = faults[int(k)]
        if len(picked) < wanted and fault.part not in {other.part for other in picked}:
            picked.append(fault)
    return picked


class Listener:
    """Hears all batches of an edge at the broker, past the proxies, and can say them again."""

    def __init__(self, port: int, edge: str) -> None:
        self._topic = address(edge).topic(Leaf.DATA)
        self._heard: dict[bytes, None] = {}
        self._lock = threading.Lock()
        self._client = patient(
            Client(
                CallbackAPIVersion.VERSION2, f"listener-{edge}", protocol=MQTTProtocolVersion.MQTTv5
            )
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(self._topic, qos=1)
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _hear(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        with self._lock:
            self._heard[bytes(message.payload)] = None

    def say_again(self, random: np.random.Generator) -> None:
        """Publish what was heard once more, some of it twice, in any order."""
        with self._lock:
            heard = list(self._heard)
        for k in random.permutation(2 * len(heard))[: round(1.5 * len(heard))]:
            self._client.publish(self._topic, heard[int(k) // 2], qos=1)

    @property
    def heard(self) -> int:
        """How many different batches were heard."""
        return len(self._heard)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Publish and return whether the broker has taken it."""
        said = self._client.publish(topic, payload, qos=1)
        try:
            said.wait_for_publish(AGAIN_S)
        except (RuntimeError, ValueError):
            return False
        return said.is_published()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Round:
    """A round in progress."""

    def __init__(self, rig: Rig, edge: str, seed: int, faults: Sequence[Fault]) -> None:
        self.rig = rig
        self.edge = edge
        self.truth = Truth(edge)
        self.restored = False
        """Whether an old copy of the outbox was put back."""
        self.damaged = False
        """Whether the outbox was damaged."""
        self.set_back = False
        """Whether an old copy of the database was put back."""
        self._seed = seed
        self._faults = faults
        self._random = np.random.default_rng(seed)
        self._process: EdgeProcess | None = None
        self._clock_file = rig.folder / f"{edge}.clock"

    # --- what faults do ---

    @property
    def outbox_folder(self) -> Path:
        return self.rig.outbox(self.edge).parent

    @property
    def edge_disk(self) -> SmallDisk:
        assert self.rig.edge_disk is not None
        return self.rig.edge_disk

    @property
    def database_disk(self) -> SmallDisk:
        assert self.rig.database_disk is not None
        return self.rig.database_disk

    def start_edge(self) -> None:
        sources = self.truth.sources(self.rig.folder)
        self._process = self.rig.start_edge(self.edge, sources, self._clock_file)

    def kill_edge(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def run_edge(self) -> None:
        """Start the edge again if it has ended."""
        if self._process is None or self._process.poll() is not None:
            self.start_edge()

    def edge_pids(self) -> list[int]:
        """Return the process of the edge while it runs."""
        running = self._process is not None and self._process.poll() is None
        return [self._process.pid] if self._process is not None and running else []

    def await_news(self) -> None:
        """Wait until the edge has sent something, for as long as that may be expected."""
        heard = self._listener.heard
        until = time.monotonic() + _NEWS_WITHIN_S
        while self._listener.heard == heard and time.monotonic() < until:
            time.sleep(0.02)

    def step_clock(self, seconds: float) -> None:
        # Renamed into place, so that the agent never reads half of it.
        new = self._clock_file.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self._clock_file)

    def say_again(self) -> None:
        self._listener.say_again(self._random)

    # --- the round ---

    def run(self) -> Result:
        """Run the recording through the rig under the faults and compare."""
        self.truth.record(self.rig.folder, RECORDED_S, self._random)
        self.step_clock(0)
        self._listener = Listener(self.rig.broker.port, self.edge)
        steps = [step for fault in self._faults for step in fault.make(self._random)]
        problems: list[str] = []
        whole_s = 0.0
        try:
            self.start_edge()
            # Faults are to meet the agent at work, however long it takes to start.
            wait_until(self.rig.outbox(self.edge).exists, what="the agent to start")
            begin = time.monotonic()
            for step in sorted(steps, key=lambda step: step.at_s):
                time.sleep(max(0.0, begin + step.at_s - time.monotonic()))
                step.what(self)
            last = time.monotonic()
            self._settle()
            whole_s = time.monotonic() - last
            problems = self.problems()
        except (AssertionError, OSError) as exc:
            problems = [str(exc)]
        finally:
            self.kill_edge()
            self._listener.close()
        if problems:
            problems += [*self._evidence(), self.rig.log(self.edge), self.rig.log("ingest")]
        duplicates, epochs = self.rig.fetched(
            "select coalesce(sum(duplicate_count), 0)::bigint, count(*) from delivery_ledger"
            " join edge using (edge_id) where code = %s",
            self.edge,
        )[0]
        names = tuple(fault.name for fault in self._faults)
        return Result(
            self._seed, names, self.truth.rows, duplicates, epochs, whole_s, tuple(problems)
        )

    def _settle(self) -> None:
        """Wait until the agent has ended, as everything is confirmed, and no message is left."""
        assert self._process is not None
        try:
            code = self._process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not everything is confirmed: {self._stored()[1]}") from None
        assert code == 0, f"the edge ended with code {code}"
        self.rig.check_ingest()
        if self.set_back:
            # An edge in service goes on, and hears of it when the platform next speaks to it.
            try:
                wait_until(self._gap_is_named, what="the edge to notice the platform's past")
            except AssertionError as exc:
                raise AssertionError(f"{exc}: {self._wrong_ledger()}") from exc
        self.say_again()
        self._wait_for_silence()

    def _gap_is_named(self) -> bool:
        if not self._wrong_ledger():
            return True
        self.run_edge()
        assert self._process is not None
        self._process.wait(HANG_S)
        return False

    def _wait_for_silence(self) -> None:
        """Wait until the ingest has seen a heartbeat that came after everything else."""
        mark = float(self._seed % 100_000) + 0.5
        epoch = self._epoch()
        status = Status(
            SCHEMA,
            online=False,
            epoch=epoch,
            sent_us=microseconds(system_clock()),
            buffer_hours_left=mark,
        )
        topic = address(self.edge).topic(Leaf.STATUS)
        said_at = -AGAIN_S

        def is_committed() -> bool:
            nonlocal said_at
            # Again and again, as an edge does: with a session that hears nothing and is given up,
            # what the broker kept for it is gone.
            if time.monotonic() - said_at >= AGAIN_S:
                self._listener.publish(topic, encode(status))
                said_at = time.monotonic()
            return bool(
                self.rig.fetched(
                    "select 1 from edge_status join edge using (edge_id)"
                    " where code = %s and buffer_hours_left = %s",
                    self.edge,
                    mark,
                )
            )

        wait_until(is_committed, what="the last message to be committed")

    def _epoch(self) -> str:
        found = self.rig.fetched(
            "select epoch from edge_status join edge using (edge_id) where code = %s", self.edge
        )
        # Of a database set back to before the edge's first word there is none, until it speaks.
        return str(found[0][0]) if found else ""

    # --- the comparison ---

    def problems(self) -> list[str]:
        """Return what differs from the truth, in words; nothing when all is well."""
        return [*self._wrong_rows(), *self._wrong_ledger(), *self._wrong_counters()]

    def _stored(self) -> tuple[Counter[Any], str]:
        found: Counter[Any] = Counter(
            (tag, moment.astimezone(UTC), value, quality)
            for table in ("measurement", "text_measurement")
            for tag, moment, value, quality in self.rig.fetched(
                f"select name, source_time, value, quality from {table}"
                " join tag using (tag_id) join edge using (edge_id) where code = %s",
                self.edge,
            )
        )
        return found, f"{found.total()} of {self.truth.stored.total()} measurements are stored"

    def _wrong_rows(self) -> list[str]:
        stored, said = self._stored()
        missing, extra = self.truth.stored - stored, stored - self.truth.stored
        wrong = []
        named = self._named_as_lost()
        if missing.total() > named:
            if named:
                wrong.append(f"only {named} are named as lost")
            wrong.append(f"{missing.total()} missing, such as {_some(missing)}; {said}")
        if extra:
            wrong.append(f"{extra.total()} too many, such as {_some(extra)}; {said}")
        rejected = Counter(
            (tag, moment)
            for tag, moment in (
                (tag, _moment_of(raw))
                for tag, raw in self.rig.fetched(
                    "select tag_name, raw from rejection join edge using (edge_id)"
                    " where code = %s and reason = 'out_of_range'",
                    self.edge,
                )
            )
        )
        expected = Counter(
            {(tag, microseconds(moment)): n for (tag, moment), n in self.truth.rejected.items()}
        )
        # What is read again after a restoration is refused again, under its new id.
        again = self.restored or self.damaged
        same = set(rejected) == set(expected) if again else rejected == expected
        if named and not same:
            same = not set(rejected) - set(expected) and (
                missing.total() + (expected - rejected).total() <= named
            )
        if not same:
            wrong.append(f"rejections differ: {rejected - expected} / {expected - rejected}")
        others = self.rig.fetched(
            "select reason, count(*) from rejection join edge using (edge_id)"
            " where code = %s and not reason = any(%s) group by 1",
            self.edge,
            # Of a database that has forgotten the births, and is told them again.
            ["out_of_range", "no_birth"] if self.set_back else ["out_of_range"],
        )
        if others:
            wrong.append(f"refused for other reasons: {others}")
        return wrong

    def _named_as_lost(self) -> int:
        """Return how many ids are named as lost with the platform's past or a damaged outbox."""
        ((lost,),) = self.rig.fetched(
            "select coalesce(sum(upper(span) - lower(span)), 0)::bigint"
            " from delivery_ledger join edge using (edge_id),"
            " unnest(set_back + damaged - committed) as span where code = %s",
            self.edge,
        )
        return int(lost)

    def _wrong_ledger(self) -> list[str]:
        """The present epoch is whole; a former one may lack only what its end took with it."""
        present = self._epoch()
        wrong = [] if present else ["the edge has not said anything"]
        epochs = self.rig.fetched(
            "select epoch, (committed + set_back + damaged)::text,"
            " (dropped - set_back - damaged)::text, issued_id,"
            " coalesce(upper(committed + set_back + damaged) - 1, 0) from delivery_ledger"
            " join edge using (edge_id) where code = %s",
            self.edge,
        )
        for epoch, committed, dropped, issued, highest in epochs:
            whole = committed == (f"{{[1,{highest + 1})}}" if highest else "{}")
            # Of a life that is over, messages said again to a database that was set back may leave
            # a hole before them. What was in it came with the next life, as the rows tell.
            whole |= epoch != present and self.set_back
            if dropped != "{}" or not whole or (epoch == present and issued != highest):
                wrong.append(f"ledger {epoch}: {committed} of {issued}, given up {dropped}")
        if len(epochs) > 1 and not (self.restored or self.damaged):
            wrong.append(f"{len(epochs)} epochs of an outbox that was never set back")
        return wrong

    def _evidence(self) -> Iterator[str]:
        """Yield what database and edge have kept of the round, for whoever looks for the cause."""
        for table in ("delivery_ledger", "edge_status"):
            yield from (
                f"{table}: {said}"
                for (said,) in self.rig.fetched(
                    f"select to_jsonb({table})::text from {table} join edge using (edge_id)"
                    " where code = %s",
                    self.edge,
                )
            )
        file = self.rig.outbox(self.edge)
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as outbox:
                yield f"outbox: {outbox.execute('select key, value from meta').fetchall()}"
                counted = "select count(*), min(id), max(id) from row"
                yield f"outbox rows: {outbox.execute(counted).fetchone()}"
        except sqlite3.Error as exc:
            yield f"outbox: {exc}"
        yield f"missing in all: {_some(self.truth.stored - self._stored()[0], 20)}"

    def _wrong_counters(self) -> list[str]:
        """Nothing is left once all is quiet: received = written + duplicate + rejected."""
        try:
            wait_until(
                lambda: set((self.rig.unsettled() or {"": 1.0}).values()) == {0.0},
                what="the ingest to have settled all that it received",
            )
        except AssertionError as exc:
            return [f"{exc}: {self.rig.unsettled()}"]
        return []


def run_round(rig: Rig, edge: str, seed: int, faults: Sequence[Fault]) -> Result:
    """Run one round with these faults; repair the rig after."""
    try:
        return Round(rig, edge, seed, faults).run()
    finally:
        rig.whole_again()


def _some(rows: Counter[Any], most: int = 2) -> str:
    return ", ".join(str(row) for row in list(rows)[:most])


def _moment_of(raw: bytes) -> int:
    import json

    moment: int = json.loads(raw)["time_us"]
    return moment
