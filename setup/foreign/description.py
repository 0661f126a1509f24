"""A foreign reader of the API's description: Schemathesis, which makes requests from it."""

from functools import partial
from pathlib import Path

from setup.foreign.peer import Peer
from setup.foreign.stacks import python_environment, text_of

_PYTHON = Path(__file__).parent / "schemathesis_python.txt"

PEERS = (
    # Its urllib3 and the one that grafana-client brings take each other's place in one environment.
    Peer("schemathesis", text_of(_PYTHON), partial(python_environment, requirements=_PYTHON)),
)
