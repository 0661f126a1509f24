"""What closed records promise: computed again alike, late data supersede, tampering is named."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient

from api.access.role import Right, Role
from assessment.bundle import TrustedKey, key_id, sign_bundle, verify_bundle
from assessment.bundle.key import base64url
from assessment.programme import Desk
from assessment.programme.bundling import check_figures, files_of
from assessment.programme.content import digest_of, step_hash
from nhipmay.evidencing import checked_records, make_key, rechecked, revoke, signed_record
from plant.clock import system_clock
from plant.errors import DataError
from plant.settings import DatabaseSettings
from store import connect
from store.access.tenant import DEPARTMENT, login_of
from store.assessment.record import PilotStore
from tests.contract import ENDLESS
from tests.integration.dashboards.grafana_plant import BOARDS, expanded, sql_targets
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.figure_plant import SAW, FigurePlant, at
from tests.plants.pilot_programme import Walk, walk_of
from tests.plants.two_enterprises import (
    OWN,
    OWN_MACHINE,
    OWN_SITE,
    SECRET,
    Town,
    prepared,
)
from tests.unit.api.access.test_declarations import OPEN, routes

MACHINE_WORDS = ("day-chuyen/cua", "day-chuyen/mai", "cua/state", "Máy cưa", "Máy mài", "tien-1")
"""What tells of a single machine: paths, names and models of the register."""


@pytest.fixture
def walk(timescale_server: PostgresServer) -> Iterator[Walk]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        walk = walk_of(town)
        walk.begin()
        walk.register()
        yield walk
        town.close()


def test_a_closed_record_is_computed_again_alike_until_late_data_come(walk: Walk) -> None:
    record = walk.assessment()
    owner = walk.town.owner
    before = content(owner, record)

    assert rechecked(owner, None) == {record: []}

    plant = FigurePlant.__new__(FigurePlant)
    plant.database, plant.connection = owner, connect(owner, autocommit=True)
    plant.write(SAW, "state", [(1.5, "HELD")])
    plant.settle(4)
    plant.close()
    (differences,) = rechecked(owner, None).values()
    again = rechecked(owner, None)

    assert any(one.startswith("E06") for one in differences), differences
    assert content(owner, record) == before
    with PilotStore(owner).transaction() as t:
        versions = t.records(1, OWN, "assessment")
    assert [(one.version, one.status, one.supersedes) for one in versions] == [
        (1, "closed", None),
        (2, "draft", record),
    ]
    assert json.loads(versions[1].content)["because_vi"] == "Số liệu đến sau khi chốt"
    assert again[record] == differences
    assert checked_records(owner) == (len(walk.records) + 1, [])


def test_a_closed_record_is_the_same_to_the_byte_when_all_is_computed_anew_from_readings(
    walk: Walk,
) -> None:
    record = walk.assessment()
    owner = walk.town.owner
    held = json.loads(content(owner, record))["evidence"]
    plant = FigurePlant.__new__(FigurePlant)
    plant.database, plant.connection = owner, connect(owner, autocommit=True)
    before = plant.figures()
    # All that was derived is gone: what is left is what edges sent, and what people said.
    plant.forget()
    assert plant.figures() != before
    plant.settle(2)
    plant.close()

    desk = Desk(PilotStore(owner), PilotStore(owner, read_only=True), system_clock)
    again = desk.computed_again(record)
    assert {"E01", "E02", "E06", "E07"} <= set(again)
    assert {code: digest_of(text) for code, text in again.items()} == {
        code: digest for code, digest in held.items() if code in again
    }
    assert json.loads(again["E06"])["value"] is not None


def content(owner: DatabaseSettings, record: int) -> str:
    with PilotStore(owner).transaction() as t:
        row = t.record(record)
        assert row is not None
        return row.content


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("update pilot_record set content = content || ' ' where record_id = {r}", "nội dung"),
        ("update pilot_step set comment = 'x' where record_id = {r} and position = 2", "bước 2"),
        ("delete from pilot_step where record_id = {r} and position = 1", "bước 1"),
        ("update pilot_record set status = 'withdrawn' where record_id = {r}", "trạng thái"),
        ("delete from pilot_evidence where record_id = {r} and metric_code = 'E06'", "E06: bị mất"),
        ("update pilot_machine set name_vi = 'x'", "danh mục máy bị thay đổi"),
    ],
)
def test_whatever_is_changed_past_the_workflow_is_named(
    walk: Walk, statement: str, named: str
) -> None:
    record = walk.assessment()
    owner = walk.town.owner
    assert checked_records(owner)[1] == []
    with connect(owner, autocommit=True) as connection:
        for table in ("record", "step", "evidence", "machine"):
            connection.execute(f"alter table pilot_{table} disable trigger user".encode())
        connection.execute(statement.format(r=record).encode())

    faults = checked_records(owner)[1]

    assert faults, statement
    assert any(named in one for one in faults), faults


def test_a_chain_made_anew_does_not_agree_with_the_audit(walk: Walk) -> None:
    record = walk.assessment()
    owner = walk.town.owner
    with PilotStore(owner).transaction() as t:
        steps = t.steps(record)
        t.connection.execute("alter table pilot_step disable trigger user")
        before = ""
        for one in steps:
            hashed = step_hash(
                before,
                record,
                one.position,
                (one.from_status, one.to_status),
                "ai-do",
                one.office,
                one.at,
                one.comment,
                one.sha256,
            )
            t.connection.execute(
                "update pilot_step set who = 'ai-do', hash = %s"
                " where record_id = %s and position = %s",
                (hashed, record, one.position),
            )
            before = hashed

    assert any("không khớp nhật ký kiểm toán" in one for one in checked_records(owner)[1])


def test_a_bundle_computes_its_figures_again_and_every_byte_counts(
    walk: Walk, tmp_path: Path
) -> None:
    record = walk.assessment()
    owner, keys = walk.town.owner, tmp_path / "keys.json"
    name = make_key(tmp_path / "key.pem", keys)
    bundle = signed_record(owner, record, tmp_path / "key.pem", with_inputs=True)
    trusted = {name: TrustedKey.model_validate(json.loads(keys.read_text())[0])}

    alike, faults = check_figures(verify_bundle(bundle, trusted).files)

    assert {"E01", "E02", "E06"} <= set(alike)
    assert faults == []
    # Every seventh byte of a large one here; each byte of a small one in the unit tests.
    for place in range(0, len(bundle), max(1, len(bundle) // 300)):
        changed = bytearray(bundle)
        changed[place] ^= 0x01
        with pytest.raises(DataError):
            verify_bundle(bytes(changed), trusted)
    second = make_key(tmp_path / "second.pem", keys)
    revoke(keys, name, "khóa cũ bị lộ")
    listed = json.loads(keys.read_text())
    assert [one.get("revoked_vi") for one in listed] == ["khóa cũ bị lộ", None]
    assert second != name


def test_a_figure_that_was_signed_anew_with_another_value_is_found(walk: Walk) -> None:
    record = walk.assessment()
    with PilotStore(walk.town.owner).transaction() as t:
        row = t.record(record)
        assert row is not None
        files = files_of(t, row, inputs=True)
    figure = json.loads(files["evidence/e06.json"])
    figure["value"] = "1/1"
    files["evidence/e06.json"] = json.dumps(figure).encode()
    key = Ed25519PrivateKey.generate()
    x = base64url(key.public_key().public_bytes_raw())
    trusted = {key_id(key.public_key()): TrustedKey(x=x)}
    bundle = sign_bundle(files, {}, key, system_clock())

    assert check_figures(verify_bundle(bundle, trusted).files)[1] == [
        "evidence/e06.json: không khớp hồ sơ"
    ]


def test_nothing_of_a_machine_reaches_the_department_by_any_way(walk: Walk) -> None:
    record = walk.assessment()
    final = walk.open(walk.officer, "final", "2026")
    programs = {role: token(walk.town, role) for role in (Role.OFFICER, Role.APPROVER)}
    ids: dict[str, list[object]] = {
        "record": [*walk.records.values(), final, record],
        "metric": ["E01", "E06", "E18"],
    }
    looked_at = 0
    for client in (walk.officer, walk.approver, *programs.values()):
        for path in addresses(client, ids):
            answer = client.get(path)
            text = answer.text if b"\x00" not in answer.content else unpacked(answer.content)
            found = [word for word in MACHINE_WORDS if word in text]
            assert found == [], (path, found)
            looked_at += answer.status_code == 200
    assert looked_at > 60
    department = login_of(as_role(walk.town.owner, "nhipmay_reader"), SECRET, DEPARTMENT)
    with connect(department) as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'department'"
        ).fetchall()
        assert ("pilot_record",) in tables
        assert not {("pilot_evidence_input",), ("pilot_machine",), ("base_sum",)} & set(tables)
        for (table,) in tables:
            rows = str(connection.execute(f"select * from {table}".encode()).fetchall())
            assert [word for word in MACHINE_WORDS if word in rows] == [], table


def test_no_board_of_grafana_shows_the_department_a_machine_whatever_place_is_asked_for(
    walk: Walk,
) -> None:
    walk.assessment()
    # Whoever may look at a data source may send it any query: not only those of the own board.
    texts = {(uid, text) for uid in BOARDS for _, text in sql_targets(uid)}
    line = OWN_MACHINE.rpartition("/")[0]
    window = {"start": at(-24), "end": at(24)}
    department = login_of(as_role(walk.town.owner, "nhipmay_reader"), SECRET, DEPARTMENT)
    shown, refused = set(), set()
    with connect(department, autocommit=True) as connection:
        for uid, text in sorted(texts):
            for place in (OWN, OWN_SITE, line, OWN_MACHINE):
                chosen = {"place": place, "kind": "shift", "tag": "1"}
                try:
                    rows = connection.execute(expanded(text, chosen, **window).encode()).fetchall()
                except psycopg.errors.UndefinedTable:
                    refused.add(uid)
                    continue
                shown |= {uid} if rows else set()
                found = [word for word in MACHINE_WORDS if word in str(rows)]
                assert found == [], (uid, place, text)
    assert "nm-department" in shown
    assert {"nm-machine", "nm-line"} <= refused


def token(town: Town, role: Role) -> TestClient:
    return town.with_token(town.logins[role], list(Right))


def addresses(client: TestClient, ids: dict[str, list[object]]) -> Iterator[str]:
    """Yield every address that may be read, with every record and metric in it."""
    for route in routes(client.app):  # type: ignore[arg-type]  # an ASGI app to the client
        if "GET" not in (route.methods or ()) or route.path in OPEN or route.path in ENDLESS:
            continue
        path = route.path
        filled = [path]
        for name, values in ids.items():
            filled = [
                one.replace(f"{{{name}}}", str(value))
                for one in filled
                for value in (values if f"{{{name}}}" in one else [""])
            ]
        for one in (_placed(each) for each in filled):
            yield one
            if path.endswith("/document") or path.startswith("/api/"):
                yield f"{one}?format=csv&form=docx&place={OWN}/bien-hoa&kind=shift"
            if path == "/programme/sharing":
                yield f"{one}?dataset=nmtm-bang-chung"
            if path == "/programme/forms":
                yield f"{one}?period=20261"


def _placed(path: str) -> str:
    for name, value in {
        "place": OWN,
        "dataset": "nmtm-bang-chung",
        "attachment": "1",
        "path:path": f"{OWN}/bien-hoa",
        "board": "hours",
        "kind": "products",
        "table": "hours",
    }.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def unpacked(content: bytes) -> str:
    """Return the texts of a file that is a ZIP of XML."""
    if not content.startswith(b"PK"):
        return content.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return " ".join(
            archive.read(name).decode("utf-8", "replace") for name in archive.namelist()
        )
