"""A plant behind Grafana: queries as Grafana sends them, by its data sources' logins."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What a panel asks: SQL of the database, or a path of our API with its parameters."""

    board: str
    title: str
    sql: str = ""
    path: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def questions(
    start: datetime, end: datetime, places: dict[str, str], other: str, tag: int
) -> Iterator[Asked]:
    """Yield what every panel, annotation and table of the boards asks of a range.

    `places` are those chosen on some boards, by uid, `other` that of the rest. Where a kind of
    windows can be chosen, both are asked for.
    """
    for uid, board in sorted(BOARDS.items()):
        place = places.get(uid, other)
        for panel, text in sql_targets(uid):
            for kind in ("shift", "hour") if "${kind" in text else ("",):
                chosen = {"place": place, "kind": kind, "tag": str(tag)}
                asked = expanded(text, chosen, start, end)
                yield Asked(uid, " ".join((panel["title"], kind)).strip(), asked)
        for panel in board["panels"]:
            for target in panel["targets"]:
                if "url" in target:
                    filled = {
                        one["key"]: _filled(one["value"], place, start, end)
                        for one in target["url_options"]["params"]
                    }
                    yield Asked(uid, panel["title"], path=target["url"], parameters=filled)


def _filled(value: str, place: str, start: datetime, end: datetime) -> str:
    values = {"${place}": place}
    for name, moment in (("${__timeFrom:date:iso}", start), ("${__timeTo:date:iso}", end)):
        values[name] = f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"
    return values.get(value, value)
