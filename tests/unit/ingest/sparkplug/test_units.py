"""What a metric is measured in becomes the unit of its role, or is refused."""

import pytest
from pydantic import ValidationError

from plant.sparkplug import DataType, Metric, PropertySet, PropertyValue
from tests.peers.sparkplug_nodes import NodeScript, host_settings
from tests.plants.deliveries import SITE
from tests.unit.ingest.sparkplug.bench import SparkplugBench

UNIT = "xuong-1/l1/may-1"


def bench_of(**said: object) -> SparkplugBench:
    metrics = [{"metric": "x", "device": "D1", **said}]
    return SparkplugBench(host_settings(node={"devices": {"D1": UNIT}, "metrics": metrics}))


def played(bench: SparkplugBench, unit: str | None = None) -> None:
    script = NodeScript()
    said = None
    if unit is not None:
        said = PropertySet(["engUnit"], [PropertyValue(DataType.STRING, value=unit)])
    metric = Metric(name="x", alias=1, datatype=DataType.DOUBLE, value=1818.0, properties=said)
    bench.store.tables.units |= {f"{SITE}/{UNIT}": 200}
    bench.take(
        script.node_birth(),
        script.device_birth([metric], "D1"),
        script.data(script.value(1, 2000.0), device="D1"),
    )


def test_energy_of_a_foreign_node_becomes_kilowatt_hours() -> None:
    bench = bench_of(role="energy", unit="Wh", counter_modulus=65536.0, max_rate_per_s=10.0)
    played(bench)
    assert bench.values("may-1/x") == pytest.approx([1.818, 2.0])
    tag = bench.store.tables.tags["may-1/x"].tag
    assert tag.unit == "kWh"
    assert (tag.counter_modulus, tag.max_rate_per_s) == pytest.approx((65.536, 0.01))


def test_a_unit_that_a_node_says_itself_is_converted_too() -> None:
    bench = bench_of(role="energy")
    played(bench, "MJ")
    assert bench.values("may-1/x") == pytest.approx([505.0, 2000 / 3.6])


def test_a_metric_in_a_unit_that_does_not_fit_its_role_is_no_tag() -> None:
    bench = bench_of(role="energy")
    played(bench, "kW")
    assert "may-1/x" not in bench.store.tables.tags
    rejection = bench.store.tables.rejections[0]
    assert rejection.reason == "bad_unit"
    assert "kW" in rejection.detail


def test_settings_with_a_unit_that_does_not_fit_stop_the_start() -> None:
    with pytest.raises(ValidationError, match="no unit of parts"):
        bench_of(role="good_count", unit="kg")
