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


def _counted(column: str) -> str:
    return f"case when bool_and(b.{column} is not null) then sum(b.{column}) end"


BY_STEP = {
    "good_parts": (
        "Good parts of each machine; null where a part of the step was not counted.",
        _counted("good_quantity"),
    ),
    "scrap_parts": (
        "Scrapped parts of each machine; null where a part of the step was not counted.",
        _counted("scrap_quantity"),
    ),
    "energy_steps": (
        "Energy of each machine in kWh; null where a part of the step was not metered.",
        _counted("energy_kwh"),
    ),
    "coverage_steps": (
        "Share of planned busy time with a trustworthy signal, of each machine; null when none was "
        "planned.",
        "1 - sum(b.unknown_ms)::float8 / nullif(sum(b.pbt_ms), 0)::float8",
    ),
}
"""What is summed up over whole hours, days or weeks by `by_step.sql`: its meaning and its SQL."""


def sql(name: str) -> str:
    """Return the text of `dashboards/sql/<name>.sql`, its comment included, or that of a step.

    Grafana's macros take no parentheses within their arguments; `${variable:sqlstring}` quotes.
    """
    file = "by_step" if name in BY_STEP else name
    text = (files("dashboards") / "sql" / f"{file}.sql").read_text("utf-8").strip()
    if name in BY_STEP:
        meaning, value = BY_STEP[name]
        text = text.replace("{meaning}", meaning).replace("{value}", value)
    return text


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
