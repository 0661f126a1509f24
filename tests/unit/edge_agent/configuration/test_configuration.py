"""Sources pushed by the platform: what is checked, tried, kept and taken back."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_agent import EdgeSettings
from edge_agent.configuration import RemoteConfiguration, checked_sources
from edge_agent.configuration.kept import Kept
from edge_agent.configuration.remote import STARTS_ON_TRIAL
from plant.errors import ConfigurationError, DataError
from plant.native.message import SCHEMA, Config, config_message, decode_config, encode
from tests.unit.edge_agent.intake.inlets import edge_mapping

UNIT = "gia-cong/day-chuyen-1/cnc-1"


def modbus(*tags: str, host: str = "plc") -> dict[str, Any]:
    addressed = [
        {"name": name, "work_unit": UNIT, "address": f"hr:{number}"}
        for number, name in enumerate(tags)
    ]
    return {"driver": "modbus", "host": host, "tags": addressed}


def text_of(**sources: Any) -> str:
    return yaml.safe_dump({"sources": sources})


class Edge:
    """An edge under remote configuration, with a clock of its own."""

    def __init__(self, folder: Path, **more: Any) -> None:
        mapping = edge_mapping(line=modbus("cnc-1/x")) | more
        mapping["outbox"] = {"file": folder / "outbox.sqlite"}
        self.local = EdgeSettings.model_validate(mapping)
        self.now = 0.0
        self.remote = RemoteConfiguration(self.local, lambda: self.now)

    def push(self, version: int, text: str) -> None:
        self.remote.offer(encode(config_message(version, text, 0)))
        self.remote.consider()

    def on_trial(self) -> bool:
        return self.remote.on_trial

    def tags(self) -> list[str]:
        return [tag.name for tag in self.remote.settings.tags()]

    def passes(self, seconds: float, *, delivering: bool) -> bool:
        """Let time pass; return whether the agent is rebuilt."""
        self.now += seconds
        due = self.remote.change_due(delivering=delivering)
        if due:
            self.remote.begin()
        return due


NEW = text_of(line=modbus("cnc-1/y", "cnc-1/z"))


def test_the_sources_of_the_file_are_used_when_nothing_was_pushed(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    assert not edge.passes(1, delivering=True)
    assert (edge.tags(), edge.remote.state.version, edge.remote.state.error) == (
        ["cnc-1/x"],
        None,
        None,
    )


def test_pushed_sources_stay_also_after_a_restart_when_they_deliver(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.push(4, NEW)
    assert edge.tags() == ["cnc-1/x"]
    assert edge.passes(1, delivering=True)
    assert edge.on_trial()
    assert not edge.passes(1, delivering=True)
    assert not edge.on_trial()
    again = Edge(tmp_path)
    assert again.tags() == ["cnc-1/y", "cnc-1/z"]
    assert (again.remote.state.version, again.remote.state.error) == (4, None)
    again.push(4, NEW)
    assert not again.passes(1, delivering=False)
    assert again.remote.state.error is None


def test_the_sources_before_come_back_when_the_new_ones_are_silent(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.passes(1, delivering=True)
    edge.push(4, NEW)
    assert edge.passes(1, delivering=True)
    assert not edge.passes(59, delivering=False)
    assert edge.passes(2, delivering=False)
    assert edge.tags() == ["cnc-1/x"]
    assert edge.remote.state.version is None
    assert edge.remote.state.error == "version 4: none of its sources could be read within 60 s"
    edge.push(4, NEW)
    assert not edge.passes(1, delivering=True), "what was refused is not tried again"
    edge.push(5, NEW)
    assert edge.passes(1, delivering=True)


def test_silence_does_not_count_when_the_sources_before_were_silent_too(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.passes(1, delivering=False)
    edge.push(4, NEW)
    assert edge.passes(1, delivering=False)
    assert not edge.passes(61, delivering=False)
    assert edge.remote.state.version == 4
    assert not edge.on_trial()


def test_sources_are_taken_back_when_they_bring_the_agent_down(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.push(4, text_of(line=modbus("cnc-1/y")))
    edge.passes(1, delivering=True)
    edge.passes(1, delivering=True)
    edge.push(5, NEW)
    edge.passes(1, delivering=True)
    edge.remote.take_back("ConfigurationError: no such file")
    assert edge.tags() == ["cnc-1/y"]
    assert edge.remote.state.version == 4
    assert edge.remote.state.error == "version 5: ConfigurationError: no such file"
    again = Edge(tmp_path)
    assert again.tags() == ["cnc-1/y"]
    assert again.remote.state.error == edge.remote.state.error


def test_a_trial_goes_on_after_a_power_cut_but_not_for_ever(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.push(4, NEW)
    edge.passes(1, delivering=True)
    for _ in range(STARTS_ON_TRIAL - 1):
        again = Edge(tmp_path)
        assert again.on_trial()
        assert again.tags() == ["cnc-1/y", "cnc-1/z"]
    last = Edge(tmp_path)
    assert last.tags() == ["cnc-1/x"]
    assert "ended 3 times" in (last.remote.state.error or "")


def test_a_trial_is_not_held_against_the_sources_when_the_agent_was_stopped(
    tmp_path: Path,
) -> None:
    edge = Edge(tmp_path)
    edge.push(4, NEW)
    edge.passes(1, delivering=True)
    for _ in range(STARTS_ON_TRIAL + 1):
        edge.remote.ended()
        edge = Edge(tmp_path)
        assert edge.on_trial()


def test_a_newer_text_replaces_one_on_trial(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.push(4, NEW)
    edge.passes(1, delivering=True)
    edge.push(5, text_of(line=modbus("cnc-1/w")))
    assert edge.passes(1, delivering=False)
    assert not edge.passes(1, delivering=True)
    assert (edge.tags(), edge.remote.state.version) == (["cnc-1/w"], 5)


def test_an_older_text_is_ignored_when_a_newer_one_is_in_force(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.push(4, NEW)
    edge.passes(1, delivering=True)
    edge.passes(1, delivering=True)
    edge.push(3, text_of(line=modbus("cnc-1/old")))
    assert not edge.passes(1, delivering=True)
    assert edge.remote.state.error == "version 3 is not above version 4, which is in force"
    assert edge.remote.state.version == 4


def test_nothing_is_taken_when_the_edge_does_not_accept_it(tmp_path: Path) -> None:
    edge = Edge(tmp_path, configuration={"accept": False})
    edge.push(4, NEW)
    assert not edge.passes(1, delivering=True)
    assert list(tmp_path.iterdir()) == []


def test_the_file_on_disk_does_not_stop_the_agent_when_it_is_damaged(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.push(4, NEW)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b'{"good": 5')
    damaged = Edge(tmp_path)
    assert damaged.tags() == ["cnc-1/x"]
    assert "is unreadable" in (damaged.remote.state.error or "")
    damaged.push(4, NEW)
    assert damaged.passes(1, delivering=True)
    kept = Kept.read(file)
    assert kept is not None
    assert kept.trial is not None


def test_kept_sources_are_left_out_when_they_no_longer_fit(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.push(4, NEW)
    (file,) = tmp_path.iterdir()
    text = file.read_text(encoding="utf-8").replace("driver: modbus", "driver: telex ")
    file.write_text(text, encoding="utf-8")
    again = Edge(tmp_path)
    assert again.tags() == ["cnc-1/x"]
    assert "version 4" in (again.remote.state.error or "")


def refusal(text: str, **more: Any) -> str:
    local = EdgeSettings.model_validate(edge_mapping(line=modbus("cnc-1/x")) | more)
    with pytest.raises(ConfigurationError) as caught:
        checked_sources(text, local)
    return str(caught.value)


def test_all_mistakes_of_a_pushed_text_are_named_at_once() -> None:
    words = refusal(
        text_of(line=modbus("cnc-1/y") | {"prot": 502}, other={"driver": "s7", "tags": []})
    )
    assert "did you mean 'port'?" in words
    assert "sources.other.host: required, but missing" in words
    assert "at least 1 item" in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must hold named settings"),
        ("[", "not valid YAML"),
        ("sources: 1\nbroker: {}", "found: broker"),
        ("broker: {}", "found: broker"),
        ("a: &a [1]\nsources: *a", "aliases"),
        ("sources: " + "[" * 25 + "]" * 25, "nested deeper"),
        ("sources: {a: {password: x}}", "sources.a.password: a password is not sent"),
        ("sources: {a: 9999-99-99}", "not valid YAML"),
        ("? {a: 1}\n: 2", "not valid YAML"),
        ("sources: {}", "at least 1 item"),
        ("!!python/object/apply:os.system ['true']", "explicit types"),
        ("sources: !!timestamp soon", "explicit types"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused_with_a_reason(text: str, words: str) -> None:
    assert words in refusal(text)


def test_files_are_read_only_when_the_edge_itself_names_them(tmp_path: Path) -> None:
    csv = {
        "driver": "csv",
        "file": "/etc/passwd",
        "time_column": "t",
        "tags": [{"name": "cnc-1/x", "work_unit": UNIT, "column": "c"}],
    }
    assert "do not name: /etc/passwd" in refusal(text_of(line=csv))
    opcua = {
        "driver": "opcua",
        "endpoint": "opc.tcp://evil:4840/",
        "password_file": "/run/secrets/plc",
        "tags": [{"name": "cnc-1/x", "work_unit": UNIT, "address": "i=1"}],
    }
    assert "/run/secrets/plc" in refusal(text_of(line=opcua))
    local = EdgeSettings.model_validate(edge_mapping(line=opcua))
    moved = opcua | {"endpoint": "opc.tcp://other:4840/"}
    assert checked_sources(text_of(line=moved), local).sources["line"].enabled


def test_secrets_of_the_environment_join_what_is_pushed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NHIPMAY_SOURCES__LINE__PASSWORD", "geheim")
    opcua = {
        "driver": "opcua",
        "endpoint": "opc.tcp://plc:4840/",
        "username": "edge",
        "tags": [{"name": "cnc-1/x", "work_unit": UNIT, "address": "i=1"}],
    }
    local = EdgeSettings.model_validate(edge_mapping(line=opcua))
    moved = opcua | {"endpoint": "opc.tcp://other:4840/"}
    (source,) = checked_sources(text_of(line=moved), local).sources.values()
    assert source.driver == "opcua"
    assert source.secret() == "geheim"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        encode(Config(SCHEMA, 1, "0" * 64, "sources: {}", 0)),
        encode(Config(2, 1, "0" * 64, "sources: {}", 0)),
        encode(Config(SCHEMA, 0, "0" * 64, "x", 0)),
        encode(Config(SCHEMA, 1, "x", "x", 0)),
        encode(config_message(1, "x" * 500_001, 0)),
    ],
    ids=["nothing", "empty", "digest", "schema", "version", "no digest", "too long"],
)
def test_a_message_that_is_none_is_refused(payload: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        decode_config(payload)
    edge = Edge(tmp_path)
    edge.remote.offer(payload)
    edge.remote.consider()
    assert not edge.passes(1, delivering=True)


def test_a_message_survives_the_wire() -> None:
    message = config_message(7, "sources: {Máy: 1}", 5)
    assert decode_config(encode(message)) == message


def test_what_was_pushed_to_another_edge_is_left_alone(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.push(7, NEW)
    edge.passes(1, delivering=True)
    assert edge.tags() == ["cnc-1/y", "cnc-1/z"]
    moved = edge_mapping()["edge"] | {"site": "long-thanh"}
    other = Edge(tmp_path, edge=moved)
    assert (other.tags(), other.remote.state.version) == (["cnc-1/x"], None)
