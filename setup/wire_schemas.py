"""Write docs/reference/wire/*.schema.json again from the message classes of plant/native.py.

Run it from the checkout: `.venv/bin/python setup/wire_schemas.py`.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

from plant.native import SCHEMA, Ack, Birth, Config, DataBatch, Leaf, Status

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
    return {f"{leaf}.schema.json": _schema_text(leaf, type_) for leaf, type_ in MESSAGES.items()}


def _schema_text(leaf: str, message: Any) -> str:
    schema = msgspec.json.schema(message)
    for definition in schema["$defs"].values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    schema["$defs"][message.__name__]["properties"]["schema"] = {"const": SCHEMA}
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
