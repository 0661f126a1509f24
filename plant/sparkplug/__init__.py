"""Sparkplug B 3.0: topics, payloads and what they mean; no sockets, no state.

The host application is in `ingest.sparkplug`, the edge node in `edge_agent.sparkplug`.
"""

from plant.sparkplug.columns import Columns, PlainPayload, plain_payloads
from plant.sparkplug.compression import COMPRESSED, opened
from plant.sparkplug.datatype import DataType
from plant.sparkplug.meaning import meaning, quality, quality_property, unsigned, value_type
from plant.sparkplug.message import (
    DataSet,
    Metric,
    Payload,
    PropertySet,
    PropertyValue,
    Template,
)
from plant.sparkplug.state import State, decode_state, encode_state
from plant.sparkplug.topic import (
    NAMESPACE,
    Address,
    MessageType,
    NodeId,
    checked_id,
    parse_topic,
    state_topic,
)
from plant.sparkplug.wire import decode, encode

BD_SEQ = "bdSeq"
"""The metric that ties a death to its birth."""
REBIRTH = "Node Control/Rebirth"
"""The metric by which a node is asked for its births."""
SEQUENCE = 256
"""Sequence numbers count up to 255 and begin again with 0."""

__all__ = [
    "BD_SEQ",
    "COMPRESSED",
    "NAMESPACE",
    "REBIRTH",
    "SEQUENCE",
    "Address",
    "Columns",
    "DataSet",
    "DataType",
    "MessageType",
    "Metric",
    "NodeId",
    "Payload",
    "PlainPayload",
    "PropertySet",
    "PropertyValue",
    "State",
    "Template",
    "checked_id",
    "decode",
    "decode_state",
    "encode",
    "encode_state",
    "meaning",
    "opened",
    "parse_topic",
    "plain_payloads",
    "quality",
    "quality_property",
    "state_topic",
    "unsigned",
    "value_type",
]
