"""Settings of the Sparkplug output."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from plant.errors import ConfigurationError
from plant.settings import StrictModel


def _sparkplug_id(value: str) -> str:
    from plant.sparkplug import checked_id

    try:
        return checked_id(value)
    except ConfigurationError as exc:
        raise ValueError(str(exc)) from exc


SparkplugId = Annotated[str, AfterValidator(_sparkplug_id)]


class SparkplugOutputSettings(StrictModel):
    """How the edge appears as a Sparkplug edge node; used with `output: sparkplug`."""

    group_id: SparkplugId | None = None
    """Group of the node; left out, `<enterprise>.<site>`."""
    edge_node_id: SparkplugId | None = None
    """Id of the node within its group; left out, the edge's code."""
    primary_host: SparkplugId | None = None
    """Id of the host without which nothing is sent; left out, it is sent whoever listens."""
    settle_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    """How long the host has to stay online after a measurement was sent before it is deleted
    here; more than 1.5 times the host's keep-alive covers a host that vanishes without a word."""
    bd_seq_file: Path | None = None
    """File that counts the connections; left out, it lies beside the outbox."""
