"""The check must agree with an API that tells the truth, and notice every kind of lie."""

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from plant.clock import from_microseconds, microseconds
from plant.errors import ConfigurationError, ProtocolError, TransientError
from plant.measurement import Quality
from plant.state import TimeElement
from simulators.check import Report, compare
from simulators.settings import DisorderSettings
from simulators.truth import TruthReader
from simulators.truth.figures import UnitTruth
from tests.plants.simulated_plants import ORIGIN, ORIGIN_US, end_us, simulate

HOURS = 0.8
END = from_microseconds(end_us(HOURS))
HOUR_US = 3_600_000_000
Content = dict[str, Any]


@dataclass
class Answers:
    """Everything a platform would answer about one plant; tests bend it."""

    measurements: list[list[str]]
    oee: list[Content]
    states: dict[str, list[Content]]
    broken: str | None = None
    asked: list[str] = field(default_factory=list)

    def of(self, address: str) -> tuple[str, str]:
        parts = urlsplit(address)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.asked.append(parts.path)
        if self.broken is not None:
            return "application/json", self.broken
        if parts.path == "/api/v1/measurements.csv":
            text = io.StringIO()
            header = ["tag", "source_time", "received_time", "value", "quality"]
            csv.writer(text).writerows([header, *self.measurements])
            return "text/csv", text.getvalue()
        if parts.path == "/api/v1/oee":
            rows = [row for row in self.oee if row["kind"] == query["kind"]]
            return "application/json", json.dumps({"data": rows, "meta": {}})
        return "application/json", json.dumps({"data": self.states[query["place"]]})


def stamp(time_us: int) -> str:
    return from_microseconds(time_us).isoformat().replace("+00:00", "Z")


def honest_answers(path: Path) -> Answers:
    with TruthReader(path) as truth:
        measurements = []
        for tag in truth.tags:
            last: tuple[float, int] | None = None
            for reading in truth.readings(tag):
                if not ORIGIN_US <= reading.source_us < microseconds(END):
                    continue
                if tag.deadband is not None and isinstance(reading.value, float):
                    if (
                        last is not None
                        and abs(reading.value - last[0]) <= tag.deadband
                        and reading.source_us - last[1] < 30_000_000
                    ):
                        continue
                    last = (reading.value, reading.source_us)
                text = "" if reading.value is None else str(reading.value)
                name = Quality(reading.quality).name.lower()
                time = stamp(reading.source_us)
                measurements.append([tag.path, time, time, text, name])
        oee, states = [], {}
        for work_unit in truth.work_units:
            unit = UnitTruth(truth, work_unit)
            first_hour = ORIGIN_US - ORIGIN_US % HOUR_US
            windows = [("hour", at) for at in range(first_hour, microseconds(END), HOUR_US)]
            windows += [
                ("shift", shift.start_us)
                for shift in truth.planned
                if shift.kind == "shift"
                and shift.start_us < microseconds(END)
                and shift.end_us > ORIGIN_US
            ]
            for kind, at in windows:
                length = HOUR_US if kind == "hour" else 8 * HOUR_US
                figures = unit.figures(at, min(at + length, microseconds(END)))
                oee.append(
                    {
                        "place": work_unit,
                        "kind": kind,
                        "start": stamp(at),
                        "end": stamp(at + length),
                        "availability": figures.availability,
                        "effectiveness": figures.effectiveness,
                        "quality_ratio": figures.quality_ratio,
                        "oee": figures.oee,
                        "produced_quantity": float(figures.produced),
                        "good_quantity": float(figures.good),
                        "scrap_quantity": float(figures.scrap),
                        "rework_quantity": float(figures.rework),
                    }
                )
            at, rows = unit.first_seen_us, []
            for element, ms in unit.elements(at, microseconds(END)).items():
                rows.append(
                    {"start": stamp(at), "end": stamp(at + round(ms * 1000)), "element": element}
                )
                at += round(ms * 1000)
            states[work_unit] = rows
        return Answers(measurements, oee, states)


