"""An order on a machine comes in the same by every way, and each leaves its trail."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api import ApiSettings, create_app
from ingest.decoding.message import Message
from ingest.mes.file_import import FileImport, import_file
from ingest.mes.intake import MesIntake
from ingest.mes.poll import poll
from ingest.mes.settings import ForeignTableSettings, ImportSettings, MesSettings
from ingest.selfstat import Selfstat
from plant.settings import DatabaseSettings
from store.mes.store import MesStore
from tests.plants.figure_plant import SAW, SITE, FigurePlant, at

RUN = {
    "work_unit": SAW,
    "started_at": at(1).isoformat(),
    "order": "LSX-7",
    "product": "truc",
    "lot": "L-7",
}
ENDED = RUN | {"ended_at": at(2).isoformat()}
XML = """<OperationsPerformance xmlns="http://www.mesa.org/xml/B2MML"><OperationsResponse>
<ID>TH-1</ID><OperationsRequestID>{order}</OperationsRequestID><SegmentResponse>
<ActualStartTime>{started_at}</ActualStartTime>{end}
<EquipmentActual><EquipmentID>{work_unit}</EquipmentID></EquipmentActual>
<MaterialActual><MaterialDefinitionID>{product}</MaterialDefinitionID>
<MaterialLotID>{lot}</MaterialLotID><MaterialUse>Produced</MaterialUse></MaterialActual>
</SegmentResponse></OperationsResponse></OperationsPerformance>"""


class Ways:
    """The ways in, on one database; each takes a document and writes it."""

    def __init__(self, database: DatabaseSettings, folder: Path) -> None:
        self.database = database
        self.folder = folder

    def rest(self, document: dict[str, Any]) -> None:
        settings = ApiSettings(database=self.database, token=SecretStr("bi-mat"))
        with TestClient(create_app(settings), base_url="http://localhost") as client:
            answer = client.post(
                "/api/v1/mes/order-runs",
                json={"documents": [document]},
                headers={"Authorization": "Bearer bi-mat"},
            )
        assert answer.status_code == 200, answer.text

    def csv(self, document: dict[str, Any]) -> None:
        text = "\n".join(",".join(row) for row in (document.keys(), document.values()))
        self._import("chay.csv", text)

    def workbook(self, document: dict[str, Any]) -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.append(list(document.keys()))
        sheet.append(list(document.values()))
        book.save(self.folder / "chay.xlsx")
        self._import("chay.xlsx")

    def b2mml(self, document: dict[str, Any]) -> None:
        ended = document.get("ended_at")
        end = f"<ActualEndTime>{ended}</ActualEndTime>" if ended else ""
        self._import("chay.xml", XML.format(end=end, **document))

    def mqtt(self, document: dict[str, Any]) -> None:
        store = MesStore(self.database)
        intake = MesIntake(
            None,  # type: ignore[arg-type]  # nothing is received here
            store,
            MesSettings(),
            Selfstat(),
            lambda: at(9),
        )
        payload = json.dumps(document).encode()
        tally, _ = intake.take(Message(f"nm/v1/{SITE}/mes/order-runs", payload, at(9)))
        store.close()
        assert not tally.rejected

    def sql(self, document: dict[str, Any]) -> None:
        columns = ", ".join(f"'{value}' as {name}_x" for name, value in document.items())
        settings = ForeignTableSettings(
            name="erp-runs",
            kind="order-runs",
            database=self.database,
            foreign=self.database,
            query=f"select {columns}",
            mapping={name: f"{name}_x" for name in document},
        )
        store = MesStore(self.database)
        report = poll(settings, store)
        store.close()
        assert not report.problem_count, report.problems

    def _import(self, name: str, content: str | None = None) -> None:
        file = self.folder / name
        if content is not None:
            file.write_text(content, encoding="utf-8")
        report = import_file(
            ImportSettings(database=self.database), FileImport(file, kind="order-runs")
        )
        assert report.committed, report.problems


@pytest.fixture
def plant(plain_database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(plain_database)
    yield plant
    plant.close()


@pytest.mark.parametrize("way", ["rest", "csv", "workbook", "b2mml", "mqtt", "sql"])
def test_an_order_begins_and_ends_on_a_machine(
    plant: FigurePlant, tmp_path: Path, way: str
) -> None:
    write = getattr(Ways(plant.database, tmp_path), way)

    write(RUN)
    write(ENDED)

    (row,) = plant.rows("select run.*, code from order_run run join product using (product_id)")
    assert (row["started_at"], row["ended_at"]) == (at(1), at(2))
    assert (row["order_number"], row["code"], row["lot_number"]) == ("LSX-7", "truc", "L-7")
    trail = plant.rows(
        "select action, source, old ->> 'ended_at' as before from master_data_event"
        " where kind = 'order-runs' order by event_id"
    )
    assert [(one["action"], one["before"]) for one in trail] == [
        ("created", None),
        ("changed", None),
    ]
    assert all(one["source"] for one in trail)
