"""A foreign MQTT broker: HiveMQ, in Java; NATS is a server of Debian, see `test_services.py`."""

from functools import partial
from pathlib import Path

from setup.foreign.peer import Peer
from setup.foreign.stacks import java_archives, text_of

_JAVA = Path(__file__).parent / "hivemq"

PEERS = (
    Peer(
        "hivemq",
        text_of(_JAVA / "pom.xml", _JAVA / "jars.sha256"),
        partial(java_archives, manifests=_JAVA),
    ),
)
