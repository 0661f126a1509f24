import socket
from pathlib import Path
from typing import Any

import pytest

from edge_agent.broker import PahoLink, VersionChoice
from plant.errors import ConfigurationError
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
