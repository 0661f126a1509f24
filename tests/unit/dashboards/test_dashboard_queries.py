"""Queries as the two data sources store them."""

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.query import ApiQuery, Column, SqlQuery, sql


def test_sql_query_holds_its_file_whole() -> None:
    target = json.loads(json.dumps(SqlQuery("states").build(), cls=JSONEncoder))

    assert target["rawSql"] == sql("states")
    assert target["rawSql"].startswith("-- ")
    assert target["format"] == "table"
    assert target["datasource"]["uid"] == "nm-postgres"


def test_api_query_names_columns_and_parameters_in_order() -> None:
    query = ApiQuery(
        "/api/v1/oee", [Column("start", "from", "timestamp"), Column("oee", "OEE")], {"place": "x"}
    )

    target = json.loads(json.dumps(query.build(), cls=JSONEncoder))

    assert [column["type"] for column in target["columns"]] == ["timestamp", "number"]
    assert target["url_options"]["params"] == [{"key": "place", "value": "x"}]
    assert target["root_selector"] == "data"
