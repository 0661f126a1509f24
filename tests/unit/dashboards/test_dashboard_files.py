"""The committed dashboards are those of the specifications, and keep the house rules."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

import dashboards
from api.words.catalogue import CATALOGUES
from dashboards.appearance import REFUSALS, STATES
from dashboards.publication import ALERTING, alerting_file
from ingest.validation.validation import REASONS
from plant.state import StopKind, TimeElement

PROVISIONING = dashboards.FOLDER.parent / "provisioning"
COMMITTED: dict[str, dict[str, Any]] = {
    file.name: json.loads(file.read_text("utf-8")) for file in dashboards.FOLDER.glob("*.json")
}
CORE_PANELS = {
    "stat",
    "gauge",
    "bargauge",
    "timeseries",
    "state-timeline",
    "status-history",
    "barchart",
    "table",
}
MACRO_ARGUMENT = re.compile(r"\$__\w+\(([^)]*)\)")

each_file = pytest.mark.parametrize("name", sorted(COMMITTED))


def panels(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = COMMITTED[name]["panels"]
    return found


def queries(name: str) -> Iterator[dict[str, Any]]:
    for panel in panels(name):
        yield from panel["targets"]


def sql_texts(name: str) -> list[str]:
    variables = COMMITTED[name]["templating"].get("list") or []
    return [query["rawSql"] for query in queries(name) if "rawSql" in query] + [
        variable["query"] for variable in variables if variable["type"] == "query"
    ]


def provisioned_sources() -> dict[str, str]:
    """Return the type of each provisioned data source by its uid."""
    found = yaml.safe_load((PROVISIONING / "datasources" / "nhipmay.yaml").read_text("utf-8"))
    return {source["uid"]: source["type"] for source in found["datasources"]}


def mentions(node: object, key: str) -> Iterator[Any]:
    """Yield every value that stands under a key, however deep."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from mentions(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from mentions(value, key)


def test_committed_files_equal_the_specifications() -> None:
    committed = {file.name: file.read_text("utf-8") for file in dashboards.FOLDER.iterdir()}

    assert committed == dashboards.files(), "run: python -m dashboards"


def test_write_removes_what_no_specification_makes(tmp_path: Path) -> None:
    (tmp_path / "nm-gone.json").write_text("{}")

    dashboards.write(tmp_path)

    assert {file.name for file in tmp_path.iterdir()} == set(dashboards.files())


@each_file
def test_file_survives_the_sdk(name: str) -> None:
    again = json.dumps(Dashboard.from_json(COMMITTED[name]), cls=JSONEncoder)

    assert json.loads(again) == COMMITTED[name]


@each_file
def test_file_is_a_classic_dashboard_of_ours(name: str) -> None:
    board = COMMITTED[name]

    assert board["schemaVersion"] == 42
    # The resource format (v2) has these; Grafana's file provider refuses it.
    assert not {"apiVersion", "kind", "spec", "elements", "layout"} & set(board)
    assert board["uid"].startswith("nm-")
    assert name == f"{board['uid']}.json"
    assert board.get("id") is None


def test_uids_are_unique() -> None:
    uids = [board["uid"] for board in COMMITTED.values()]

    assert len(set(uids)) == len(uids)


@each_file
def test_panels_are_core_panels_with_ids_of_their_own(name: str) -> None:
    ids = [panel["id"] for panel in panels(name)]

    assert sorted(ids) == list(range(1, len(ids) + 1))
    assert {panel["type"] for panel in panels(name)} <= CORE_PANELS


