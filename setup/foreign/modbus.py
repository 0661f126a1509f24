"""A foreign Modbus server: that of simonvetter/modbus, in Go."""

from functools import partial
from pathlib import Path

from setup.foreign.peer import Peer
from setup.foreign.stacks import go_modules, text_of

_GO = Path(__file__).parent / "modbus_go"

PEERS = (
    Peer(
        "modbus-go",
        text_of(_GO / "go.mod", _GO / "go.sum"),
        partial(go_modules, manifests=_GO),
    ),
)
