"""A fleet in the database: on top of the small plant, an edge in every state a person may meet."""

from datetime import timedelta
from typing import Any

import psycopg

from plant.settings import DatabaseSettings
from tests.peers.services import url_of
from tests.plants.api_plant import ENTERPRISE, NOW, SITE, Seeder, minutes, seed

OTHER_SITE = f"{ENTERPRISE}/long-thanh"


def seed_fleet(database: DatabaseSettings) -> None:
    """Fill a migrated, empty database with the small plant and four more edges."""
    places = seed(database).places
    with psycopg.connect(url_of(database)) as connection:
        seeder = Seeder(connection)
        seeder.places = places
        seeder.place(
            OTHER_SITE, "site", "Nhà máy Long Thành", "Long Thanh plant",
            time_zone="Asia/Ho_Chi_Minh",
        )  # fmt: skip
        _well(seeder)
        _full(seeder)
        _enrolled_only(seeder)
        _first_two(connection)


def _edge(seeder: Seeder, site: str, code: str) -> int:
    return seeder.insert("edge", "edge_id", site_id=seeder.places[site], code=code)


def _status(seeder: Seeder, edge_id: int, epoch: str, **said: Any) -> None:
    values: dict[str, Any] = {
        "online": True,
        "reported_at": NOW - timedelta(seconds=4),
        "agent_version": "0.1.0",
        "pending": 0,
        "clock_offset_ms": 3.2,
        "unreachable": [],
    } | said
    seeder.insert("edge_status", edge_id=edge_id, epoch=epoch, **values)


def _ledger(seeder: Seeder, edge_id: int, epoch: str, **values: Any) -> None:
    began = {"first_commit_at": NOW - timedelta(days=9), "last_commit_at": NOW}
    seeder.insert("delivery_ledger", edge_id=edge_id, epoch=epoch, **(began | values))


def _lags(seeder: Seeder, edge_id: int, *counts: tuple[int, int]) -> None:
    hour = NOW.replace(minute=0)
    for bucket, count in counts:
        seeder.insert("delivery_lag", edge_id=edge_id, hour=hour, bucket=bucket, count=count)


def _pushed(seeder: Seeder, edge_id: int, version: int, state: str, said: str | None) -> None:
    seeder.insert(
        "edge_configuration",
        edge_id=edge_id,
        version=version,
        sources="sources: {}",
        sha256="0" * 64,
        pushed_at=NOW - minutes(40),
        pushed_by="Trần Thị Kỹ Thuật",
        why="thêm cảm biến rung",
        state=state,
        said=said,
        settled_at=None if state == "pushed" else NOW - minutes(39),
    )


def _well(seeder: Seeder) -> None:
    edge = _edge(seeder, OTHER_SITE, "dong-goi-1")
    _ledger(seeder, edge, "4f1c9a", committed="{[1,5184001)}", issued_id=5_184_000)
    _status(seeder, edge, "4f1c9a", issued_id=5_184_000, config_version=3)
    _lags(seeder, edge, (30, 900), (31, 4000), (33, 3000), (37, 400), (40, 20))
    _pushed(seeder, edge, 2, "applied", None)
    _pushed(seeder, edge, 3, "applied", None)


def _full(seeder: Seeder) -> None:
    edge = _edge(seeder, OTHER_SITE, "tron-1")
    _ledger(
        seeder, edge, "c07d21", committed="{[1,900001),[960001,1500001)}",
        dropped="{[900001,940001)}", issued_id=1_720_000,
    )  # fmt: skip
    _status(
        seeder, edge, "c07d21", issued_id=1_720_000, pending=220_000, buffer_hours_left=6.4,
        clock_offset_ms=-4_300.0, config_version=4,
        config_error="version 5: none of its sources could be read within 60 s",
        unreachable=["may-tron: không kết nối được 192.168.10.21:502"],
    )  # fmt: skip
    _lags(seeder, edge, (40, 200), (70, 500), (84, 900))
    _pushed(seeder, edge, 5, "rolled_back", "none of its sources could be read within 60 s")


def _enrolled_only(seeder: Seeder) -> None:
    _edge(seeder, OTHER_SITE, "lo-hoi-1")


def _first_two(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Let the small plant's second edge have been silent for hours."""
    connection.execute(
        "update edge_status set reported_at = %s, agent_version = '0.1.0' where not online",
        (NOW - timedelta(hours=5),),
    )
    connection.execute(
        "update delivery_ledger set issued_id = 62 where epoch = 'cu'",
    )
    connection.execute(
        "update rejection set edge_id = e.edge_id, epoch = 'xuan'"
        " from edge e join place p on p.place_id = e.site_id"
        " where p.path = %s and e.code = 'tram-1'",
        (SITE,),
    )
