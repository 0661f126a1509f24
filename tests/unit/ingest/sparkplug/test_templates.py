"""Members of templates are tags of their own, by path."""

import msgspec
import pytest

from ingest.sparkplug import definition
from plant.measurement import TagRole, ValueType
from plant.sparkplug import DataType, Metric, PropertySet, PropertyValue, Template
from plant.sparkplug.message import Parameter
from tests.peers.sparkplug_nodes import DEVICE, NodeScript, host_settings
from tests.unit.ingest.sparkplug.bench import SparkplugBench

RPM = Metric(name="rpm", alias=11, datatype=DataType.INT32, value=1_450)
STATE = Metric(name="state", alias=12, datatype=DataType.INT32, value=6)
BEARING = Template(
    template_ref="Bearing",
    is_definition=False,
    metrics=[Metric(name="temperature", alias=13, datatype=DataType.DOUBLE, value=60.5)],
)
MOTOR = Template(
    template_ref="Motor",
    is_definition=False,
    metrics=[RPM, STATE, Metric(name="bearing", datatype=DataType.TEMPLATE, value=BEARING)],
    parameters=[Parameter("maker", DataType.STRING, "Đồng Nai")],
)
SAID = [
    {
        "device": DEVICE,
        "metric": "motor/state",
        "role": "state",
        "states": {6: "EXECUTE", 2: "HELD"},
    }
]


@pytest.fixture
def script() -> NodeScript:
    return NodeScript()


@pytest.fixture
def bench(script: NodeScript) -> SparkplugBench:
    bench = SparkplugBench(host_settings(node={"metrics": SAID}))
    motor = Metric(name="motor", alias=10, datatype=DataType.TEMPLATE, value=MOTOR)
    bench.take(script.node_birth(), script.device_birth([motor]))
    return bench


def instance(*metrics: Metric, name: str | None = "motor", alias: int | None = None) -> Metric:
    value = Template(template_ref="Motor", is_definition=False, metrics=list(metrics))
    return Metric(name=name, alias=alias, datatype=DataType.TEMPLATE, value=value)


def test_members_are_tags_by_path_with_roles_and_types(bench: SparkplugBench) -> None:
    tags = {name: row.tag for name, row in bench.store.tables.tags.items()}
    assert set(tags) == {
        "tien-1/motor/rpm",
        "tien-1/motor/state",
        "tien-1/motor/bearing/temperature",
        "tien-1/motor/Parameters/maker",
    }
    assert tags["tien-1/motor/state"].role is TagRole.STATE
    assert tags["tien-1/motor/rpm"].value_type is ValueType.NUMBER
    assert bench.values("tien-1/motor/rpm") == [1450.0]
    assert bench.values("tien-1/motor/state") == ["EXECUTE"]
    assert bench.values("tien-1/motor/bearing/temperature") == [60.5]
    assert bench.values("tien-1/motor/Parameters/maker") == ["Đồng Nai"]
    assert bench.reasons() == []


def test_data_carry_some_members_by_name_or_alias(
    bench: SparkplugBench, script: NodeScript
) -> None:
    warm = Template(template_ref="Bearing", metrics=[Metric(name="temperature", value=61.0)])
    bench.take(
        script.data(instance(Metric(name="rpm", value=2**32 - 5))),
        script.data(instance(Metric(alias=12, value=2), name=None, alias=10)),
        script.data(instance(Metric(name="bearing", value=warm))),
        script.data(Metric(name="motor/rpm", value=7), script.value(13, 62.0)),
    )

    assert bench.values("tien-1/motor/rpm") == [1450.0, -5.0, 7.0]
    assert bench.values("tien-1/motor/state") == ["EXECUTE", "HELD"]
    assert bench.values("tien-1/motor/bearing/temperature") == [60.5, 61.0, 62.0]
    assert bench.reasons() == []


