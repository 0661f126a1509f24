"""What the topic of a message from an MES or ERP says; its content is `plant.mes.file`'s JSON."""

from dataclasses import dataclass

from plant.errors import ConfigurationError, DataError
from plant.mes import MesDocument, document_type
from plant.native.message import TOPIC_ROOT
from plant.place import checked_code

BRANCH = "mes"
"""Stands where other topics have the edge; no edge may have this code."""
TOPIC = f"{TOPIC_ROOT}/+/+/{BRANCH}/+"


@dataclass(frozen=True, slots=True)
class MesAddress:
    """What a topic says: for which site the sender speaks, and of what."""

    site_path: str
    document_type: type[MesDocument]


def mes_address(topic: str) -> MesAddress:
    """Return what a topic says; raise DataError `bad_topic` when it is none of ours."""
    parts = topic.split("/")
    if len(parts) != 6 or "/".join(parts[:2]) != TOPIC_ROOT or parts[4] != BRANCH:
        raise DataError("bad_topic", f"{topic!r} is not {TOPIC_ROOT}/enterprise/site/{BRANCH}/kind")
    try:
        site_path = "/".join(checked_code(code) for code in parts[2:4])
        return MesAddress(site_path, document_type(parts[5]))
    except ConfigurationError as exc:
        raise DataError("bad_topic", str(exc)) from exc
