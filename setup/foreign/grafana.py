"""What Grafana's front end does to a panel's data, from its own package for Node."""

from functools import partial
from pathlib import Path

from setup.foreign.peer import Peer
from setup.foreign.stacks import node_packages, text_of

_NODE = Path(__file__).parent / "grafana_data"

PEERS = (
    # 190 MB, in use for two seconds: the server and its panels are nowhere to be installed from.
    Peer(
        "grafana-data",
        text_of(_NODE / "package-lock.json"),
        partial(node_packages, manifests=_NODE),
    ),
)
