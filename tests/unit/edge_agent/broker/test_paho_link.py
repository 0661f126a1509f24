import socket
from pathlib import Path
from typing import Any

import pytest

from edge_agent.broker import AddressChoice, PahoLink, VersionChoice
from plant.errors import BrokerUnavailableError, ConfigurationError
from plant.settings import BrokerSettings, TlsSettings


def test_version_5_is_tried_again_when_the_older_one_was_only_a_guess() -> None:
    choice = VersionChoice("auto")
    tried = [choice.version]
    choice.hung_up()
    tried.append(choice.version)
    choice.hung_up()
    tried.append(choice.version)
    choice.hung_up()
    choice.lost()
    tried.append(choice.version)
    assert tried == ["5", "3.1.1", "5", "5"]


def test_the_older_version_stays_when_the_broker_said_that_it_has_no_other() -> None:
    choice = VersionChoice("auto")
    choice.unsupported()
    choice.lost()
    choice.hung_up()
    assert choice.version == "3.1.1"


def test_version_5_stays_when_a_broker_that_spoke_it_hangs_up() -> None:
    choice = VersionChoice("auto")
    choice.accepted()
    choice.lost()
    choice.hung_up()
    assert choice.version == "5"


def test_brokers_are_tried_in_turn_and_the_one_that_accepts_stays() -> None:
    settings = BrokerSettings(host="a, b, c:1884", port=8883)
    choice = AddressChoice(settings.addresses)
    tried = [choice.present]
    for _ in range(3):
        choice.failed(choice.present)
        tried.append(choice.present)
    assert tried == [("a", 8883), ("b", 8883), ("c", 1884), ("a", 8883)]


def test_the_next_broker_is_tried_after_one_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = BrokerSettings(host="127.0.0.1,127.0.0.2", port=port)
    addresses = AddressChoice(settings.addresses)
    link = PahoLink(
        settings,
        VersionChoice("5"),
        "edge-1",
        "nm/v1/#",
        ("nm/v1/status", b""),
        addresses=addresses,
    )
    with pytest.raises(BrokerUnavailableError, match=f"127.0.0.1:{port}"):
        link.open()
    link.close()
    assert addresses.present == ("127.0.0.2", port)


@pytest.mark.parametrize("setting", ["5", "3.1.1"])
def test_the_version_is_as_set_whatever_the_broker_does(setting: str) -> None:
    choice = VersionChoice("5" if setting == "5" else "3.1.1")
    choice.unsupported()
    choice.hung_up()
    choice.lost()
    assert choice.version == setting


def test_the_start_is_refused_when_certificates_are_absent(tmp_path: Path) -> None:
    tls = TlsSettings(ca_file=tmp_path / "absent.pem")
    link = PahoLink(
        BrokerSettings(tls=tls), VersionChoice("auto"), "edge-1", "nm/v1/#", ("nm/v1/status", b"")
    )
    with pytest.raises(ConfigurationError, match=r"absent\.pem cannot be read"):
        link.open()


def test_small_messages_are_sent_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = PahoLink(
            BrokerSettings(port=server.getsockname()[1]),
            VersionChoice("5"),
            "edge-1",
            "nm/v1/#",
            ("nm/v1/status", b""),
        )
        link.open()
        try:
            opened: Any = link._client.socket()
            assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        finally:
            link.close()
