import json
from contextlib import suppress

import pytest

from ingest.decoding.json_size import check_items
from plant.errors import DataError


@pytest.mark.parametrize("content", [[0] * 1_000, [[]] * 500, [{"a": 1}] * 334])
def test_a_text_with_too_many_values_is_refused_before_it_is_unpacked(content: object) -> None:
    payload = json.dumps(content).encode()

    check_items(payload, 1_001)
    with pytest.raises(DataError, match="too_large"):
        check_items(payload, 500)


@pytest.mark.parametrize(
    "text",
    [
        b'"' + b"," * 3_000 + b'"',
        b'"' + rb"\"," * 1_000 + b'"',
        b'["' + b"," * 2_000 + rb"\\" + b'",1]',
    ],
)
def test_separators_within_texts_are_no_values(text: bytes) -> None:
    check_items(text, 100)


@pytest.mark.parametrize("piece", [b'"', b"\\", b'"\\', b'\\"', b"[", b'",'])
def test_whatever_is_no_json_is_looked_at_once(piece: bytes) -> None:
    payload = piece * (4_000_000 // len(piece))

    with suppress(DataError):
        check_items(payload, 1_000)
