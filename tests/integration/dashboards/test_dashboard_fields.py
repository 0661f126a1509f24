"""What Grafana's front end makes of the boards, by its own package: names, order, words."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest

from store.engine.connection import conninfo
from tests.conftest import migrate
from tests.foreign.running import in_node, peer, peer_folder
from tests.integration.dashboards.grafana_plant import (
    BOARDS,
    LINE,
    SEED,
    expanded,
    overrides,
    variables,
)
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer

KIND = {"int2": "number", "int4": "number", "int8": "number", "float8": "number"} | {
    "numeric": "number",
    "bool": "boolean",
    "timestamptz": "time",
}
PANELS = [
    pytest.param(uid, panel, id=f"{uid}-{panel['id']}")
    for uid, board in sorted(BOARDS.items())
    for panel in board["panels"]
]


@pytest.fixture(scope="module")
def connection(timescale_server: PostgresServer) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with compose_database(timescale_server) as settings:
        migrate(settings)
        with psycopg.connect(conninfo(settings)) as connection:
            connection.execute(SEED.read_bytes())
            yield connection
            connection.rollback()


@pytest.fixture(scope="module")
def front_end() -> Iterator[Any]:
    """Ask Grafana's package what a panel shows of some frames."""
    with peer(*in_node(peer_folder("grafana-data"), "grafana_panels.js")) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, heard = process.stdin, process.stdout

        def ask(panel: dict[str, Any], frames: list[dict[str, Any]]) -> dict[str, Any]:
            told.write(json.dumps({"panel": panel, "frames": frames}) + "\n")
            told.flush()
            found: dict[str, Any] = json.loads(heard.readline())
            return found

        yield ask


def plain(value: Any) -> Any:
    return value.timestamp() * 1000 if isinstance(value, datetime) else value


def frames_of(
    connection: psycopg.Connection[tuple[Any, ...]], uid: str, target: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return a target's frames: of SQL what the database gives, of the API its columns by name.

    Infinity's parser sorts them; PostgreSQL's data source turns long rows into a field a label.
    """
    if "url" in target:
        names = sorted(column["text"] for column in target["columns"])
        kinds = {column["text"]: column["type"] for column in target["columns"]}
        values = {"timestamp": [0], "number": [0.5], "string": ["x"], "boolean": [True]}
        return [
            {
                "fields": [
                    {
                        "name": name,
                        "type": {"timestamp": "time"}.get(kinds[name], kinds[name]),
                        "values": values[kinds[name]],
                    }
                    for name in names
                ]
            }
        ]
    cursor = connection.execute(expanded(target["rawSql"], variables(uid)).encode())
    described = cursor.description or ()
    types = [connection.adapters.types.get(column.type_code) for column in described]
    rows = cursor.fetchall()
    fields = [
        {
            "name": column.name,
            "type": KIND.get(kind.name if kind else "", "string"),
            "values": [plain(row[place]) for row in rows],
        }
        for place, (column, kind) in enumerate(zip(described, types, strict=True))
    ]
    labels = [field for field in fields if field["type"] == "string"]
    if target["format"] == "table" or not labels:
        return [{"fields": fields}]
    series: dict[tuple[Any, ...], list[int]] = {}
    for number in range(len(rows)):
        series.setdefault(tuple(label["values"][number] for label in labels), []).append(number)
    names = [label["name"] for label in labels]
    return [
        {
            "fields": [
                {
                    "name": field["name"],
                    "type": field["type"],
                    "values": [field["values"][number] for number in own],
                    **(
                        {"labels": dict(zip(names, key, strict=True))}
                        if field["type"] != "time"
                        else {}
                    ),
                }
                for field in fields
                if field not in labels
            ]
        }
        for key, own in series.items()
    ]


def shown(panel: dict[str, Any]) -> list[str]:
    """Return the words that a panel's settings give its fields, but those of hidden ones."""
    found = []
    for override in panel["fieldConfig"]["overrides"] or []:
        said = {one["id"]: one.get("value") for one in override["properties"]}
        if not said.get("custom.hidden"):
            found.append(said["displayName"])
    return found


@pytest.mark.parametrize(("uid", "panel"), PANELS)
def test_a_panel_shows_each_field_by_its_words_in_the_order_wanted(
    uid: str,
    panel: dict[str, Any],
    connection: psycopg.Connection[tuple[Any, ...]],
    front_end: Any,
) -> None:
    (target,) = panel["targets"]
    frames = frames_of(connection, uid, target)

    seen = front_end(panel, frames)

    fields = [
        field
        for field in seen["fields"]
        if not (panel["type"] == "timeseries" and field["name"] == "time")
    ]
    names = {field["name"] for field in fields}
    if overrides(panel):
        # Nothing is spoken of that is not there, nothing comes that nobody named.
        assert [field["shown"] for field in fields if field["shown"] in names] == []
    if panel["type"] == "table":
        assert [field["shown"] for field in fields] == shown(panel)
    if panel["type"] == "stat":
        assert [figure["shown"] for figure in seen["figures"]] == shown(panel)
    if panel["type"] == "timeseries" and not overrides(panel):
        assert [field["shown"] for field in fields] == [field["labels"]["name"] for field in fields]
    for field in fields:
        assert not {"true", "false"} & set(field["texts"]), field["shown"]
        assert not any("AM" in text or "PM" in text for text in field["texts"]), field["texts"]


def test_ratios_are_percents_and_nothing_is_a_dash(
    connection: psycopg.Connection[tuple[Any, ...]], front_end: Any
) -> None:
    panel = BOARDS["nm-line"]["panels"][0]

    seen = front_end(panel, frames_of(connection, "nm-line", panel["targets"][0]))

    assert [figure["text"] for figure in seen["figures"]][:5] == [
        *("—", "50.0%", "80.0%", "—", "75.0%"),
    ]
    # What is said of them stands beside them.
    assert [figure["text"] for figure in seen["figures"]][5:] == [f"machine_silent:{LINE}"]


def test_marked_figures_are_points_of_their_own_series(
    connection: psycopg.Connection[tuple[Any, ...]], front_end: Any
) -> None:
    for uid, title in (("nm-line", "OEE theo khoảng"), ("nm-enterprise", "OEE từng dây chuyền")):
        panel = next(one for one in BOARDS[uid]["panels"] if one["title"].startswith(title))
        seen = front_end(panel, frames_of(connection, uid, panel["targets"][0]))
        points = [field for field in seen["fields"] if field["drawn"] == "points"]
        assert [field["name"] for field in points] == ["marked"], uid
        assert "cần xem" in points[0]["shown"].lower()
        # OEE of that shift is not known: it is marked all the same, at nothing.
        assert points[0]["texts"] == ["0.0%"]
        others = {field["shown"] for field in seen["fields"] if field["drawn"] is None}
        assert points[0]["shown"] not in others


def test_two_machines_of_one_name_are_two_series(front_end: Any) -> None:
    panel = next(one for one in BOARDS["nm-line"]["panels"] if one["title"].startswith("Đạt"))
    frames = [
        {
            "fields": [
                {"name": "time", "type": "time", "values": [0]},
                {
                    "name": "value",
                    "type": "number",
                    "values": [number],
                    "labels": {"path": f"a/b/line-{number}/cnc", "name": "Máy tiện"},
                },
            ]
        }
        for number in (1, 2)
    ]

    seen = front_end(panel, frames)

    values = [field for field in seen["fields"] if field["name"] == "value"]
    assert [field["texts"] for field in values] == [["1"], ["2"]]
    assert {field["labels"]["path"] for field in values} == {"a/b/line-1/cnc", "a/b/line-2/cnc"}
