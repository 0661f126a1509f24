"""Write docs/reference/wire/*.schema.json again from the classes of plant/native/message.py.

Run it from the checkout: `.venv/bin/python setup/wire_schemas.py`.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

from plant.native.device_values import TIME_FIELDS
from plant.native.message import SCHEMA, Ack, Birth, Config, DataBatch, Leaf, Status

FOLDER = Path(__file__).resolve().parent.parent / "docs/reference/wire"
MESSAGES = {
    Leaf.DATA: DataBatch,
    Leaf.BIRTH: Birth,
    Leaf.STATUS: Status,
    Leaf.ACK: Ack,
    Leaf.CONFIG: Config,
}


def schema_texts() -> dict[str, str]:
    """Return the text of each schema file by its name."""
    texts = {f"{leaf}.schema.json": _schema_text(leaf, type_) for leaf, type_ in MESSAGES.items()}
    return texts | {f"{Leaf.VALUES}.schema.json": _text(Leaf.VALUES, _device_values())}


def _device_values() -> dict[str, Any]:
    """Return the schema of what devices say, whose fields are theirs to name."""
    time = {
        "description": "ISO 8601 with an offset, or what passed since 1970-01-01T00:00Z in "
        "seconds, milliseconds, microseconds or nanoseconds, told apart by size.",
        "type": ["string", "number"],
    }
    moment = {
        "title": "DeviceValues",
        "description": "One moment: its time, and every other field a value or fields of values.",
        "type": "object",
        "minProperties": 2,
        "anyOf": [{"required": [name]} for name in TIME_FIELDS],
        "properties": {name: {"$ref": "#/$defs/Time"} for name in TIME_FIELDS},
        "additionalProperties": True,
    }
    reference = {"$ref": "#/$defs/DeviceValues"}
    return {
        "oneOf": [reference, {"type": "array", "minItems": 1, "items": reference}],
        "$defs": {"DeviceValues": moment, "Time": time},
    }


def _schema_text(leaf: str, message: Any) -> str:
    schema = msgspec.json.schema(message)
    for definition in schema["$defs"].values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    schema["$defs"][message.__name__]["properties"]["schema"] = {"const": SCHEMA}
    return _text(leaf, schema)


def _text(leaf: str, schema: dict[str, Any]) -> str:
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"nm/v1/<enterprise>/<site>/<edge>/{leaf}",
    }
    return json.dumps(head | schema, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in schema_texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"docs/reference/wire/{name}")


if __name__ == "__main__":
    main()
