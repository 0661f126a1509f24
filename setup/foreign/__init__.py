"""Programs of other stacks that tests talk to; a module per kind lists its `PEERS`.

A driver and a simulator from one library agree with each other's mistakes.
"""

from setup.foreign import (
    accessibility,
    broker,
    description,
    grafana,
    identity,
    modbus,
    opcua,
    s7,
    sparkplug,
)
from setup.foreign.peer import AbsentError, Peer

_KINDS = (accessibility, broker, description, grafana, identity, modbus, opcua, s7, sparkplug)
PEERS: dict[str, Peer] = {peer.name: peer for kind in _KINDS for peer in kind.PEERS}

__all__ = ["PEERS", "AbsentError", "Peer"]
