"""`nhipmay import`: files, default reasons and foreign tables into a real database."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from plant.settings import DatabaseSettings
from tests.plants.figure_plant import LINE, SAW, SITE, FigurePlant
from tests.plants.mes_documents import ENTERPRISE
from tests.waiting import HANG_S, wait_until


class Import:
    """The command, on this test's database."""

    def __init__(self, plant: FigurePlant, folder: Path) -> None:
        self.plant = plant
        self.folder = folder
        self.settings = folder / "import.yaml"
        self.settings.write_text(json.dumps({"database": block(plant.database)}))

    def run(self, *arguments: str | Path, settings: bool = True) -> tuple[int, str]:
        """Return the exit code and what was said."""
        words = [sys.executable, "-m", "nhipmay", "import", *map(str, arguments)]
        if settings:
            words += ["--settings", str(self.settings)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=HANG_S)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def file(self, name: str, content: str) -> Path:
        file = self.folder / name
        file.write_text(content, encoding="utf-8")
        return file

    def count(self, table: str) -> int:
        return int(self.plant.rows(f"select count(*) as n from {table}")[0]["n"])


def block(database: DatabaseSettings) -> dict[str, Any]:
    """Return settings of a database as a file holds them."""
    settings: dict[str, Any] = json.loads(database.model_dump_json(exclude={"password"}))
    return settings | ({"password": database.secret()} if database.secret() else {})


@pytest.fixture
def command(each_database: DatabaseSettings, tmp_path: Path) -> Iterator[Import]:
    plant = FigurePlant(each_database)
    yield Import(plant, tmp_path)
    plant.close()


@pytest.fixture
def plain_command(plain_database: DatabaseSettings, tmp_path: Path) -> Iterator[Import]:
    plant = FigurePlant(plain_database)
    yield Import(plant, tmp_path)
    plant.close()


def test_a_table_is_imported_after_its_bad_cells_were_mended(command: Import) -> None:
    header = "work_unit;product;seconds;source"
    wrong = command.file(
        "dinh-muc.csv", f"{header}\n{SAW};truc;28,5;bấm giờ\n{SAW};khong-co;30;=A1\n"
    )
    right = command.file("dinh-muc-2.csv", f"{header}\n{SAW};truc;28.5;bấm giờ\n")

    refused = command.run(wrong, "--kind", "planned-run-times", "--preview")
    preview = command.run(right, "--kind", "planned-run-times", "--preview")
    before = command.count("master_data_event")
    written = command.run(
        right, "--kind", "planned-run-times", "--reason", "bấm giờ lại", "--who", "Tổ kỹ thuật"
    )

    assert refused[0] == 1
    assert "C2 (seconds): '28,5' is no number" in refused[1]
    assert "D3 (source)" in refused[1]
    assert preview[0] == 0
    assert "1 changed" in preview[1]
    assert "nothing was written" in preview[1]
    assert written[0] == 0
    assert command.count("master_data_event") == before + 1
    (event,) = command.plant.rows(
        "select who, source, reason, new from master_data_event order by event_id desc limit 1"
    )
    assert (event["who"], event["source"]) == ("Tổ kỹ thuật", "file dinh-muc-2.csv")
    assert (event["reason"], event["new"]["seconds"]) == ("bấm giờ lại", 28.5)


def test_a_workbook_is_imported(plain_command: Import) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["number", "product", "work_center", "planned_quantity", "planned_start"])
    sheet.append([2601, "truc", LINE, 150, "2026-03-03 06:00"])
    book.save(plain_command.folder / "lenh.xlsx")
    file = plain_command.folder / "lenh.xlsx"

    naive = plain_command.run(file, "--kind", "orders", "--site", SITE)
    done = plain_command.run(
        file, "--kind", "orders", "--site", SITE, "--time-zone", "Asia/Ho_Chi_Minh"
    )

    assert naive[0] == 1
    assert "E2 (planned_start)" in naive[1]
    assert done[0] == 0, done[1]
    (order,) = plain_command.plant.rows("select * from production_order")
    assert (order["number"], order["planned_start"].isoformat()) == (
        "2601",
        "2026-03-02T23:00:00+00:00",
    )