def test_time_trust_and_history_of_an_instance_are_those_of_its_members(
    bench: SparkplugBench, script: NodeScript
) -> None:
    moment_ms = script.at_ms - 500
    bad = PropertySet(["Quality"], [PropertyValue(DataType.INT32, value=0)])
    told = msgspec.structs.replace(
        instance(Metric(name="rpm", value=5)), timestamp=moment_ms, properties=bad
    )

    bench.take(script.data(told))
    bench.take(script.data(msgspec.structs.replace(told, is_historical=True)))

    *_, last = bench.store.tables.numbers
    assert last[1:] == (moment_ms * 1000, 5.0, 2)
    assert bench.selfstat.snapshot().measurements.duplicate == 1


def test_nothing_is_known_of_the_members_of_an_instance_that_is_null(
    bench: SparkplugBench, script: NodeScript
) -> None:
    bench.take(script.data(Metric(alias=10, is_null=True)))

    assert bench.values("tien-1/motor/rpm") == [1450.0, None]
    assert bench.values("tien-1/motor/state") == ["EXECUTE", None]
    assert bench.values("tien-1/motor/bearing/temperature") == [60.5, None]


def test_an_unknown_member_is_refused_and_births_are_asked_for(
    bench: SparkplugBench, script: NodeScript
) -> None:
    bench.take(script.data(instance(Metric(name="torque", value=1.0), Metric(name="rpm", value=8))))

    assert bench.reasons() == ["unknown_metric"]
    assert "motor/torque" in bench.store.tables.rejections[0].detail
    assert bench.values("tien-1/motor/rpm") == [1450.0, 8.0]
    assert len(bench.commands()) == 1


def test_what_an_instance_leaves_out_its_definition_says(script: NodeScript) -> None:
    bench = SparkplugBench(host_settings(node={"metrics": []}))
    members = [
        Metric(name="rpm", datatype=DataType.INT16, value=0),
        Metric(name="note", datatype=DataType.STRING),
    ]
    motor = Metric(
        name="Motor",
        datatype=DataType.TEMPLATE,
        value=Template(is_definition=True, metrics=members),
    )
    bench.take(
        script.node_birth([motor]),
        script.device_birth([instance(Metric(name="rpm", value=0xFFFF))]),
        script.data(instance(Metric(name="note", value="x"))),
    )

    assert bench.values("tien-1/motor/rpm") == [-1.0]
    assert bench.values("tien-1/motor/note") == [None, "x"]


def test_a_member_and_a_metric_of_its_path_are_one_tag_and_so_are_refused(
    script: NodeScript,
) -> None:
    bench = SparkplugBench(host_settings(node={"metrics": []}))
    flat = Metric(name="motor/rpm", datatype=DataType.DOUBLE, value=1.0)

    bench.take(script.node_birth(), script.device_birth([instance(RPM, STATE), flat]))

    assert set(bench.store.tables.tags) == {"tien-1/motor/state"}
    assert bench.reasons() == ["name_conflict"]


def test_definitions_that_hold_themselves_end(script: NodeScript) -> None:
    bench = SparkplugBench(host_settings(node={"metrics": []}))
    itself = Metric(name="deeper", datatype=DataType.TEMPLATE, value=Template(template_ref="Loop"))
    loop = Template(is_definition=True, metrics=[itself, RPM])
    bench.take(
        script.node_birth([Metric(name="Loop", datatype=DataType.TEMPLATE, value=loop)]),
        script.device_birth([Metric(name="a", value=Template(template_ref="Loop"))]),
    )

    assert "tien-1/a/rpm" in bench.store.tables.tags
    assert len(bench.store.tables.tags) < 20


def test_a_birth_with_too_many_members_is_refused_whole(
    bench: SparkplugBench, script: NodeScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definition, "MAX_METRICS", 3)
    before = bench.values("tien-1/motor/rpm")

    birth = script.device_birth([instance(RPM, STATE), Metric(name="a"), Metric(name="b")])
    bench.take(birth, script.data(Metric(name="motor/rpm", value=1)))

    assert bench.reasons() == ["too_large", "no_birth"]
    assert bench.store.tables.rejections[0].raw == birth.payload
    assert bench.values("tien-1/motor/rpm") == before
    assert len(bench.commands()) == 1
