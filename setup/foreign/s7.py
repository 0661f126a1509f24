"""A foreign S7 controller: the server of libsnap7, in C, through python-snap7 2."""

from functools import partial
from pathlib import Path

from setup.foreign.peer import Peer
from setup.foreign.stacks import python_environment, text_of

_PYTHON = Path(__file__).parent / "s7_python.txt"

PEERS = (
    # The driver's python-snap7 3 has a server of its own, which agrees with its client.
    Peer("libsnap7", text_of(_PYTHON), partial(python_environment, requirements=_PYTHON)),
)
