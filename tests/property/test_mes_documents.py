"""Whatever stands in a cell, a message or an XML element: a document or named problems come out."""

import csv
import json
from contextlib import suppress
from io import BytesIO, StringIO
from typing import Any

import openpyxl
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from openpyxl.utils.exceptions import IllegalCharacterError

from ingest.mes.message import mes_address
from plant.errors import DataError
from plant.mes import KINDS, Located, Parsed, Problem, parse
from plant.mes.file import DocumentFile, TableOptions
from plant.mes.file.csv_file import read_csv
from plant.mes.file.json_file import decode_json
from plant.mes.file.table import cell_text
from plant.mes.file.workbook import read_workbook
from plant.mes.kinds.mapping import ImportMapping
from plant.mes.mapping.applying import document_values
from plant.mes.parsing import Item
from tests.examples import examples
from tests.plants.mes_documents import SAMPLES

OPTIONS = TableOptions({"site": "dong-nai/bien-hoa", "enterprise": "dong-nai"})
kinds = st.sampled_from(list(KINDS))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
cells = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "=1+1",
        "@x",
        "-1",
        "+1",
        "1e400",
        "nan",
        "2026-03-02",
        "06:00",
        "2026-03-02T06:00:00Z",
        "dong-nai/bien-hoa",
        "mon,tue",
        "a 1:00-2:00",
        "x|off",
        "\x00",
        "\ud800",
        "9" * 30,
    ]
)


def assert_sound(parsed: Parsed) -> None:
    if isinstance(parsed, Located):
        json.dumps(parsed.document.canonical(), ensure_ascii=False).encode()
        assert "\0" not in "".join(parsed.document.key)
        return
    assert isinstance(parsed, list)
    assert parsed
    for problem in parsed:
        assert isinstance(problem, Problem)
        assert problem.where
        assert problem.words


@settings(max_examples=examples(400))
@given(kind=kinds, changed=st.data())
def test_any_field_may_hold_anything(kind: str, changed: st.DataObject) -> None:
    names = [*KINDS[kind].model_fields, "withdrawn", "x"]
    values = changed.draw(st.dictionaries(st.sampled_from(names), json_values, max_size=4))

    assert_sound(parse(KINDS[kind], SAMPLES[kind] | values, Item(0)))


MAPPING = ImportMapping.model_validate(SAMPLES["import-mappings"]).model_copy(
    update={
        "columns": {
            **{name: [name] for name in KINDS["orders"].model_fields},
            "planned_quantity.unit": ["unit"],
            "planned_start": ["planned_start", "clock.0"],
        }
    }
)
written = st.text("0123456789.,-/: hTZ'+e", max_size=20)


@settings(max_examples=examples(400))
@given(
    given_=st.dictionaries(
        st.sampled_from([*KINDS["orders"].model_fields, "unit", "clock"]), json_values | written
    )
)
def test_a_mapping_may_be_given_anything(given_: dict[str, Any]) -> None:
    values = document_values(MAPPING, given_, Item(0))
    assert_sound(values if isinstance(values, list) else parse(KINDS["orders"], values, Item(0)))


@settings(max_examples=examples(300))
@given(kind=kinds, values=json_values)
def test_anything_may_come_as_a_document(kind: str, values: Any) -> None:
    assert_sound(parse(KINDS[kind], values, Item(0)))


@settings(max_examples=examples(200))
@given(
    kind=kinds,
    rows=st.lists(st.lists(cells, max_size=8), max_size=4),
    shuffled=st.randoms(use_true_random=False),
)
def test_any_table_is_read_to_its_end(kind: str, rows: list[list[str]], shuffled: Any) -> None:
    header = list(KINDS[kind].model_fields)
    shuffled.shuffle(header)
    out = StringIO()
    csv.writer(out).writerows([header, *rows])
    content = BytesIO(out.getvalue().encode("utf-8", "replace"))
    for parsed in read_csv(KINDS[kind], content, OPTIONS):
        assert_sound(parsed)


@settings(max_examples=examples(60))
@given(
    kind=kinds, rows=st.lists(st.lists(cells | st.integers() | st.floats(), max_size=6), max_size=3)
)
def test_any_sheet_is_read_to_its_end(kind: str, rows: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    try:
        for row in [list(KINDS[kind].model_fields), *rows]:
            sheet.append(row)
        content = BytesIO()
        book.save(content)
        for parsed in read_workbook(KINDS[kind], content, OPTIONS):
            assert_sound(parsed)
    except (IllegalCharacterError, UnicodeEncodeError):
        assume(False)  # no spreadsheet could hold it either


@settings(max_examples=examples(200))
@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_to_their_end(content: bytes) -> None:
    for suffix in ("csv", "xml", "xlsx", "json"):
        for parsed in DocumentFile(f"x.{suffix}", BytesIO(content), "orders").documents():
            assert_sound(parsed)


@settings(max_examples=examples(300))
@given(
    payload=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()),
    topic=st.text(max_size=30),
)
def test_any_message_is_documents_or_data_in_error(payload: bytes, topic: str) -> None:
    with suppress(DataError):
        for parsed in decode_json(payload).parsed(KINDS["shifts"]):
            assert_sound(parsed)
    with suppress(DataError):
        assert mes_address(topic).site_path


@given(kind=kinds, changed=st.data())
def test_what_is_written_as_csv_is_read_as_the_same(kind: str, changed: st.DataObject) -> None:
    text = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
    values = dict(SAMPLES[kind])
    for name in {"name_vi", "number", "name", "description", "source"} & values.keys():
        values[name] = changed.draw(text)
    direct = parse(KINDS[kind], values, Item(0))
    assert isinstance(direct, Located)
    row = {name: cell_text(value) for name, value in direct.document.canonical().items()}
    out = StringIO()
    writer = csv.DictWriter(out, list(row), delimiter=changed.draw(st.sampled_from(",;\t")))
    writer.writeheader()
    writer.writerow(row)
    (read,) = read_csv(KINDS[kind], BytesIO(out.getvalue().encode()), TableOptions())

    assert isinstance(read, Located), read
    assert read.document.canonical() == direct.document.canonical()
