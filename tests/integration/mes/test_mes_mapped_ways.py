"""One confirmed mapping reads the same row by every way in: HTTP, file, MQTT and foreign table."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from typer.testing import CliRunner

from api import ApiSettings, create_app
from ingest.decoding.message import Message
from ingest.mes.intake import MesIntake
from ingest.mes.poll import poll
from ingest.mes.settings import ForeignTableSettings, MesSettings
from ingest.selfstat import Selfstat
from nhipmay.cli import app
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store import connect
from store.mes.store import MesStore
from tests.plants.figure_plant import SAW, SITE, FigurePlant, at
from tests.plants.mes_documents import write

ENTERPRISE = SITE.partition("/")[0]
MAPPING = {
    "enterprise": ENTERPRISE,
    "name": "xưởng cưa",
    "kind": "order-runs",
    "delimiter": ";",
    "date_order": "dmy",
    "time_zone": "Asia/Ho_Chi_Minh",
    "columns": {
        "work_unit": ["Máy"],
        "started_at": ["Ngày", "Giờ"],
        "order": ["Lệnh"],
        "product": ["Mã hàng"],
        "lot": ["Lô"],
    },
    "values": {"work_unit": {"CƯA SỐ 1": SAW}},
}
ROW = {
    "Máy": "CƯA SỐ 1",
    "Ngày": "03/03/2026",
    "Giờ": "07:00",
    "Lệnh": "LSX-7",
    "Mã hàng": "truc",
    "Lô": "L 7/26",
}


def by_rest(database: DatabaseSettings, folder: Path, mapping: str) -> str:
    settings = ApiSettings(database=database, token=SecretStr("bi-mat"))
    body = {"documents": [ROW], "mapping": mapping, "enterprise": ENTERPRISE}
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        answer = client.post(
            "/api/v1/mes/order-runs", json=body, headers={"Authorization": "Bearer bi-mat"}
        )
    return "" if answer.status_code == 200 else answer.text


def by_command(database: DatabaseSettings, folder: Path, mapping: str) -> str:
    file, settings = folder / "chạy.csv", folder / "import.yaml"
    file.write_text("\n".join(";".join(line) for line in (ROW, ROW.values())), encoding="utf-8")
    block = json.loads(database.model_dump_json(exclude={"password"}))
    block |= {"password": database.secret()} if database.secret() else {}
    settings.write_text(json.dumps({"database": block}), encoding="utf-8")
    asked = ["import", str(file), "--kind", "order-runs", "--enterprise", ENTERPRISE]
    found = CliRunner().invoke(app, [*asked, "--mapping", mapping, "--settings", str(settings)])
    return "" if found.exit_code == 0 else f"{found.output} {found.exception}"


def by_mqtt(database: DatabaseSettings, folder: Path, mapping: str) -> str:
    store = MesStore(database)
    nothing_received: Any = None
    intake = MesIntake(nothing_received, store, MesSettings(), Selfstat(), lambda: at(9))
    payload = json.dumps({"documents": [ROW], "mapping": mapping}).encode()
    tally, _ = intake.take(Message(f"nm/v1/{SITE}/mes/order-runs", payload, at(9)))
    store.close()
    if not tally.rejected:
        return ""
    with connect(database) as connection:
        return str(connection.execute("select reason, detail from rejection").fetchall())


def by_sql(database: DatabaseSettings, folder: Path, mapping: str) -> str:
    columns = ", ".join(f"'{value}' as \"{name}\"" for name, value in ROW.items())
    settings = ForeignTableSettings(
        name="xuong",
        kind="order-runs",
        database=database,
        foreign=database,
        query=f"select {columns}",
        import_mapping=mapping,
        enterprise=ENTERPRISE,
    )
    store = MesStore(database)
    try:
        report = poll(settings, store)
    except ConfigurationError as exc:
        return str(exc)
    finally:
        store.close()
    return str(report.problems) if report.problem_count else ""


@pytest.fixture
def plant(plain_database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(plain_database)
    assert write(plain_database, "import-mappings", [MAPPING]).committed
    yield plant
    plant.close()


@pytest.mark.parametrize(
    "way", [by_rest, by_command, by_mqtt, by_sql], ids=["rest", "command", "mqtt", "sql"]
)
def test_a_row_in_the_sources_own_words_is_read_by_its_mapping(
    plant: FigurePlant, tmp_path: Path, way: Callable[[DatabaseSettings, Path, str], str]
) -> None:
    assert "không có" in way(plant.database, tmp_path, "không có")
    assert plant.rows("select * from order_run") == []

    assert way(plant.database, tmp_path, "xưởng cưa") == ""

    (row,) = plant.rows(
        "select path, started_at, order_number, code, lot_number from order_run run"
        " join product using (product_id) join place on place_id = run.work_unit_id"
    )
    assert row == {
        "path": SAW,
        "started_at": at(1),
        "order_number": "LSX-7",
        "code": "truc",
        "lot_number": "L 7/26",
    }
