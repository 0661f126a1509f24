"""Foreign Sparkplug implementations: two in Python, one for Node, one in Java."""

from functools import partial
from pathlib import Path

from setup.foreign.peer import Peer
from setup.foreign.stacks import java_archives, node_packages, python_environment, text_of

_HERE = Path(__file__).parent
_PYTHON = _HERE / "sparkplug_python.txt"
_NODE = _HERE / "sparkplug_client"
_JAVA = _HERE / "tahu"

PEERS = (
    # pysparkplug and mqtt-spb-wrapper: they pin old libraries.
    Peer(
        "sparkplug-python",
        text_of(_PYTHON),
        partial(python_environment, requirements=_PYTHON),
    ),
    Peer(
        "sparkplug-client",
        text_of(_NODE / "package-lock.json"),
        partial(node_packages, manifests=_NODE),
    ),
    Peer(
        "tahu",
        text_of(_JAVA / "pom.xml", _JAVA / "jars.sha256"),
        partial(java_archives, manifests=_JAVA),
    ),
)
