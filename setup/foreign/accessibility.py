"""A foreign reader of the pages: axe-core, which looks for what keeps people out."""

from functools import partial
from pathlib import Path

from setup.foreign.peer import Peer
from setup.foreign.stacks import node_packages, text_of

_NODE = Path(__file__).parent / "axe"

PEERS = (
    # One script, run in the browser of the tests; nothing of it is ever part of a page.
    Peer(
        "axe",
        text_of(_NODE / "package-lock.json"),
        partial(node_packages, manifests=_NODE),
    ),
)
