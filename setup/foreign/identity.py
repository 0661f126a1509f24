"""A foreign OpenID provider: the certified `oidc-provider`, for Node."""

from functools import partial
from pathlib import Path

from setup.foreign.peer import Peer
from setup.foreign.stacks import node_packages, text_of

_NODE = Path(__file__).parent / "oidc_provider"

PEERS = (
    Peer(
        "oidc-provider",
        text_of(_NODE / "package-lock.json"),
        partial(node_packages, manifests=_NODE),
    ),
)
