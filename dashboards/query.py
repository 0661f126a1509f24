"""The two data sources and their queries, for which the SDK has no classes of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

POSTGRES = DataSourceRef("grafana-postgresql-datasource", "nm-postgres")
API = DataSourceRef("yesoreyeram-infinity-datasource", "nm-api")

Format = Literal["table", "time_series"]
ColumnType = Literal["string", "number", "timestamp", "boolean"]


def sql(name: str) -> str:
    """Return the text of `dashboards/sql/<name>.sql`, its comment included.

    Grafana's macros take no parentheses within their arguments; `${variable:sqlstring}` quotes.
    """
    return (files("dashboards") / "sql" / f"{name}.sql").read_text("utf-8").strip()


@dataclass(frozen=True, slots=True)
class SqlQuery(Builder[Dataquery]):
    """A query of the telemetry database, by the name of its file."""

    name: str
    format: Format = "table"

    def build(self) -> Dataquery:
        """Return the target as the PostgreSQL data source stores it."""
        return UnknownDataquery(
            {
                "refId": "A",
                "datasource": POSTGRES.to_json(),
                "editorMode": "code",
                "format": self.format,
                "rawQuery": True,
                "rawSql": sql(self.name),
            }
        )


@dataclass(frozen=True, slots=True)
class Column:
    """One field of the API's answer: where it is, what it is called in the panel, its type."""

    selector: str
    text: str
    type: ColumnType = "number"


@dataclass(frozen=True, slots=True)
class ApiQuery(Builder[Dataquery]):
    """A query of our HTTP API by the Infinity plugin, parsed in Grafana's server.

    Columns are explicit: guessed types change with the data. The address is relative to the data
    source's, so that no dashboard knows where the API runs.
    """

    path: str
    columns: Sequence[Column]
    parameters: Mapping[str, str] = field(default_factory=dict)

    def build(self) -> Dataquery:
        """Return the target as the Infinity data source stores it."""
        return UnknownDataquery(
            {
                "refId": "A",
                "datasource": API.to_json(),
                "type": "json",
                "source": "url",
                "parser": "backend",
                "format": "table",
                "url": self.path,
                "url_options": {
                    "method": "GET",
                    "data": "",
                    "params": [
                        {"key": key, "value": value} for key, value in self.parameters.items()
                    ],
                },
                "root_selector": "data",
                "columns": [
                    {"selector": column.selector, "text": column.text, "type": column.type}
                    for column in self.columns
                ],
                "filters": [],
            }
        )


def board_table(board: str, table: str, *columns: tuple[str, ColumnType]) -> ApiQuery:
    """Return the query of one table of a board of ours, in the dashboard's place and time."""
    return ApiQuery(
        f"/api/v1/boards/{board}/{table}",
        [Column(key, key, kind) for key, kind in columns],
        {
            "place": "${place}",
            # The bare form would be milliseconds.
            "start": "${__timeFrom:date:iso}",
            "end": "${__timeTo:date:iso}",
        },
    )