@contextmanager
def served(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, text = answers.of(self.path)
            self.send_response(500 if text == "500" else 200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Case:
    """A recorded plant and what an honest platform answers about it, as JSON."""

    record: Path
    honest: str


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    found = {}
    for pilot in ("co-khi-mau", "thuc-pham-mau"):
        path = simulate(pilot, tmp_path_factory.mktemp(pilot), HOURS, DisorderSettings())
        told = honest_answers(path)
        found[pilot] = Case(path, json.dumps([told.measurements, told.oee, told.states]))
    return found


@pytest.fixture
def pilot() -> str:
    """The pilot of a test that does not ask for another one."""
    return "co-khi-mau"


@pytest.fixture
def record(cases: dict[str, Case], pilot: str) -> Path:
    return cases[pilot].record


@pytest.fixture
def answers(cases: dict[str, Case], pilot: str) -> Answers:
    return Answers(*json.loads(cases[pilot].honest))


def check(answers: Answers, record: Path) -> Report:
    with served(answers) as url:
        return compare(url, [record], ORIGIN, END)


@pytest.mark.parametrize("pilot", ["co-khi-mau", "thuc-pham-mau"])
def test_everything_agrees_when_the_api_tells_the_truth(answers: Answers, record: Path) -> None:
    report = check(answers, record)

    assert report.ok, report.failures
    judged = {row.what for row in report.rows}
    assert judged >= {
        "measurements",
        "produced parts",
        "good parts",
        "scrap parts",
        "production s",
        "availability",
        "effectiveness",
        "quality_ratio",
        "oee",
    }
    assert len([row for row in report.rows if row.what == "oee"]) == 4


def first(answers: Answers, kind: str) -> Content:
    """Return the result with the most parts of a kind."""
    rows = [row for row in answers.oee if row["kind"] == kind]
    return max(rows, key=lambda row: float(row["produced_quantity"]))


def of_tag(answers: Answers, end: str, quality: str = "good") -> list[list[str]]:
    return [row for row in answers.measurements if row[0].endswith(end) and row[4] == quality]


def lose(answers: Answers) -> None:
    answers.measurements.remove(of_tag(answers, "/state")[7])


def repeat(answers: Answers) -> None:
    answers.measurements.append(of_tag(answers, "/energy")[3])


def invent(answers: Answers) -> None:
    row = list(of_tag(answers, "/energy")[3])
    row[1] = row[1].replace("Z", "").partition(".")[0] + ".777Z"
    answers.measurements.append(row)


def alter(answers: Answers) -> None:
    row = of_tag(answers, "/energy")[3]
    row[3] = str(float(row[3]) + 0.01)


def rename(answers: Answers) -> None:
    of_tag(answers, "/state")[3][3] = "ABORTING"


def doubt(answers: Answers) -> None:
    of_tag(answers, "/energy")[3][4] = "uncertain"


def suppress(answers: Answers) -> None:
    """Leave out what lies far outside a deadband."""
    name = "/spindle_temperature" if of_tag(answers, "/spindle_temperature") else "/mix_temperature"
    rows = of_tag(answers, name)
    values = [float(row[3]) for row in rows]
    at = max(range(1, len(rows)), key=lambda n: abs(values[n] - values[n - 1]))
    before = rows[at][1]
    for row in rows:
        if row[1] >= before and abs(float(row[3]) - values[at - 1]) > 0.5:
            answers.measurements.remove(row)


def strange_tag(answers: Answers) -> None:
    answers.measurements.append(["x/y/z", stamp(ORIGIN_US), stamp(ORIGIN_US), "1", "good"])


def miscount_hour(answers: Answers) -> None:
    first(answers, "hour")["good_quantity"] += 1


def no_count(answers: Answers) -> None:
    for row in answers.oee:
        row["scrap_quantity"] = None


def miscount_shift(answers: Answers) -> None:
    first(answers, "shift")["produced_quantity"] -= 1


def bend(name: str) -> Callable[[Answers], None]:
    def bent(answers: Answers) -> None:
        # The shift that began within the record.
        row = max((r for r in answers.oee if r["kind"] == "shift"), key=lambda r: str(r["start"]))
        row[name] += 0.006

    return bent


def forget_ratio(answers: Answers) -> None:
    first(answers, "shift")["quality_ratio"] = None


def forget_shift(answers: Answers) -> None:
    answers.oee.remove(first(answers, "shift"))


def forget_states(answers: Answers) -> None:
    unit = next(iter(answers.states))
    answers.states[unit] = [
        row for row in answers.states[unit] if row["element"] != TimeElement.PRODUCTION
    ]


@pytest.mark.parametrize(
    ("lie", "noticed"),
    [
        (lose, "measurements that are missing"),
        (repeat, "measurements stored twice"),
        (invent, "measurements that were never given out"),
        (alter, "measurements with another value or quality"),
        (rename, "measurements with another value or quality"),
        (doubt, "measurements with another value or quality"),
        (suppress, "measurements that are missing"),
        (strange_tag, "tags that no machine has"),
        (miscount_hour, "good parts"),
        (no_count, "scrap parts"),
        (miscount_shift, "produced parts"),
        (bend("availability"), "availability"),
        (bend("effectiveness"), "effectiveness"),
        (bend("quality_ratio"), "quality_ratio"),
        (bend("oee"), "oee"),
        (forget_ratio, "quality_ratio"),
        (forget_shift, "shift result"),
        (forget_states, "production s"),
    ],
)
def test_a_lie_is_noticed(
    answers: Answers, record: Path, lie: Callable[[Answers], None], noticed: str
) -> None:
    lie(answers)

    report = check(answers, record)

    assert not report.ok
    assert noticed in {row.what for row in report.failures}


@pytest.mark.parametrize("pilot", ["thuc-pham-mau"])
@pytest.mark.parametrize("lie", [lose, repeat, invent, alter, rename, suppress])
def test_a_lie_about_modbus_is_noticed(
    answers: Answers, record: Path, lie: Callable[[Answers], None]
) -> None:
    lie(answers)

    assert not check(answers, record).ok


def test_marks_of_the_edge_are_only_counted(answers: Answers, record: Path) -> None:
    tag = of_tag(answers, "/state")[0][0]
    time = stamp(ORIGIN_US + 777_777)
    answers.measurements.append([tag, time, time, "", "bad"])

    report = check(answers, record)

    assert report.ok
    assert [row.found for row in report.rows if row.what == "marks by the edge"] == [1]


def test_report_fails_when_there_is_no_truth() -> None:
    report = compare("http://127.0.0.1:1", [], ORIGIN, END)

    assert not report.ok


def test_file_is_refused_when_it_is_no_truth(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no ground truth"):
        compare("http://127.0.0.1:1", [tmp_path / "none.sqlite"], ORIGIN, END)


@pytest.mark.parametrize(
    ("text", "error"), [("500", TransientError), ("[]", ProtocolError), ("{", ProtocolError)]
)
def test_failure_is_told_apart_from_a_difference_when_the_api_is_broken(
    answers: Answers, record: Path, text: str, error: type[Exception]
) -> None:
    from simulators.check.client import ApiClient

    answers.broken = text

    with served(answers) as url, pytest.raises(error):
        ApiClient(url).listing("/api/v1/oee", kind="hour")


def test_instants_come_back_when_written_and_read() -> None:
    from simulators.check.client import instant, time_us

    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)

    assert time_us(instant(microseconds(moment))) == microseconds(moment)
