"""A small plant in a real database, and readings written as ingest would write them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from analytics.service import PassReport, compute_pass
from analytics.settings import AnalyticsSettings
from plant.description import PlantDescription
from plant.settings import ClockSettings, DatabaseSettings
from store import connect, load_plant

MORNING = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
"""The first shift of 3 March begins: 06:00 in Hồ Chí Minh City."""

SITE = "dong-nai/bien-hoa"
LINE = f"{SITE}/gia-cong/day-chuyen"
SAW = f"{LINE}/cua"
GRINDER = f"{LINE}/mai"


def at(hours: float) -> datetime:
    """Return a moment so many hours after the shift began."""
    return MORNING + timedelta(hours=hours)


def description(**site: Any) -> PlantDescription:
    """Return a serial line of two machines: 30 s per part at the saw, 40 s at the grinder."""
    return PlantDescription.model_validate(
        {
            "enterprise": {"code": "dong-nai", "name_vi": "Mẫu"},
            "sites": [
                {
                    "code": "bien-hoa",
                    "name_vi": "Biên Hòa",
                    "edges": ["edge-1"],
                    "shifts": [
                        {
                            "name": "ca-1",
                            "start": "06:00",
                            "end": "14:00",
                            "breaks": [{"name": "trưa", "start": "10:00", "end": "10:30"}],
                        }
                    ],
                    "areas": [
                        {
                            "code": "gia-cong",
                            "name_vi": "Gia công",
                            "work_centers": [
                                {
                                    "code": "day-chuyen",
                                    "name_vi": "Dây chuyền",
                                    "bottleneck": "mai",
                                    "work_units": [
                                        {"code": "cua", "name_vi": "Cưa"},
                                        {"code": "mai", "name_vi": "Mài"},
                                    ],
                                }
                            ],
                        }
                    ],
                    **site,
                }
            ],
            "products": [
                {
                    "code": "truc",
                    "name_vi": "Trục",
                    "planned_run_times": [
                        {"work_unit": "bien-hoa/gia-cong/day-chuyen/cua", "seconds": 30},
                        {"work_unit": "bien-hoa/gia-cong/day-chuyen/mai", "seconds": 40},
                    ],
                }
            ],
        }
    )


TEXT_ROLES = {"state", "mode", "order", "product"}
ROLES = ("state", "order", "product", "good_count", "scrap_count")


class FigurePlant:
    """A database with the plant loaded, its clock under the test's control."""

    def __init__(self, database: DatabaseSettings, **site: Any) -> None:
        self.database = database
        load_plant(database, description(**site))
        self.connection = connect(database, autocommit=True)
        self.edge_id = self._edge()
        self._add_tags()

    def close(self) -> None:
        self.connection.close()

    def reload(self, **site: Any) -> None:
        """Load the plant again with another description of the site."""
        load_plant(self.database, description(**site))

    def write(
        self,
        unit: str,
        role: str,
        readings: Iterable[tuple[float, str | float | None]],
        quality: int = 0,
    ) -> None:
        """Store readings at hours after the shift began, and mark their hours dirty."""
        rows = [(at(hours), value) for hours, value in readings]
        table = "text_measurement" if role in TEXT_ROLES else "measurement"
        with self.connection.transaction():
            with self.connection.cursor() as cursor:
                cursor.executemany(
                    f"insert into {table} (tag_id, source_time, received_time, value, quality)"
                    " select tag_id, %s, %s, %s, %s from tag where name = %s",
                    [
                        (moment, moment, value, quality, f"{unit.rpartition('/')[2]}/{role}")
                        for moment, value in rows
                    ],
                )
            for hour in sorted({_hour(moment) for moment, _ in rows}):
                self.connection.execute(
                    "insert into dirty_window (work_unit_id, hour, marked_at)"
                    " select place_id, %s, %s from place where path = %s"
                    " on conflict (work_unit_id, hour)"
                    " do update set revision = dirty_window.revision + 1",
                    (hour, hour, unit),
                )

    def run_steadily(
        self,
        unit: str,
        start: float,
        end: float,
        *,
        cycle_s: float = 40.0,
        state: str = "EXECUTE",
        step_s: float = 20.0,
    ) -> None:
        """Let a machine say every `step_s` that it runs, making a good part each cycle."""
        step = step_s / 3600
        moments = [start + number * step for number in range(round((end - start) / step))]
        self.write(unit, "state", [(moment, state) for moment in moments])
        self.write(unit, "order", [(moment, "LSX-1") for moment in moments])
        self.write(unit, "product", [(moment, "truc") for moment in moments])
        made = [(moment, float(moment * 3600 // cycle_s)) for moment in moments]
        self.write(unit, "good_count", made)
        self.write(unit, "scrap_count", [(moment, 0.0) for moment in moments])

    def report(self, sampled: float, *, online: bool = True, pending: int = 0) -> None:
        """Let the edge say until when it has sampled, with everything of it committed."""
        self.connection.execute("delete from edge_status")
        self.connection.execute("delete from delivery_ledger")
        self.connection.execute(
            "insert into edge_status (edge_id, online, epoch, reported_at, issued_id, pending,"
            " sampled_time) values (%s, %s, 'e', %s, 9, %s, %s)",
            (self.edge_id, online, at(sampled), pending, at(sampled)),
        )
        self.connection.execute(
            "insert into delivery_ledger (edge_id, epoch, committed, issued_id)"
            " values (%s, 'e', '{[1,10)}', 9)",
            (self.edge_id,),
        )

    def settle(self, now: float) -> None:
        """Run passes until nothing is left for another one."""
        while not self.compute(now).complete:
            pass

    def assert_repaired(self, now: float) -> None:
        """Compare what was repaired with computing everything again from the readings."""
        self.settle(now)
        repaired = self.figures()
        self.forget()
        self.settle(now)
        for table, rows in self.figures().items():
            assert repaired[table] == rows, table

    def add_tag(self, name: str, unit: str, role: str = "none") -> None:
        """Add a number tag to a machine."""
        self.connection.execute(
            "insert into tag (site_id, work_unit_id, edge_id, name, value_type, role)"
            " select edge.site_id, place_id, edge_id, %s, 'number', %s from edge, place"
            " where path = %s",
            (name, role, unit),
        )

    def without_tags(self, unit: str, *roles: str) -> None:
        """Take tags of a machine away, as if nobody had ever connected them."""
        self.connection.execute(
            "delete from tag where name = any(%s)",
            ([f"{unit.rpartition('/')[2]}/{role}" for role in roles],),
        )

    def compute(self, now: float, **settings: Any) -> PassReport:
        """Run one pass of analytics at a moment."""
        return compute_pass(
            self.connection, AnalyticsSettings(database=self.database, **settings), at(now)
        )

    def compute_stopped(self, now: float) -> PassReport:
        """Run one pass with a clock that has come to its end."""
        clock = ClockSettings(wall_origin=at(0), plant_origin=at(0), until=at(now))
        return self.compute(now, clock=clock)

    def result(self, place: str, kind: str, start: float) -> dict[str, Any]:
        """Return one result by column name."""
        rows = self.rows(
            "select r.* from oee_result r join place using (place_id)"
            " where path = %s and kind = %s and window_start = %s",
            (place, kind, at(start)),
        )
        assert len(rows) == 1, f"{place} {kind} {start}: {len(rows)} results"
        return rows[0]

    def rows(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """Return the rows of a query by column name."""
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(query.encode(), parameters or None).fetchall()

    def figures(self) -> dict[str, list[dict[str, Any]]]:
        """Return every row that analytics wrote, without the moment of computing."""
        tables = {
            "state_interval": "work_unit_id, start_time",
            "stop": "work_unit_id, start_time",
            "failure": "work_unit_id, start_time",
            "base_sum": "work_unit_id, slice_start",
            "minute_sum": "work_unit_id, slice_start",
            "oee_result": "place_id, kind, window_start",
        }
        found = {}
        for table, order in tables.items():
            found[table] = self.rows(f"select * from {table} order by {order}")
            for row in found[table]:
                row.pop("as_of", None)
        return found

    def forget(self) -> None:
        """Throw all figures away and mark every hour that has readings dirty."""
        self.connection.execute(
            "truncate state_interval, stop, failure, base_sum, minute_sum, oee_result"
        )
        self.connection.execute(
            "insert into dirty_window (work_unit_id, hour, marked_at)"
            " select distinct work_unit_id, date_trunc('hour', source_time), now()"
            " from tag join (select tag_id, source_time from measurement"
            " union all select tag_id, source_time from text_measurement) m using (tag_id)"
            " on conflict do nothing"
        )

    def _edge(self) -> int:
        row = self.connection.execute("select edge_id from edge").fetchone()
        assert row is not None
        return int(row[0])

    def _add_tags(self) -> None:
        for unit in (SAW, GRINDER):
            for role in ROLES:
                text = role in TEXT_ROLES
                self.connection.execute(
                    "insert into tag (site_id, work_unit_id, edge_id, name, value_type, role)"
                    " select edge.site_id, place_id, edge_id, %s, %s, %s from edge, place"
                    " where path = %s",
                    (
                        f"{unit.rpartition('/')[2]}/{role}",
                        "text" if text else "number",
                        role,
                        unit,
                    ),
                )


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
