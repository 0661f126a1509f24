"""Settings of the detection of anomalies."""

from typing import Annotated

from pydantic import Field, IPvAnyNetwork

from plant.settings import BrokerSettings, Port, Secret, StrictModel


class MailSettings(Secret):
    """The server that e-mails are given to; without it none are sent."""

    host: str
    port: Port = 587
    username: str | None = None
    sender: str
    encryption: bool = True
    """By STARTTLS; the server's certificate is checked."""


class AnomalySettings(StrictModel):
    """How machines are watched."""

    enabled: bool = True
    """Let this process learn and run models; several processes share them."""
    interval_s: Annotated[float, Field(gt=0, le=3600)] = 5.0
    """Seconds of wall time between two passes."""
    lateness_s: Annotated[float, Field(ge=0)] = 30.0
    """Wall seconds that readings of edges are waited for which do not say how far they are."""
    silence_s: Annotated[float, Field(gt=0)] = 180.0
    """Wall seconds without any reading of a machine after which its data have stopped."""
    clock_s: Annotated[float, Field(gt=0)] = 5.0
    """Wall seconds that the clock of an edge, or of what it reads, may be wrong."""
    mail: MailSettings | None = None
    """Where e-mails of events go out."""
    mqtt: BrokerSettings | None = None
    """The broker that messages of channels by MQTT are published to; without it none are."""
    networks: tuple[IPvAnyNetwork, ...] = ()
    """Networks of one's own that webhooks may be sent to, beside the public ones."""
