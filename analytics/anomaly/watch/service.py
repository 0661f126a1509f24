"""The loop of the detection: models, silence, limits, messages; beside the figures' own loop."""

import threading
import time
from collections.abc import Callable
from functools import partial

import structlog

from analytics.anomaly.notice.telling import judge_limits, tell
from analytics.anomaly.watch.fleet import Fleet, Patience
from analytics.anomaly.watch.metrics import AnomalyMetrics
from analytics.anomaly.watch.silence import Attention, watch_silence
from analytics.settings import AnalyticsSettings
from plant.errors import TransientError
from store import Connection, check_migrated, connect, store_errors

_log = structlog.get_logger()
_FIRST_BACKOFF_S = 0.5
_LAST_BACKOFF_S = 15.0
_SILENCE_EVERY_S = 15.0


def watch_machines(
    settings: AnalyticsSettings, stop: threading.Event, metrics: AnomalyMetrics
) -> None:
    """Judge what machines say until `stop` is set; a database that is away is waited for."""
    _while_there_is_a_database(settings, stop, metrics, partial(_work, metrics=metrics))


def tell_people(
    settings: AnalyticsSettings, stop: threading.Event, metrics: AnomalyMetrics
) -> None:
    """Judge limits and send messages until `stop` is set."""
    _while_there_is_a_database(settings, stop, metrics, partial(_tell, metrics=metrics))


def _while_there_is_a_database(
    settings: AnalyticsSettings,
    stop: threading.Event,
    metrics: AnomalyMetrics,
    work: Callable[[Connection, AnalyticsSettings, threading.Event], None],
) -> None:
    backoff = _FIRST_BACKOFF_S
    while not stop.is_set():
        try:
            with (
                store_errors(settings.database),
                connect(settings.database, autocommit=True) as connection,
            ):
                check_migrated(connection)
                backoff = _FIRST_BACKOFF_S
                work(connection, settings, stop)
        except TransientError as exc:
            metrics.retries += 1
            metrics.database_up = False
            _log.warning("anomaly_database_unavailable", reason=str(exc))
            stop.wait(backoff)
            backoff = min(backoff * 2, _LAST_BACKOFF_S)


def fleet_of(settings: AnalyticsSettings, metrics: AnomalyMetrics) -> Fleet:
    """Return an empty fleet with the patience that the settings say."""
    patience = Patience(settings.plant_time(settings.anomaly.lateness_s), settings.away_after())
    return Fleet(settings.make_clock(), patience, metrics)


def _work(
    connection: Connection,
    settings: AnalyticsSettings,
    stop: threading.Event,
    metrics: AnomalyMetrics,
) -> None:
    fleet = fleet_of(settings, metrics)
    attention = Attention(
        settings.plant_time(settings.anomaly.silence_s),
        settings.plant_time(settings.anomaly.clock_s),
        settings.away_after(),
    )
    looked = float("-inf")
    while not stop.is_set():
        started = time.monotonic()
        taken = fleet.one_pass(connection)
        # Whoever has the first of the models looks after what belongs to none.
        if started - looked >= _SILENCE_EVERY_S:
            looked = started
            unheard = watch_silence(connection, fleet.machines, fleet.clock(), attention)
            metrics.silent, metrics.clocks = unheard.silent, unheard.clocks
        took = time.monotonic() - started
        metrics.passes += 1
        metrics.seconds += took
        metrics.database_up = True
        _log.debug("anomaly_pass", readings=taken, seconds=round(took, 3))
        stop.wait(max(settings.anomaly.interval_s - took, 0.0))
    fleet.save(connection)


def _tell(
    connection: Connection,
    settings: AnalyticsSettings,
    stop: threading.Event,
    metrics: AnomalyMetrics,
) -> None:
    clock = settings.make_clock()
    late = settings.plant_time(settings.anomaly.lateness_s)
    while not stop.is_set():
        judge_limits(connection, clock() - late)
        told = tell(connection, settings.anomaly, clock())
        if told:
            metrics.told(told)
            _log.info("anomaly_messages", **told)
        stop.wait(settings.anomaly.interval_s)
