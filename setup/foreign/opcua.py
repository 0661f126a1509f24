"""Foreign OPC UA servers: node-opcua with history, Eclipse Milo without."""

from functools import partial
from pathlib import Path

from setup.foreign.peer import Peer
from setup.foreign.stacks import java_archives, node_packages, text_of

_NODE = Path(__file__).parent / "node_opcua"
_MILO = Path(__file__).parent / "milo"

PEERS = (
    Peer(
        "node-opcua",
        text_of(_NODE / "package-lock.json"),
        partial(node_packages, manifests=_NODE),
    ),
    Peer(
        "milo",
        text_of(_MILO / "pom.xml", _MILO / "jars.sha256"),
        partial(java_archives, manifests=_MILO),
    ),
)
