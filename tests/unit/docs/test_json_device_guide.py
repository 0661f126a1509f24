"""What the guide for JSON devices shows is what the platform understands."""

import re
from pathlib import Path

import ingest.decoding.birth
from plant.native.device_values import decode_device_values
from plant.native.message import decode_birth

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/how-to/connect-a-json-device.md").read_text(encoding="utf-8")
MESSAGE, BIRTH = (text.encode() for text in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL))


def test_the_example_of_the_guide_is_understood_and_every_tag_announced() -> None:
    told = decode_device_values(MESSAGE)
    tags = {tag.name: tag for tag in decode_birth(BIRTH).tags}

    said = {
        f"dong-ho-7/{path}": isinstance(value, str)
        for path, value in zip(told.path, told.value, strict=True)
    }
    assert said == {name: tag.value_type == "text" for name, tag in tags.items()} | {
        # A field that the guide does not announce: it says that such are refused.
        "dong-ho-7/phase/2": False
    }
    assert "that are not named here are refused" in GUIDE


def test_the_table_names_what_can_become_of_a_birth() -> None:
    source = Path(ingest.decoding.birth.__file__).read_text(encoding="utf-8")
    reasons = set(re.findall(r"DataError\(\s*\"(\w+)\"", source))

    assert "role_conflict" in reasons
    # Both are of a birth that nobody wrote by hand after this guide: its form is wrong as a whole.
    of_form = {"inconsistent", "malformed"}
    assert [one for one in sorted(reasons - of_form) if f"`{one}`" not in GUIDE] == []
