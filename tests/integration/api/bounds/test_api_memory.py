"""What the API needs at most, whatever it is asked: the real process, on a real database."""

import gzip
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml

from plant.settings import DatabaseSettings
from store import connect
from tests.peers.postgres import PostgresServer
from tests.peers.services import free_port
from tests.plants.api_plant import NOW, SITE, TEMPERATURE, seed
from tests.waiting import HANG_S, wait_until

MOST_MB = 300
ROWS = 300_000
EVERY_S = 10
TOKEN = "bi-mat"


class Api:
    """The API as a process of its own, and what it needed at most."""

    def __init__(self, database: DatabaseSettings, folder: Path) -> None:
        port = free_port()
        inside = database.model_dump(mode="json", exclude={"password", "password_file"})
        settings = {
            "port": port,
            "database": inside | {"password": database.secret()},
            "token": TOKEN,
            "clock": dict.fromkeys(("wall_origin", "plant_origin", "until"), NOW.isoformat()),
        }
        file = folder / "api.yaml"
        file.write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-m", "nhipmay", "api", "--settings", str(file)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=HANG_S)
        self.client.headers["Authorization"] = f"Bearer {TOKEN}"
        wait_until(self.answers, what="the API to answer")

    def answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.client.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def peak_mb(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (peak,) = (row.split()[1] for row in status.splitlines() if row.startswith("VmHWM"))
        return int(peak) // 1024

    def forget_peak(self) -> None:
        """Let the kernel count anew: what is still held counts, what was given back does not."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def read(self, path: str, **params: str | int) -> int:
        """Read an answer to its end, keeping none of it; return its bytes."""
        with self.client.stream("GET", path, params=params) as answer:
            length = sum(len(part) for part in answer.iter_raw())
            assert answer.status_code in {200, 400, 413, 422, 429}, answer.status_code
            return length if answer.status_code == 200 else 0

    def send(self, name: str, content: bytes, **fields: str) -> httpx.Response:
        files = {"file": (name, content)}
        return self.client.post("/api/v1/mes-files", files=files, data=fields)


@pytest.fixture(scope="module")
def database(
    timescale_server: PostgresServer, timescale_template: str
) -> Iterator[DatabaseSettings]:
    name = timescale_server.create_database(template=timescale_template)
    settings = timescale_server.settings(name)
    seed(settings)
    with connect(settings, autocommit=True) as connection:
        connection.execute(
            "insert into measurement (tag_id, source_time, received_time, value, quality)"
            " select tag_id, %s - n * %s * interval '1 s', now(), sin(n), 0"
            " from generate_series(1, %s) n,"
            " (select tag_id from tag where name = 'cnc-1/spindle_temperature') tag",
            (NOW - timedelta(days=30), EVERY_S, ROWS),
        )
        for table in ("stop", "state_interval"):
            connection.execute(
                f"insert into {table}"
                " (work_unit_id, start_time, end_time, element, state, stop_kind)"
                " select place_id, %s - n * interval '1 minute', %s - n * interval '1 minute'"
                " + interval '50 s', 'delay', 'HELD', 'held' from generate_series(1, 100000) n,"
                " (select place_id from place where level = 'work_unit' limit 1) unit".encode(),
                (NOW - timedelta(days=30), NOW - timedelta(days=30)),
            )
    yield settings
    timescale_server.drop_database(name)


@pytest.fixture(scope="module")
def api(database: DatabaseSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    api = Api(database, tmp_path_factory.mktemp("api"))
    yield api
    api.client.close()
    api.process.terminate()
    api.process.wait()


YEARS, MONTHS = (
    {"start": (NOW - timedelta(days=days)).isoformat(), "end": NOW.isoformat()}
    for days in (3_600, 92)
)


def four(work: Callable[[], object]) -> None:
    """Have it done four times at once."""
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for _ in range(4)]:
            done.result()


def export(api: Api) -> None:
    asked = MONTHS | {"place": SITE}
    four(lambda: api.read("/api/v1/measurements.csv", **asked))
    # Packed on the way.
    assert api.read("/api/v1/measurements.csv", **asked) > 5 * ROWS


def slow_reader(api: Api) -> None:
    asked = MONTHS | {"place": SITE}
    with api.client.stream("GET", "/api/v1/measurements.csv", params=asked) as answer:
        next(answer.iter_raw())
        # It is not read any further, and others are served meanwhile.
        api.read("/api/v1/places")


def long_windows(api: Api) -> None:
    paths = {
        **{f"/api/v1/{name}": {"tag": TEMPERATURE} for name in ("measurements", "series")},
        **{f"/api/v1/{name}": {"place": SITE} for name in ("oee", "kpi", "losses", "stops")},
        f"/trend/{SITE}": {},
    }
    for path, more in paths.items():
        for asked in (YEARS, MONTHS):
            api.read(path, **asked, **more)
        four(partial(api.read, path, **MONTHS, **more))


def boards(api: Api) -> None:
    page = api.client.get(f"/board/timeline/{SITE}", params=MONTHS | {"lang": "en"}).text
    assert "more than the 20,000 that one drawing holds" in page
    for name in ("timeline", "stops", "hours"):
        four(partial(api.read, f"/board/{name}/{SITE}", **MONTHS))


def files(api: Api) -> None:
    for kind in ("csv", "xlsx"):
        four(partial(api.read, "/api/v1/stops", place=SITE, format=kind, **MONTHS))
        four(partial(api.read, "/api/v1/measurements", tag=TEMPERATURE, format=kind, **MONTHS))


def faulty_orders(api: Api) -> None:
    order = "<OperationsRequest><ID/><SegmentRequirement/></OperationsRequest>"
    body = order * 150_000
    root = "OperationsScheduleInformation"
    text = f"<{root}><OperationsSchedule>{body}</OperationsSchedule></{root}>"
    four(lambda: api.send("don-hang.xml", text.encode(), site=SITE))
    answer = api.send("don-hang.xml", text.encode(), site=SITE)
    assert answer.status_code == 422
    assert "the rest was not read" in answer.text


def faulty_rows(api: Api) -> None:
    head = "site,number,product,work_center,planned_quantity\n"
    text = (head + f"{SITE},,khong-co,khong-co,x\n" * 300_000).encode()
    four(lambda: api.send("don-hang.csv", text, kind="orders"))


def bombs(api: Api) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", b" " * 10)
        book.writestr("xl/workbook.xml", b"<a/>" * 50_000_000)
    four(lambda: api.send("bom.xlsx", packed.getvalue(), kind="products"))
    packed_body = gzip.compress(b" " * 300_000_000)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    four(lambda: api.client.post("/api/v1/mes/products", content=packed_body, headers=headers))


def guesses(api: Api) -> None:
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda n: api.client.post("/sign-in", data={"token": n}), range(60)))


@pytest.mark.parametrize(
    "ask",
    [guesses, faulty_orders, faulty_rows, bombs, long_windows, boards, files, slow_reader, export],
)
def test_memory_is_bounded_whatever_is_asked(api: Api, ask: Callable[[Api], None]) -> None:
    api.forget_peak()
    ask(api)
    assert api.peak_mb() < MOST_MB
    assert api.answers()
