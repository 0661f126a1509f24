"""Files of master data over HTTP: looked at cell by cell, then written whole or not at all."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from api.http import body
from plant.mes import KINDS
from plant.settings import DatabaseSettings
from tests.api_asking import may_write
from tests.plants.figure_plant import LINE, SAW, SITE, FigurePlant
from tests.plants.mes_documents import ENTERPRISE, write_samples

PROBLEM = "urn:nhipmay:problem:"
PRODUCTS = "enterprise,code,name_vi\ndong-nai,bac-lot,Bạc lót\ndong-nai,chot,Chốt\n"
ORDERS = "site,number,product,work_center,planned_quantity\n"
SHIFTS = "site,name,start,end\n"


@pytest.fixture
def plant(plain_database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(plain_database)
    yield plant
    plant.close()


@pytest.fixture
def client(plant: FigurePlant) -> Iterator[TestClient]:
    with may_write(ApiSettings(database=plant.database)) as client:
        yield client


def send(client: TestClient, name: str, content: str | bytes, **fields: str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return client.post("/api/v1/mes-files", files={"file": (name, data)}, data=fields)


def cells(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == f"{PROBLEM}documents-refused"
    return [(error["name"], error["reason"]) for error in answer.json()["errors"]]


def told(client: TestClient, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(
        f"/api/v1/mes/{kind}", params={"place": ENTERPRISE}
    ).json()["data"]
    return found


def test_a_file_is_looked_at_before_it_is_written(client: TestClient) -> None:
    looked = send(client, "san-pham.csv", PRODUCTS, kind="products").json()
    assert (looked["documents"], looked["created"], looked["committed"]) == (2, 2, False)
    assert {one["code"] for one in told(client, "products")} == {"truc"}

    fields = {"kind": "products", "preview": "false", "sha256": looked["sha256"]}
    other = send(client, "san-pham.csv", PRODUCTS + "dong-nai,x,X\n", **fields)
    written = send(client, "san-pham.csv", PRODUCTS, **fields, who="An", reason="khai báo")

    assert (other.status_code, other.json()["type"]) == (409, f"{PROBLEM}file-changed")
    assert written.json()["committed"]
    assert {one["code"] for one in told(client, "products")} == {"truc", "bac-lot", "chot"}
    (event, *_) = client.get(
        "/api/v1/mes-events", params={"place": SITE, "kind": "products"}
    ).json()["data"]
    assert (event["who"], event["reason"]) == ("An", "khai báo")
    assert event["source"] == "file san-pham.csv"


@pytest.mark.parametrize(
    ("kind", "content", "wrong"),
    [
        (
            "products",
            f"enterprise,code,name_vi\ndong-nai,a,=1+1\ndong-nai,{'B' * 65},x\n",
            [("C2", "formula"), ("B3", "wrong_value")],
        ),
        ("orders", f"{ORDERS}{SITE},1,truc,{LINE},nhiều\n", [("E2", "wrong_value")]),
        ("orders", f"{ORDERS}{SITE},1,truc,{SITE}/x/y,5\n", [("D2", "unknown_reference")]),
        (
            "orders",
            f"{ORDERS}{SITE},1,truc,{LINE},5\n{SITE},1,truc,{LINE},6\n",
            [("row 3", "duplicate")],
        ),
        (
            "planned-run-times",
            f"work_unit,product,seconds\n{SAW},truc,-3\n",
            [("C2", "wrong_value")],
        ),
        (
            "shifts",
            f"{SHIFTS}{SITE},a,06:00,14:00\n{SITE},b,13:00,20:00\n",
            [("row 3", "overlapping_shifts")],
        ),
    ],
    ids=["formula", "type", "place", "duplicate", "negative", "overlap"],
)
def test_each_bad_cell_is_named_and_nothing_is_written(
    client: TestClient, plant: FigurePlant, kind: str, content: str, wrong: list[tuple[str, str]]
) -> None:
    before = told(client, kind)
    for preview in ("true", "false"):
        found = cells(send(client, "x.csv", content, kind=kind, preview=preview))
        assert [(name, reason) for name, reason in found if (name, reason) in wrong] == wrong
    assert told(client, kind) == before


def test_a_workbook_and_xml_are_taken(client: TestClient) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["code", "name_vi"], ["bac-lot", "Bạc lót"]):
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    xml = f"""<OperationsSchedule><OperationsRequest><ID>LSX-9</ID>
      <EquipmentRequirement><EquipmentID>{LINE}</EquipmentID></EquipmentRequirement>
      <SegmentRequirement><MaterialRequirement><MaterialDefinitionID>truc</MaterialDefinitionID>
      <MaterialUse>Produced</MaterialUse>
      <Quantity><QuantityString>9</QuantityString></Quantity></MaterialRequirement>
      <EquipmentRequirement><EquipmentID>{LINE}</EquipmentID></EquipmentRequirement>
      </SegmentRequirement></OperationsRequest></OperationsSchedule>"""

    products = send(client, "x.xlsx", content.getvalue(), kind="products", site=SITE)
    orders = send(client, "x.xml", xml, preview="false")

    assert (products.status_code, products.json()["created"]) == (200, 1), products.text
    assert orders.status_code == 200, orders.text
    assert "LSX-9" in {one["number"] for one in told(client, "orders")}


def test_what_was_exported_is_imported_unchanged(client: TestClient, plant: FigurePlant) -> None:
    write_samples(plant.database)
    for kind in KINDS:
        for form in ("csv", "xlsx"):
            params = {"place": SITE, "format": form}
            file = client.get(f"/api/v1/mes/{kind}", params=params).content
            answer = send(client, f"x.{form}", file, kind=kind)
            assert answer.status_code == 200, (kind, answer.text)
            report = answer.json()
            assert report["unchanged"] == report["documents"] > 0, (kind, form, report)


def bomb() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/sharedStrings.xml", b"\0" * 60_000_001)
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.xlsx", bomb, "enormous"),
        ("x.xlsx", lambda: b"PK\x03\x04", "no XLSX workbook"),
        ("x.csv", lambda: b"\xff\xfea\x00", "UTF-16"),
        ("x.csv", lambda: b"\0" * 1000, "unknown column"),
        ("x.json", lambda: b"{", "no JSON"),
        (
            "x.xml",
            lambda: b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
            "document types and entities are not taken",
        ),
    ],
    ids=["bomb", "broken", "utf16", "zeros", "json", "entities"],
)
def test_a_hostile_file_is_refused_in_words(
    client: TestClient, name: str, content: Any, said: str
) -> None:
    answer = send(client, name, content(), kind="products")

    assert cells(answer)
    assert said in " ".join(error["message"] for error in answer.json()["errors"])


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("x.pdf", {"kind": "products"}, "is none of"),
        ("x.csv", {}, "say what the file holds"),
        ("x.csv", {"kind": "product"}, "did you mean 'products'"),
        ("x.csv", {"kind": "products", "time_zone": "Mars"}, "no IANA zone"),
        ("x.csv", {"kind": "products", "extra": "1"}, "extra"),
        ("x.csv", {"kind": "products", "sha256": "x"}, "sha256"),
        ("x.csv", {"kind": "products", "who": "a\x00b"}, "who"),
    ],
)
def test_what_is_said_beside_a_file_must_be_right(
    client: TestClient, name: str, fields: dict[str, str], said: str
) -> None:
    answer = send(client, name, PRODUCTS, **fields)

    assert (answer.status_code, answer.json()["type"]) == (422, f"{PROBLEM}malformed")
    assert said in answer.json()["detail"]


def test_a_file_that_is_too_large_is_not_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(body._BY_PATH, "/api/v1/mes-files", 1_000)
    answer = send(client, "x.csv", "x" * 200_000, kind="products")

    assert (answer.status_code, answer.json()["type"]) == (413, f"{PROBLEM}too-large")


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", "multipart/form-data"), (b"--x\r\n", "multipart/form-data; boundary=x"), (b"x", "a/b")],
)
def test_what_is_no_form_is_refused(client: TestClient, body: bytes, kind: str) -> None:
    answer = client.post("/api/v1/mes-files", content=body, headers={"Content-Type": kind})

    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_nobody_writes_without_the_token_or_from_another_site(
    client: TestClient, plant: FigurePlant
) -> None:
    other_site = client.post(
        "/api/v1/mes-files",
        files={"file": ("x.csv", PRODUCTS)},
        data={"kind": "products"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    del client.headers["Authorization"]
    without = send(client, "x.csv", PRODUCTS, kind="products")
    with TestClient(
        create_app(ApiSettings(database=plant.database)), base_url="http://localhost"
    ) as open_to_all:
        disabled = send(open_to_all, "x.csv", PRODUCTS, kind="products")

    assert (other_site.status_code, without.status_code, disabled.status_code) == (403, 401, 403)


def test_a_template_is_an_empty_table_that_can_be_imported(client: TestClient) -> None:
    file = client.get("/api/v1/mes-files/template", params={"kind": "shifts"}).content

    assert file.startswith(b"\xef\xbb\xbfsite,name,start,end")
    assert send(client, "x.csv", file, kind="shifts").json()["documents"] == 0
    refused = client.get("/api/v1/mes-files/template", params={"kind": "x"})
    assert refused.json()["type"] == f"{PROBLEM}malformed"


def test_what_no_text_of_the_database_holds_is_refused(client: TestClient) -> None:
    fields = {"mapping": "may-tien", "enterprise": "a\0b"}
    files = {"file": ("x.csv", PRODUCTS.encode())}
    answer = client.post("/api/v1/mes-files/layout", files=files, data=fields)

    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == f"{PROBLEM}value-refused"


def test_the_layout_of_a_file_may_be_asked_whatever_its_size(client: TestClient) -> None:
    rows = "".join(f"dong-nai,ma-{number},Mã {number}\n" for number in range(10_000))
    files = {"file": ("x.csv", ("enterprise,code,name_vi\n" + rows).encode())}
    answer = client.post("/api/v1/mes-files/layout", files=files)

    assert answer.status_code == 200, answer.text
    assert [one["name"] for one in answer.json()["columns"]] == ["enterprise", "code", "name_vi"]


@pytest.mark.parametrize("preview", ["0", "no", "False", ""])
def test_a_preview_is_wanted_or_not_in_exactly_two_words(client: TestClient, preview: str) -> None:
    answer = send(client, "x.csv", PRODUCTS, kind="products", preview=preview)

    assert answer.status_code == 422
    assert {one["code"] for one in told(client, "products")} == {"truc"}
