"""A plant behind Grafana: queries as Grafana sends them, by its data sources' logins."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

import dashboards
from dashboards.query import sql

SEED = Path(__file__).with_name("seed.sql")
START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(hours=12)
ENTERPRISE = "co-khi-mau"
LINE = "co-khi-mau/bien-hoa/gia-cong/day-chuyen-1"
UNIT = f"{LINE}/cnc-1"
SECRET = "a secret of this test"
BOARDS: dict[str, dict[str, Any]] = {
    name.removesuffix(".json"): json.loads(text) for name, text in dashboards.files().items()
}

Connection = psycopg.Connection[tuple[Any, ...]]


def variables(uid: str, tag: int | str = "") -> dict[str, str]:
    """Return what somebody has chosen on a board."""
    place = {"nm-enterprise": ENTERPRISE, "nm-machine": UNIT}.get(uid, LINE)
    return {"place": place, "kind": "shift", "tag": str(tag)}


def expanded(
    text: str, chosen: dict[str, str], start: datetime = START, end: datetime = END
) -> str:
    """Return a query as Grafana sends it: macros and variables replaced."""
    first, last = (f"'{moment:%Y-%m-%dT%H:%M:%SZ}'" for moment in (start, end))
    text = re.sub(r"\$__timeFilter\(([^()]+)\)", rf"\1 BETWEEN {first} AND {last}", text)
    text = text.replace("$__timeFrom()", first).replace("$__timeTo()", last)
    for name, value in chosen.items():
        quoted = "'" + value.replace("'", "''") + "'"
        text = text.replace(f"${{{name}:sqlstring}}", quoted)
    assert "$" not in text, text
    return text


def rows(
    connection: Connection, name: str, chosen: dict[str, str] | None = None, **window: datetime
) -> list[dict[str, Any]]:
    """Return what a query file gives, by column."""
    text = expanded(sql(name), chosen or variables(""), **window)
    cursor = connection.execute(text.encode())
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def sql_targets(uid: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each panel (or annotation) with an SQL query, and that."""
    board = BOARDS[uid]
    for panel in board["panels"]:
        for target in panel["targets"]:
            if "rawSql" in target:
                yield panel, target["rawSql"]
    for mark in board["annotations"].get("list") or []:
        yield {"title": mark["name"], "type": "annotation"}, mark["target"]["rawSql"]


def overrides(panel: dict[str, Any]) -> list[str]:
    """Return the names of the fields that a panel's settings speak of."""
    found = panel.get("fieldConfig", {}).get("overrides") or []
    return [one["matcher"]["options"] for one in found if one["matcher"]["id"] == "byName"]
