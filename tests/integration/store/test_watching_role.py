"""The role of analytics watches machines, in a database of its own: the plant is another one."""

from datetime import timedelta

from analytics.anomaly.watch.silence import Attention, watch_silence
from store import migrate
from store.anomaly.model import approve, models_of
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.figure_plant import at
from tests.plants.watched_plant import Watch, WatchedPlant, part, readings


def test_analytics_watches_machines_and_asks_for_models(timescale_server: PostgresServer) -> None:
    with compose_database(timescale_server) as owner:
        migrate(owner)
        plant, watch = WatchedPlant(owner), Watch(as_role(owner, "nhipmay_analytics"))
        times, values = readings(12)
        plant.say(times[: part(7)], values[: part(7)])
        plant.connection.execute(
            "insert into planned_maintenance (site_id, number, place_id, start_time, end_time)"
            " select site_id, 'BT-7', work_unit_id, %s, %s from tag where name = 'cua/oil'",
            (at(2.1), at(2.2)),
        )
        first = plant.propose((0, 2), 2.1)
        plant.report(2.2)
        watch.until(2.2)
        assert approve(plant.connection, first, at(2.2), "an")
        attention = Attention(timedelta(minutes=3), timedelta(seconds=5))
        assert watch_silence(watch.connection, watch.fleet.machines, at(7.1), attention).silent == 1
        plant.say(times[part(7) :], values[part(7) :])
        watch.fleet.ask_again()
        plant.report(12)
        watch.until(12)
        watch.until(12)

        models = models_of(plant.connection, [plant.unit_id])
        assert [(one.because, one.status) for one in models] == [("", "live"), ("BT-7", "ready")]
        watch.close()
        plant.close()
