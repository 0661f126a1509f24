"""Settings of an OPC UA source."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from edge_agent.drivers.tag import SampledTagSettings, SourceSettings
from plant.settings import Secret

_NODE_ID = re.compile(r"(ns=\d+;)?(i=\d+|[sgb]=.+)", re.DOTALL)


class OpcUaTagSettings(SampledTagSettings):
    """A tag that is the value of one OPC UA node."""

    address: str
    """Node id, such as `ns=2;s=cnc-1.state` or `ns=3;i=1001`."""

    @field_validator("address")
    @classmethod
    def _address_is_a_node_id(cls, value: str) -> str:
        if not _NODE_ID.fullmatch(value):
            raise ValueError(f"{value!r} is no node id such as ns=2;s=name or ns=3;i=1001")
        return value


class OpcUaSettings(SourceSettings, Secret):
    """An OPC UA server whose variables are subscribed."""

    driver: Literal["opcua"]
    """Chooses this driver."""
    endpoint: Annotated[str, Field(pattern=r"^opc\.tcp://[^\s/]+(:\d+)?(/.*)?$")]
    """Address of the server, such as `opc.tcp://192.168.1.10:4840/`."""
    username: str | None = None
    """User at the server; left out, the agent connects anonymously."""
    publishing_interval_ms: Annotated[int, Field(ge=10, le=60_000)] = 250
    """How often the server sends what has changed (wall time)."""
    queue_size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Values per tag that the server keeps between two sendings; it may grant less."""
    timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """How long a request may take before the connection counts as lost."""
    backfill: bool = True
    """Read from the server's history what was missed while disconnected."""
    backfill_max_h: Annotated[float, Field(gt=0)] = 72.0
    """How far back a gap is filled at most."""
    first_backfill_h: Annotated[float, Field(ge=0)] = 0.0
    """How much history to read for a tag of which nothing was ever taken; 0 for none."""
    backfill_overlap_s: Annotated[float, Field(ge=0)] = 60.0
    """How far before the last taken value a backfill begins, to catch values that came late."""
    retry_missing_s: Annotated[float, Field(gt=0)] = 30.0
    """How often tags that the server does not know are tried again (wall time)."""
    tags: Annotated[list[OpcUaTagSettings], Field(min_length=1)]
    """The tags of this source."""
