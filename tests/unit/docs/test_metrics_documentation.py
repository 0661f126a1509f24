"""Every metric is in the reference, and the reference names no other."""

import re
from collections.abc import Iterator
from pathlib import Path

from analytics.anomaly.watch.metrics import AnomalyMetrics
from analytics.metrics import AnalyticsMetrics
from api.http.metrics import Metrics
from edge_agent.metrics import EdgeMetrics, Glance
from edge_agent.outbox.memory import MemoryOutbox
from edge_agent.selfstat import Counters
from ingest.metrics import SelfstatCollector
from ingest.selfstat import Selfstat
from plant.exposition import Family

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def own() -> Iterator[Family]:
    edge = EdgeMetrics(1000)
    edge.note(Glance(Counters(), MemoryOutbox(1000, 1).state(), 0))
    yield from edge.collect()
    yield from AnalyticsMetrics().collect()
    yield from AnomalyMetrics().collect()


def names() -> set[str]:
    found = {family.sample_name for family in own()}
    for metric in SelfstatCollector(Selfstat()).collect():
        found.add(f"{metric.name}_total" if metric.type == "counter" else metric.name)
    declared = re.findall(r"^# TYPE (\w+) ", Metrics().text().decode(), re.MULTILINE)
    return found | {name for name in declared if not name.endswith("_created")}


def test_metrics_and_reference_name_the_same() -> None:
    written = set(re.findall(r"`(nhipmay_\w+)(?:\{[\w,]*\})?`", PAGE.read_text(encoding="utf-8")))
    assert names() - written == set()
    assert written - names() == set()


def test_names_follow_the_conventions_of_prometheus() -> None:
    for family in own():
        assert re.fullmatch(r"nhipmay_[a-z]+_[a-z_]+", family.name), family.name
        assert not family.name.endswith("_total"), family.name
        assert family.words.endswith("."), family.name