@each_file
def test_panels_do_not_overlap_and_fit_the_grid(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(name):
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


@each_file
def test_every_panel_says_its_unit_and_what_stands_for_no_value(name: str) -> None:
    for panel in panels(name):
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults.get("unit"), panel["title"]
        assert defaults.get("noValue") or panel["type"] == "state-timeline", panel["title"]


def test_every_reason_of_a_rejection_has_words() -> None:
    codes = {reason.value for reason in REASONS}
    assert codes <= set(REFUSALS)
    assert all(f"rejection.{code}" in CATALOGUES["vi"].words() for code in REFUSALS)


@each_file
def test_every_data_source_is_provisioned(name: str) -> None:
    known = provisioned_sources()

    for source in mentions(COMMITTED[name], "datasource"):
        assert known.get(source["uid"]) == source["type"]


@each_file
def test_every_target_belongs_to_its_panels_data_source(name: str) -> None:
    for panel in panels(name):
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"], panel["title"]


@each_file
def test_macros_have_no_parentheses_in_their_arguments(name: str) -> None:
    for text in sql_texts(name):
        assert [argument for argument in MACRO_ARGUMENT.findall(text) if "(" in argument] == []


@each_file
def test_no_variable_offers_all(name: str) -> None:
    for variable in COMMITTED[name]["templating"].get("list") or []:
        assert not variable["includeAll"], variable["name"]
        assert not variable["multi"], variable["name"]


@each_file
def test_variables_in_sql_are_quoted_and_exist(name: str) -> None:
    known = {variable["name"] for variable in COMMITTED[name]["templating"].get("list") or []}

    for text in sql_texts(name):
        rest = re.sub(r"\$__\w+", "", text)
        for variable, form in re.findall(r"\$\{?(\w+)(?::(\w+))?", rest):
            assert variable in known, text
            assert form == "sqlstring", text


@each_file
def test_api_queries_have_explicit_columns_and_iso_times(name: str) -> None:
    for query in queries(name):
        if "url" not in query:
            continue
        sent = {
            parameter["key"]: parameter["value"] for parameter in query["url_options"]["params"]
        }
        assert query["parser"] == "backend"
        assert query["columns"]
        assert query["url"].startswith("/api/v1/")
        assert sent["start"] == "${__timeFrom:date:iso}"
        assert sent["end"] == "${__timeTo:date:iso}"


def fields_of(panel: dict[str, Any]) -> list[str]:
    """Return the names of the fields that a panel's settings speak of."""
    return [one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"] or []]


@each_file
def test_every_oee_figure_has_its_coverage_beside_it(name: str) -> None:
    figures = {"oee", "availability", "effectiveness", "quality_ratio"}

    for panel in panels(name):
        shown = set(fields_of(panel))
        if shown & figures:
            assert "coverage" in shown, panel["title"]


@each_file
def test_panels_over_time_and_bars_have_a_legend(name: str) -> None:
    for panel in panels(name):
        if panel["type"] in {"timeseries", "barchart", "state-timeline"}:
            assert panel["options"]["legend"]["showLegend"] is True, panel["title"]


@each_file
def test_every_table_has_an_order_and_widths(name: str) -> None:
    for panel in panels(name):
        if panel["type"] != "table":
            continue
        order = next(one for one in panel["transformations"] if one["id"] == "organize")
        columns = sorted(order["options"]["indexByName"], key=order["options"]["indexByName"].get)
        assert columns == fields_of(panel), panel["title"]
        widths = [
            {one["id"] for one in field["properties"]} & {"custom.width", "custom.hidden"}
            for field in panel["fieldConfig"]["overrides"]
        ]
        # The rest of the line is for one column.
        assert sum(not some for some in widths) <= 1, panel["title"]


@each_file
def test_no_two_panels_ask_the_same(name: str) -> None:
    asked = [json.dumps(query, sort_keys=True) for query in queries(name)]

    assert len(set(asked)) == len(asked)


@each_file
def test_fields_are_named_by_their_own_names_and_shown_by_words(name: str) -> None:
    """A pattern over names would meet display names; times are of 24 hours."""
    for panel in panels(name):
        for field in panel["fieldConfig"]["overrides"] or []:
            assert field["matcher"]["id"] == "byName", panel["title"]
            said = {one["id"]: one.get("value") for one in field["properties"]}
            assert said["displayName"], panel["title"]
            assert said["unit"] not in {"dateTimeAsLocal", "dateTimeAsUS", "bool_yes_no"}
        reduced = panel["options"].get("reduceOptions", {}).get("fields", "")
        assert reduced in {"", "/.*/"}, panel["title"]


@each_file
def test_series_of_many_machines_are_told_apart_by_their_path(name: str) -> None:
    for panel in panels(name):
        for query in panel["targets"]:
            if query.get("format") == "time_series" and not fields_of(panel):
                assert panel["fieldConfig"]["defaults"]["displayName"] == "${__field.labels.name}"
                assert re.search(r"\bpath\b", query["rawSql"]), panel["title"]
                assert not re.search(r"\bas metric\b", query["rawSql"]), panel["title"]


@each_file
def test_answers_are_bounded(name: str) -> None:
    for text in sql_texts(name):
        bounded = re.search(r"\blimit (\d+)|count\(\*\) > 5000|generate_series", text)
        summed = re.search(r"\b(sum|count|max|min)\(", text)
        listed = "__text" in text or "edge_delivery" in text
        assert bounded or summed or listed, text


def test_data_links_lead_to_dashboards_that_exist() -> None:
    links = [
        link["url"]
        for board in COMMITTED.values()
        for override in mentions(board, "overrides")
        for field in override
        for setting in field["properties"]
        if setting["id"] == "links"
        for link in setting["value"]
    ]

    assert links
    for link in links:
        uid = re.match(r"/d/([\w-]+)\?", link)
        assert uid is not None, link
        assert f"{uid[1]}.json" in COMMITTED
        assert "${__url_time_range}" in link


def test_every_time_element_and_stop_kind_has_a_word_and_a_colour() -> None:
    timeline = next(panel for panel in panels("nm-line.json") if panel["type"] == "state-timeline")
    shown = timeline["fieldConfig"]["defaults"]["mappings"][0]["options"]

    assert set(shown) == {*TimeElement, *StopKind}
    assert all(look["text"] and look["color"] for look in shown.values())
    red, green, blue = bytes.fromhex(STATES[TimeElement.UNKNOWN][1].removeprefix("#"))
    assert red == green == blue


def test_provisioned_secrets_come_from_the_environment() -> None:
    text = (PROVISIONING / "datasources" / "nhipmay.yaml").read_text("utf-8")
    sources = yaml.safe_load(text)["datasources"]
    secrets = [value for source in sources for value in source.get("secureJsonData", {}).values()]

    assert secrets
    assert all(re.fullmatch(r"\$GF_NM_\w+", value) for value in secrets)


def test_committed_rules_equal_the_specification() -> None:
    assert ALERTING.read_text("utf-8") == alerting_file(), "run: python -m dashboards"
    assert not re.search(r"(?<!\$)\$(?!\$)", ALERTING.read_text("utf-8").replace("$$", ""))
