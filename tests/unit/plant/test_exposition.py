"""Prometheus' text format, as its own client reads it, and the little server."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from plant.errors import ConfigurationError
from plant.exposition import Family, counter, exposition, gauge, metrics_server
from tests.peers.services import free_port
from tests.waiting import HANG_S


def families() -> Iterator[Family]:
    yield counter("nm_a", "Counted.", 3)
    yield gauge("nm_b", "Now.", 0.25)
    yield Family("nm_c", "counter", "By kind.", {'a "b"\\': 1, "d": 2**60}, "as")


def test_prometheus_reads_what_we_write() -> None:
    read = {
        family.name: family for family in text_string_to_metric_families(exposition(families()))
    }
    assert {name: family.type for name, family in read.items()} == {
        "nm_a": "counter",
        "nm_b": "gauge",
        "nm_c": "counter",
    }
    assert read["nm_a"].samples[0].name == "nm_a_total"
    assert read["nm_b"].samples[0].value == 0.25
    assert {sample.labels["as"]: sample.value for sample in read["nm_c"].samples} == {
        'a "b"\\': 1,
        "d": 2**60,
    }


def test_only_metrics_are_served_while_it_runs() -> None:
    port = free_port()
    with metrics_server("127.0.0.1", port, families):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=HANG_S) as answer:
            assert answer.read().decode() == exposition(families())
            assert "version=0.0.4" in answer.headers["content-type"]
        with pytest.raises(urllib.error.HTTPError, match="404") as refusal:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=HANG_S)
        refusal.value.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=HANG_S)


def test_a_taken_port_is_explained() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ConfigurationError, match="choose another"),
        metrics_server("127.0.0.1", taken.getsockname()[1], families),
    ):
        raise AssertionError
