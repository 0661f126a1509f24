"""Sums up the hours that deliveries marked, in a loop of its own."""

import threading

import structlog

from analytics.settings import AnalyticsSettings
from plant.errors import TransientError
from store import check_migrated, connect, store_errors
from store.engine.connection import Connection
from store.reading import rollup

_log = structlog.get_logger()
_EVERY_S = 15.0
_LOOK_AROUND = 40
"""After how many rounds it is asked whether rows came that nobody marked."""


def sum_up_hours(settings: AnalyticsSettings, stop: threading.Event) -> None:
    """Sum up until `stop` is set; a database that is away is waited for."""
    while not stop.is_set():
        try:
            with (
                store_errors(settings.database),
                connect(settings.database, autocommit=True) as connection,
            ):
                check_migrated(connection)
                _work(connection, stop)
        except TransientError as exc:
            _log.info("rollups_wait", reason=str(exc))
            stop.wait(_EVERY_S)


def _work(connection: Connection, stop: threading.Event) -> None:
    while not rollup.try_lock(connection):
        if stop.wait(_EVERY_S):
            return
    number = 0
    while not stop.is_set():
        if number % _LOOK_AROUND == 0:
            rollup.mark_unmarked(connection)
        number += 1
        while not rollup.sum_up(connection).complete and not stop.is_set():
            pass
        stop.wait(_EVERY_S)