def test_xml_is_imported(plain_command: Import) -> None:
    file = plain_command.file(
        "lich.xml",
        f"""<WorkCalendarInformation xmlns="http://www.mesa.org/xml/B2MML"><WorkCalendar>
        <HierarchyScope><EquipmentID>{SITE}</EquipmentID></HierarchyScope>
        <WorkCalendarEntry><ID>2/9</ID><Description>Quốc khánh</Description>
        <StartDateTime>2026-09-02</StartDateTime><EntryType>Holiday</EntryType>
        </WorkCalendarEntry></WorkCalendar></WorkCalendarInformation>""",
    )

    code, said = plain_command.run(file)

    assert code == 0, said
    assert plain_command.count("holiday") == 1


@pytest.mark.parametrize("sector", ["mechanical", "food"])
def test_the_reasons_of_a_sector_are_imported(plain_command: Import, sector: str) -> None:
    code, said = plain_command.run("--reasons", sector, "--enterprise", ENTERPRISE)

    assert code == 0, said
    assert plain_command.count("stop_reason") >= 30
    assert plain_command.count("quality_reason") >= 9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name one source"),
        (["x.csv"], "--kind"),
        (["x.pdf", "--kind", "products"], "is none of"),
        (["none.csv", "--kind", "products"], "cannot be read"),
        (["x.csv", "--kind", "product"], "did you mean 'products'"),
        (["--reasons", "food"], "--enterprise"),
        (["--reasons", "x", "--enterprise", "y"], "there is no tree"),
        (["x.csv", "--watch", "--kind", "products"], "--sql"),
        (["x.csv", "--kind", "orders", "--time-zone", "Mars"], "no IANA zone"),
    ],
)
def test_wrong_usage_is_said_in_words(
    plain_command: Import, arguments: list[str], said: str
) -> None:
    plain_command.file("x.csv", "enterprise,code,name_vi\n")
    plain_command.file("x.pdf", "%PDF")
    given = [
        str(plain_command.folder / word) if word.endswith((".csv", ".pdf")) else word
        for word in arguments
    ]

    code, words = plain_command.run(*given)

    assert code == 2
    assert said in words


# --- a foreign table ---


@pytest.fixture
def erp(command: Import) -> Callable[[str], None]:
    """A schema of another system, in the same server for this test's sake."""
    command.plant.connection.execute("create schema erp")
    command.plant.connection.execute(
        "create table erp.work_order (order_no integer primary key, item text, qty numeric,"
        " line text, changed_at timestamptz not null)"
    )

    def execute(statement: str) -> None:
        command.plant.connection.execute(statement.encode())

    return execute


def poll_settings(command: Import, **changed: Any) -> Path:
    settings = {
        "name": "erp-orders",
        "kind": "orders",
        "database": block(command.plant.database),
        "foreign": block(command.plant.database),
        "query": "select order_no, item, qty, line, changed_at from erp.work_order"
        " where changed_at >= %(high_water)s::timestamptz order by changed_at",
        "mapping": {
            "number": "order_no",
            "product": "item",
            "planned_quantity": "qty",
            "work_center": "line",
        },
        "constants": {"site": SITE},
        "high_water": {"column": "changed_at", "initial": "2000-01-01"},
        "interval_s": 1,
    }
    return command.file("erp.yaml", json.dumps(settings | changed))


def order(number: int, quantity: str = "100", item: str = "truc", at: str = "2026-03-01") -> str:
    return f"insert into erp.work_order values ({number}, '{item}', {quantity}, '{LINE}', '{at}')"


def test_a_foreign_table_is_read_from_where_it_was_left(
    command: Import, erp: Callable[[str], None]
) -> None:
    settings = poll_settings(command)
    erp(order(1))
    erp(order(2, at="2026-03-02"))

    first = command.run("--sql", settings, settings=False)
    erp(order(3, at="2026-03-03"))
    erp("update erp.work_order set qty = 55.5, changed_at = '2026-03-04' where order_no = 1")
    second = command.run("--sql", settings, settings=False)
    third = command.run("--sql", settings, settings=False)

    assert "2 documents: 2 new" in first[1], first[1]
    assert "3 documents: 1 new, 1 changed, 1 unchanged" in second[1]
    assert "1 documents: 0 new, 0 changed, 1 unchanged" in third[1]
    quantities = command.plant.rows(
        "select number, planned_quantity as made from production_order order by number"
    )
    assert [(row["number"], row["made"]) for row in quantities] == [
        ("1", 55.5),
        ("2", 100),
        ("3", 100),
    ]


