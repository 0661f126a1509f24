"""JSON messages, their topics, the trees that come with the program, settings of polls."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.mes.message import mes_address
from ingest.mes.poll import as_document_value
from ingest.mes.reason_tree import reason_tree, sectors
from ingest.mes.settings import ForeignTableSettings
from plant.errors import ConfigurationError, DataError
from plant.mes import KINDS, Located
from plant.mes.file.json_file import decode_json
from plant.mes.kinds.reason import ReasonDocument
from plant.mes.site_calendar import circle
from plant.settings import load_settings


def test_a_topic_says_for_which_site_and_of_what() -> None:
    address = mes_address("nm/v1/dong-nai/bien-hoa/mes/orders")

    assert (address.site_path, address.document_type) == ("dong-nai/bien-hoa", KINDS["orders"])


@pytest.mark.parametrize(
    "topic",
    [
        "nm/v1/a/b/mes",
        "nm/v1/a/b/edge-1/orders",
        "nm/v1/A/b/mes/orders",
        "nm/v1/a/b/mes/order",
        "nm/v2/a/b/mes/orders",
        "",
    ],
)
def test_other_topics_are_bad(topic: str) -> None:
    with pytest.raises(DataError, match="bad_topic"):
        mes_address(topic)


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        (b'{"code": "a"}', 1),
        (b'[{"code": "a"}, {"code": "b"}]', 2),
        (b'{"documents": [{}, {}, {}], "who": "ERP", "reason": "x"}', 3),
        (b"[]", 0),
    ],
)
def test_a_message_is_one_document_or_several(payload: bytes, count: int) -> None:
    assert len(decode_json(payload).documents) == count


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"3",
        b"{",
        b'{"documents": {}}',
        b'{"documents": [], "extra": 1}',
        b'{"documents": [], "who": 3}',
        b'{"documents": [], "reason": "a\\nb"}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_other_messages_are_malformed(payload: bytes) -> None:
    with pytest.raises(DataError, match="malformed"):
        decode_json(payload)


@pytest.mark.parametrize("sector", sectors())
def test_the_trees_that_come_with_the_program_are_sound(sector: str) -> None:
    documents = []
    for one in reason_tree(sector, "dong-nai"):
        assert isinstance(one, Located), one
        documents.append(one.document)
    by_kind: dict[str, dict[str, str | None]] = {}
    for document in documents:
        assert isinstance(document, ReasonDocument)
        assert document.name_en
        tree = by_kind.setdefault(document.KIND, {})
        assert document.code not in tree
        assert document.parent is None or document.parent in tree
        tree[document.code] = document.parent
    assert set(by_kind) == {"stop-reasons", "scrap-reasons", "rework-reasons"}
    assert len(by_kind["stop-reasons"]) >= 30
    assert all(circle(tree) == [] for tree in by_kind.values())


def test_there_is_a_tree_for_each_pilot_sector() -> None:
    assert sectors() == ["food", "mechanical"]
    with pytest.raises(ConfigurationError, match="food, mechanical"):
        next(reason_tree("mining", "dong-nai"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        (True, "true"),
        (2601, "2601"),
        (2601.0, "2601"),
        (26.5, "26.5"),
        (float("inf"), "inf"),
        (Decimal("26.50"), "26.50"),
        (Decimal(150), "150"),
        (Decimal("NaN"), "NaN"),
        (Decimal("1E+40"), "1" + "0" * 40),
        (date(2026, 3, 2), "2026-03-02"),
        # A database may have no zones.
        (datetime(2026, 3, 2, 6), "2026-03-02T06:00:00+07:00"),  # noqa: DTZ001
        (datetime(2026, 3, 2, 6, tzinfo=UTC), "2026-03-02T06:00:00+00:00"),
        (["mon", None], ["mon", None]),
        ({"a": 1}, {"a": "1"}),
    ],
)
def test_database_values_become_what_documents_take(value: Any, expected: Any) -> None:
    assert as_document_value(value, ZoneInfo("Asia/Ho_Chi_Minh")) == expected


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": "order"}, "there is no kind 'order'"),
        ({"mapping": {"nummer": "x"}}, "orders has no field nummer"),
        ({"time_zone": "Asia/X"}, "no IANA zone"),
        ({"interval_s": 0}, "interval_s"),
        ({"querry": "x"}, "did you mean 'query'"),
    ],
)
def test_wrong_settings_of_a_poll_are_named(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    import json

    settings = {"name": "erp", "kind": "orders", "query": "select 1", "foreign": {}} | changed
    file = tmp_path / "poll.yaml"
    file.write_text(json.dumps(settings))

    with pytest.raises(ConfigurationError, match=said):
        load_settings(ForeignTableSettings, file)
