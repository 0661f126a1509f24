from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest

from ingest.metrics import SelfstatCollector
from ingest.selfstat import Selfstat, Tally


def test_what_is_not_settled_is_queued() -> None:
    selfstat = Selfstat()
    for _ in range(3):
        selfstat.arrived()
    selfstat.decoded(10)
    selfstat.settled(Tally(written=1, rejected=1), Tally(written=6, duplicate=1), Counter())

    snapshot = selfstat.snapshot()

    assert snapshot.messages == Tally(received=3, written=1, rejected=1)
    assert snapshot.messages.queued == 1
    assert snapshot.measurements.queued == 3


def test_a_message_that_found_no_room_was_not_received() -> None:
    selfstat = Selfstat()
    selfstat.arrived()
    selfstat.withdrawn()

    assert selfstat.snapshot().messages.received == 0


def test_prometheus_reads_sums_that_agree() -> None:
    selfstat = Selfstat()
    selfstat.arrived()
    selfstat.decoded(5)
    selfstat.settled(Tally(written=1), Tally(written=3, rejected=1), Counter({"out_of_range": 1}))
    registry = CollectorRegistry()
    registry.register(SelfstatCollector(selfstat))

    lines = generate_latest(registry).decode().splitlines()

    assert "nhipmay_ingest_measurements_received_total 5.0" in lines
    assert 'nhipmay_ingest_measurements_settled_total{as="written"} 3.0' in lines
    assert 'nhipmay_ingest_measurements_settled_total{as="rejected"} 1.0' in lines
    assert "nhipmay_ingest_measurements_queued 1.0" in lines
    assert 'nhipmay_ingest_rejections_total{reason="out_of_range"} 1.0' in lines
    assert "nhipmay_ingest_transactions_total 1.0" in lines