def test_rows_that_are_wrong_are_rejections_and_the_others_are_written(
    command: Import, erp: Callable[[str], None]
) -> None:
    settings = poll_settings(command)
    erp(order(1, quantity="-5"))
    erp(order(2, item="khong-co"))
    erp(order(3))

    code, said = command.run("--sql", settings, settings=False)
    command.run("--sql", settings, settings=False)

    assert code == 1
    assert "row 1, column qty (planned_quantity): Input should be greater than 0" in said
    assert "row 2, column item (product): there is no product 'khong-co'" in said
    assert command.count("production_order") == 1
    rejected = command.plant.rows("select topic, reason, raw from rejection order by 2")
    assert [(row["topic"], row["reason"]) for row in rejected] == [
        ("sql:erp-orders", "unknown_reference"),
        ("sql:erp-orders", "wrong_value"),
    ]
    assert json.loads(bytes(rejected[1]["raw"]))["order_no"] == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"query": "select nothing from erp.work_order"}, "the query of the foreign table"),
        ({"query": "delete from erp.work_order"}, "the query of the foreign table"),
        ({"mapping": {"number": "nummer"}}, "returns no column nummer"),
        ({"high_water": None}, "query parameter missing: high_water"),
        ({"max_rows": 1, "high_water": None, "query": "select * from erp.work_order"}, "max_rows"),
        ({"foreign": {"port": 1}}, "cannot be used"),
    ],
)
def test_what_is_wrong_with_a_poll_is_said_in_words(
    command: Import, erp: Callable[[str], None], changed: dict[str, Any], said: str
) -> None:
    erp(order(1))
    erp(order(2))

    code, words = command.run("--sql", poll_settings(command, **changed), settings=False)

    assert code in {1, 2}
    assert said in words
    assert command.count("production_order") == 0


def test_a_watched_table_is_read_again_until_told_to_stop(
    command: Import, erp: Callable[[str], None]
) -> None:
    settings = poll_settings(command)
    words = [sys.executable, "-m", "nhipmay", "import", "--sql", str(settings), "--watch"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        erp(order(1))
        wait_until(lambda: command.count("production_order") == 1, what="the first order")
        erp(order(2, at="2026-04-01"))
        wait_until(lambda: command.count("production_order") == 2, what="the second order")
    finally:
        process.terminate()
        _, said = process.communicate(timeout=HANG_S)
    assert process.returncode == 0
    assert "poll written" in said
    assert "Traceback" not in said


# --- a long file ---


# A run of the suite imports enough to tell that memory stays; NHIPMAY_IMPORT_ROWS=1000000 takes
# several minutes.
ROWS = int(os.environ.get("NHIPMAY_IMPORT_ROWS", "60000"))


@pytest.mark.slow
def test_many_rows_are_imported_in_bounded_memory(
    plain_database: DatabaseSettings, tmp_path: Path
) -> None:
    plant = FigurePlant(plain_database)
    try:
        file = tmp_path / "kiem-tra.csv"
        with file.open("w", encoding="utf-8") as out:
            out.write("number,work_unit,product,serial_number,result,inspected_at\n")
            out.writelines(
                f"KT-{n},{SAW},truc,SN-{n:07},good,2026-03-03T{n % 24:02}:{n % 60:02}:00+07:00\n"
                for n in range(ROWS)
            )
        peak = _PeakMemory(plant.database, file)

        small = peak.of_rows(20_000)
        whole = peak.of_rows(ROWS)

        assert plant.rows("select count(*) as n from inspection")[0]["n"] == ROWS
        assert whole < small + 20, f"{small} MB for 20,000 rows, {whole} MB for {ROWS}"
    finally:
        plant.close()


class _PeakMemory:
    """Imports the beginning of a file in a process of its own and tells its peak memory."""

    def __init__(self, database: DatabaseSettings, file: Path) -> None:
        self._settings = file.with_suffix(".yaml")
        self._settings.write_text(json.dumps({"database": block(database)}))
        self._file = file

    def of_rows(self, count: int) -> int:
        part = self._file.with_name(f"{count}.csv")
        with self._file.open(encoding="utf-8") as lines, part.open("w", encoding="utf-8") as out:
            for _ in range(count + 1):
                out.write(lines.readline())
        program = (
            "import resource, sys\n"
            "from nhipmay.cli import app\n"
            "try:\n"
            "    app(sys.argv[1:], standalone_mode=False)\n"
            "finally:\n"
            "    print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
        )
        words = [sys.executable, "-c", program, "import", str(part), "--kind", "inspections"]
        words += ["--site", SITE, "--settings", str(self._settings)]
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=HANG_S)
        assert f"{count} documents" in done.stdout, done.stdout + done.stderr
        return int(done.stdout.split()[-1])
