"""Settings of an OPC UA source."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from edge_agent.drivers.opcua.address import NodeAddress, steps_of
from edge_agent.drivers.tag import SampledTagSettings, SourceSettings
from plant.settings import Secret


class OpcUaTagSettings(SampledTagSettings):
    """A tag that is the value of one OPC UA node, or a part of it."""

    address: str
    """Node id, such as `ns=2;s=cnc-1.state`, `ns=3;i=1001` or, independent of the order in which a
    server starts, `nsu=urn:maker:machine;s=cnc-1.state`."""
    path: str = ""
    """Which part of the value: an element of an array (`[3]`, from zero), a field of a structure
    (`Speed`), or both (`Axis.Position[0]`); left out, the whole."""

    @field_validator("address")
    @classmethod
    def _address_is_a_node_id(cls, value: str) -> str:
        NodeAddress.of(value)
        return value

    @field_validator("path")
    @classmethod
    def _path_has_steps(cls, value: str) -> str:
        steps_of(value)
        return value


class OpcUaSettings(SourceSettings, Secret):
    """An OPC UA server whose variables are subscribed."""

    driver: Literal["opcua"]
    """Chooses this driver."""
    endpoint: Annotated[str, Field(pattern=r"^opc\.tcp://[^\s/]+(:\d+)?(/.*)?$")]
    """Address of the server, such as `opc.tcp://192.168.1.10:4840/`."""
    username: str | None = None
    """User at the server; left out, the agent connects anonymously."""
    user_certificate_file: Path | None = None
    """Certificate (PEM or DER) with which the user logs in, instead of a name and password."""
    user_key_file: Path | None = None
    """Its private key (PEM)."""
    security_policy: Literal[
        "none", "auto", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"
    ] = "none"
    """How messages are secured; `auto` takes the strongest that the server offers."""
    security_mode: Literal["sign_and_encrypt", "sign"] = "sign_and_encrypt"
    """Whether messages are signed and encrypted, or only signed."""
    trust: Literal["listed", "first"] = "listed"
    """Which server certificates are accepted: those that `nhipmay edge trust` has listed, or the
    first one that is ever seen of this endpoint and from then on no other."""
    certificates: Path | None = None
    """Folder with the edge's own certificate and its trust list; left out, `opcua` beside the
    outbox file."""
    publishing_interval_ms: Annotated[int, Field(ge=10, le=60_000)] = 250
    """How often the server sends what has changed (wall time)."""
    queue_size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Values per tag that the server keeps between two sendings; it may grant less."""
    sampling_interval_ms: Annotated[float, Field(ge=0, le=3_600_000)] = 0.0
    """How often the server looks at a value; 0 for as fast as it can."""
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

    @model_validator(mode="after")
    def _one_user(self) -> Self:
        if (self.user_certificate_file is None) != (self.user_key_file is None):
            raise ValueError("user_certificate_file and user_key_file belong together")
        if self.user_certificate_file is not None and self.username is not None:
            raise ValueError("a user logs in by username or by user_certificate_file, not by both")
        return self
