"""Each metric of each machine is a tag of its own, or is refused with the other one named."""

import pytest

from ingest.sparkplug.naming import LONGEST_NAME, prefixes, tag_name
from plant.sparkplug import DataType, Metric
from tests.peers.sparkplug_nodes import DEVICE, LATHE_PATH, NodeScript, host_settings
from tests.plants.deliveries import SITE
from tests.unit.ingest.sparkplug.bench import SparkplugBench

MANY = "đường/" * 40


def metric(name: str, value: float = 1.0, alias: int | None = None) -> Metric:
    return Metric(name=name, alias=alias, datatype=DataType.DOUBLE, value=value)


@pytest.fixture
def script() -> NodeScript:
    return NodeScript()


def test_machines_of_one_code_have_as_much_of_their_path_as_tells_them_apart() -> None:
    units = ["a/l1/may-1", "a/l2/may-1", "a/l2/may-2", "a/l3/may-3", "b/l3/may-3", "b/l4/may-3"]
    devices = {f"D{k}": unit for k, unit in enumerate(units)}
    settings = host_settings(node={"devices": devices, "metrics": [], "work_unit": None})

    found = prefixes(settings.nodes)

    assert [found[SITE, unit] for unit in units] == [
        "l1/may-1",
        "l2/may-1",
        "may-2",
        "a/l3/may-3",
        "b/l3/may-3",
        "l4/may-3",
    ]


def test_machines_of_one_code_on_two_lines_keep_their_values_apart(script: NodeScript) -> None:
    devices = {"D1": "xuong-1/l1/may-1", "D2": "xuong-1/l2/may-1"}
    bench = SparkplugBench(host_settings(node={"devices": devices, "metrics": []}))
    bench.store.tables.units |= {
        f"{SITE}/{unit}": 200 + k for k, unit in enumerate(devices.values())
    }

    bench.take(
        script.node_birth(),
        script.device_birth([metric("x", 1.0, 1)], "D1"),
        script.device_birth([metric("x", 2.0, 1)], "D2"),
        script.data(script.value(1, 3.0), device="D2"),
        script.data(script.value(1, 4.0), device="D1"),
    )

    assert bench.values("l1/may-1/x") == [1.0, 4.0]
    assert bench.values("l2/may-1/x") == [2.0, 3.0]
    tags = bench.store.tables.tags
    assert {name: row.tag.work_unit for name, row in tags.items()} == {
        "l1/may-1/x": f"{SITE}/xuong-1/l1/may-1",
        "l2/may-1/x": f"{SITE}/xuong-1/l2/may-1",
    }
    assert bench.reasons() == []


def test_two_devices_of_one_machine_with_one_metric_name_are_told(script: NodeScript) -> None:
    devices = {"D1": LATHE_PATH, "D2": LATHE_PATH}
    bench = SparkplugBench(host_settings(node={"devices": devices, "metrics": []}))

    bench.take(
        script.node_birth(),
        script.device_birth([metric("x", 1.0, 1), metric("y", 5.0, 2)], "D1"),
        script.device_birth([metric("x", 2.0, 1), metric("z", 6.0, 2)], "D2"),
        script.data(script.value(1, 3.0), script.value(2, 7.0), device="D2"),
        script.data(script.value(1, 4.0), device="D1"),
    )

    assert bench.values("tien-1/x") == [1.0, 4.0]
    assert bench.values("tien-1/z") == [6.0, 7.0]
    assert bench.reasons() == ["name_conflict", "name_conflict"]
    rejection = bench.store.tables.rejections[1]
    assert "'D1'" in rejection.detail
    assert "'D2'" in rejection.detail
    assert rejection.raw == bench.delivered[3].message.payload
    counted = bench.selfstat.snapshot().measurements
    assert (counted.rejected, counted.queued) == (2, 0)


@pytest.mark.parametrize("first", ["x", "tien-1/x"])
def test_a_name_with_and_without_its_machine_is_refused_with_both_named(
    script: NodeScript, first: str
) -> None:
    names = sorted(("x", "tien-1/x"), key=lambda name: name != first)
    bench = SparkplugBench(host_settings(node={"metrics": []}))
    bench.take(script.node_birth(), script.device_birth([metric(name) for name in [*names, "y"]]))

    assert set(bench.store.tables.tags) == {"tien-1/y"}
    (rejection,) = bench.store.tables.rejections
    assert rejection.reason == "name_conflict"
    assert "metric 'x'" in rejection.detail
    assert "metric 'tien-1/x'" in rejection.detail
    assert "sparkplug.nodes.metrics" in rejection.detail


def test_a_refused_name_is_taken_when_the_settings_name_one_of_the_two(script: NodeScript) -> None:
    said = [{"device": DEVICE, "metric": "x", "name": "tien-1/x khác"}]
    bench = SparkplugBench(host_settings(node={"metrics": said}))

    bench.take(script.node_birth(), script.device_birth([metric("x", 1), metric("tien-1/x", 2)]))

    assert bench.values("tien-1/x khác") == [1.0]
    assert bench.values("tien-1/x") == [2.0]
    assert bench.reasons() == []


def test_long_names_that_begin_alike_stay_two(script: NodeScript) -> None:
    bench = SparkplugBench(host_settings(node={"metrics": []}))
    bench.take(
        script.node_birth(),
        script.device_birth([metric(f"{MANY}a", 1.0, 1), metric(f"{MANY}b", 2.0, 2)]),
        script.data(script.value(2, 4.0), script.value(1, 3.0)),
    )

    tags = bench.store.tables.tags
    assert len(tags) == 2
    assert {len(name) for name in tags} == {LONGEST_NAME}
    assert sorted(bench.values(name) for name in tags) == [[1.0, 3.0], [2.0, 4.0]]


def test_a_name_that_just_fits_is_left_as_it_is() -> None:
    name = "x" * (LONGEST_NAME - 2)

    assert tag_name("m", name) == f"m/{name}"
    assert tag_name("m", f"{name}y") != f"m/{name}y"


def test_settings_are_refused_that_give_two_metrics_one_name() -> None:
    said = [
        {"device": DEVICE, "metric": "x", "name": "tien-1/a"},
        {"metric": "y", "name": "tien-1/a"},
    ]

    with pytest.raises(ValueError, match=f"{DEVICE}: x and .*: y cannot both be the tag"):
        host_settings(node={"metrics": said})
