"""The ingest service: wires broker, pipeline and database together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import structlog

from ingest.broker.mailbox import Mailbox
from ingest.broker.share import Share
from ingest.broker.source import MqttSource
from ingest.commit.committer import Committer
from ingest.ending import ending
from ingest.mes.intake import MesThread
from ingest.metrics import metrics_server
from ingest.pipeline import Pipeline
from ingest.selfstat import Selfstat, Snapshot
from ingest.settings import IngestSettings
from ingest.sparkplug.host import SparkplugHost
from ingest.validation.kept_file import KeptFile
from plant.backoff import Backoff
from store.delivery.store import PostgresDeliveryStore

log = structlog.get_logger()

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


def run(settings: IngestSettings, stop: Event) -> None:
    """Move messages from the broker to the database until `stop` is set.

    A broker or database that is away is waited for. Raises ConfigurationError for what a person
    must mend: a wrong password, a database without our tables, a port in use.
    """
    selfstat = Selfstat()
    clock = settings.make_clock()
    store = PostgresDeliveryStore(settings.database)
    mailbox = Mailbox(**settings.queue.model_dump())
    share = Share(settings.workers.index, settings.workers.count)
    source = MqttSource(
        settings.broker,
        settings.client_id,
        mailbox,
        clock,
        selfstat,
        share,
        former_ids=settings.former_client_ids,
    )
    kept_file = KeptFile(settings.kept_file)
    committer = Committer(
        store,
        selfstat,
        clock,
        settings.limits,
        stop,
        kept_file=kept_file,
    )
    pipeline = Pipeline(source, committer, selfstat, settings.group, settings.limits)
    with (
        metrics_server(selfstat, settings.metrics_host, settings.metrics_port),
        ending(stop, break_offs := [store.break_off]),
    ):
        try:
            if _database_ready(store, stop):
                source.start()
                try:
                    with (
                        _sparkplug_host(settings, selfstat, stop, kept_file, break_offs),
                        _mes_intake(settings, selfstat, stop, kept_file, break_offs),
                    ):
                        pipeline.run(stop)
                finally:
                    source.close()
        finally:
            store.close()
            log.info("ingest stopped", **_line(selfstat.snapshot()))


@contextmanager
def _sparkplug_host(
    settings: IngestSettings,
    selfstat: Selfstat,
    stop: Event,
    kept_file: KeptFile,
    break_offs: list[Callable[[], None]],
) -> Iterator[None]:
    """Run the Sparkplug host application while the context lasts, if the settings name one."""
    if settings.sparkplug is None:
        yield
        return
    store = PostgresDeliveryStore(settings.database)
    host = SparkplugHost(settings, settings.sparkplug, store, selfstat, stop, kept_file)
    break_offs.append(store.break_off)
    host.start()
    try:
        yield
    finally:
        # The pipeline may have ended for a reason of its own.
        stop.set()
        try:
            host.join()
        finally:
            store.close()


@contextmanager
def _mes_intake(
    settings: IngestSettings,
    selfstat: Selfstat,
    stop: Event,
    kept_file: KeptFile,
    break_offs: list[Callable[[], None]],
) -> Iterator[None]:
    """Take documents of an MES or ERP while the context lasts, if the settings say so."""
    if settings.mes is None:
        yield
        return
    intake = MesThread(settings, settings.mes, selfstat, stop, kept_file)
    break_offs.append(intake.break_off)
    intake.start()
    try:
        yield
    finally:
        stop.set()
        intake.join()


def _database_ready(store: PostgresDeliveryStore, stop: Event) -> bool:
    """Wait for the database, which the broker's queue can do without; False when stopped."""
    backoff = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
    told = False
    while not stop.is_set():
        obstacle = store.obstacle()
        if obstacle is None:
            log.info("database connected")
            return True
        if not told:
            log.warning("database unavailable", reason=obstacle)
            told = True
        stop.wait(backoff.next_pause())
    return False


def _line(snapshot: Snapshot) -> dict[str, int]:
    return {
        f"{what}_{fate}": getattr(tally, fate)
        for what, tally in (
            ("messages", snapshot.messages),
            ("measurements", snapshot.measurements),
        )
        for fate in ("received", "written", "duplicate", "rejected", "queued")
    }
