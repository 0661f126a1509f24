"""The published JSON Schemas are those of the message classes, and real messages obey them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from plant.native.message import SCHEMA, Ack, encode
from setup.wire_schemas import schema_texts
from tests.plants.deliveries import EDGE, birth, data, status

FOLDER = Path(__file__).parents[4] / "docs/reference/wire"
NAMES = sorted(schema_texts())


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NAMES)
def test_the_published_schema_is_up_to_date(name: str) -> None:
    published = (FOLDER / name).read_text(encoding="utf-8")

    assert published == schema_texts()[name], "run: .venv/bin/python setup/wire_schemas.py"
    Draft202012Validator.check_schema(json.loads(published))


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("data.schema.json", data(1, [20.5, None, "x", True, 3], quality=[0, 2, 0, 0, 1]).payload),
        ("birth.schema.json", birth().payload),
        ("status.schema.json", status(issued_id=5, dropped_ranges=[(1, 2)]).payload),
        ("status.schema.json", status(online=False, sent_us=None).payload),
        ("ack.schema.json", encode(Ack(SCHEMA, "e1", 5, 0))),
    ],
)
def test_messages_obey_the_schema_when_our_encoder_wrote_them(name: str, payload: bytes) -> None:
    validator(name).validate(json.loads(payload))


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"first_id": 0}, {"epoch": ""}, {"tags": "a"}, {"value": [[]]}]
)
def test_a_message_fails_the_schema_when_the_ingest_would_refuse_it(
    change: dict[str, Any],
) -> None:
    content = msgspec.json.decode(data(1, [1.0]).payload) | change

    assert not validator("data.schema.json").is_valid(content)


def test_the_examples_of_the_protocol_page_obey_their_schemas() -> None:
    page = (FOLDER.parent / "native-protocol.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in page.split("```json\n")[1:]]
    topics = [block.splitlines()[0] for block in blocks]

    assert len(blocks) == len(NAMES)
    for topic, block in zip(topics, blocks, strict=True):
        leaf = topic.rpartition("/")[2]
        assert topic == f"// {EDGE.topic(leaf)}"
        validator(f"{leaf}.schema.json").validate(json.loads(block.partition("\n")[2]))
