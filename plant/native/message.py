"""The native wire contract, version 1: topics and messages between edge agents and the platform.

Topics are `nm/v1/<enterprise>/<site>/<edge>/<leaf>`. All messages are JSON. Unknown fields are
ignored, an unknown `schema` is refused. Times on the wire are whole microseconds since
1970-01-01T00:00Z. The JSON Schemas in `docs/reference/wire/` are generated from these classes.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, TypeVar

import msgspec

from plant.errors import ConfigurationError, DataError
from plant.measurement import Tag, TagRole, ValueType
from plant.place import checked_code

SCHEMA = 1
TOPIC_ROOT = "nm/v1"
MAX_REFUSALS = 20
"""Most kinds of refusals in one `Ack`."""
MAX_DROPPED_RANGES = 1_000
"""Most ranges that one `Status` names."""
MAX_CONFIG_CHARACTERS = 500_000
"""Longest text of a `Config`: some thousand tags."""

Id = Annotated[int, msgspec.Meta(ge=1, le=2**62)]
Microseconds = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]


class Leaf:
    """The last element of a topic: which kind of message it carries."""

    DATA = "data"
    """Edge to platform: a `DataBatch`. QoS 1, not retained."""
    BIRTH = "birth"
    """Edge to platform: a `Birth`, the tags that this edge will report. QoS 1, retained."""
    VALUES = "values"
    """Device to platform: plain JSON without outbox ids: `plant.native.device_values`. QoS 1."""
    STATUS = "status"
    """Edge to platform: a `Status`; also the edge's Last Will. QoS 1, retained."""
    ACK = "ack"
    """Platform to edge: an `Ack` of what is committed. QoS 1, retained."""
    CONFIG = "config"
    """Platform to edge: a `Config`, what this edge is to read from now on. QoS 1, retained."""
    COMMAND = "command"
    """Platform to edge: kept for commands; nothing is sent there yet."""
    DOCTOR = "doctor"
    """The edge's doctor to itself, to see that the broker takes and gives; nobody else reads it."""


class DropReason:
    """Why the edge will not send ids that it gave out, where its outbox was not just full."""

    PLATFORM_SET_BACK = "platform_set_back"
    """The platform had confirmed them, the edge deleted them, and the platform lost them."""
    OUTBOX_DAMAGED = "outbox_damaged"
    """The outbox file was damaged on the edge's disk."""
    TOO_LARGE = "too_large"
    """The broker takes no message that could hold the measurement."""


@dataclass(frozen=True, slots=True)
class EdgeAddress:
    """Who an edge is: its enterprise, site and own code."""

    enterprise: str
    site: str
    edge: str

    def topic(self, leaf: str) -> str:
        """Return the topic of this edge for a leaf of `Leaf`."""
        return f"{TOPIC_ROOT}/{self.enterprise}/{self.site}/{self.edge}/{leaf}"

    @property
    def site_path(self) -> str:
        """The path of the edge's site, `enterprise/site`."""
        return f"{self.enterprise}/{self.site}"

    @property
    def identity(self) -> str:
        """The edge's path and the name in its certificate, `enterprise/site/edge`."""
        return f"{self.enterprise}/{self.site}/{self.edge}"

    @property
    def client_id(self) -> str:
        """The edge's stable MQTT client id."""
        return f"nm-{self.enterprise}-{self.site}-{self.edge}"


@lru_cache(maxsize=4096)
def parse_topic(topic: str) -> tuple[EdgeAddress, str]:
    """Return the edge and the leaf that a topic names; raise DataError `bad_topic` otherwise."""
    parts = topic.split("/")
    if len(parts) != 6 or "/".join(parts[:2]) != TOPIC_ROOT:
        raise DataError("bad_topic", f"{topic!r} is not {TOPIC_ROOT}/enterprise/site/edge/leaf")
    try:
        codes = [checked_code(part) for part in parts[2:5]]
    except ConfigurationError as exc:
        raise DataError("bad_topic", str(exc)) from exc
    return EdgeAddress(*codes), parts[5]


class DataBatch(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Consecutive rows of one edge's outbox, in columns; row k has id `first_id + k`.

    `tag` holds indexes into `tags`. `quality` may be left out when every row is good.
    """

    schema: int
    epoch: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    """Names one life of the outbox; a new one begins when the outbox is new or restored."""
    first_id: Id
    last_id: Id
    sent_us: Microseconds
    """When the edge published this batch, by the edge's clock."""
    tags: list[str]
    tag: list[int]
    time_us: list[int]
    """Source times."""
    value: list[float | int | str | bool | None]
    quality: list[int] | None = None


class TagDeclaration(msgspec.Struct, frozen=True, omit_defaults=True):
    """The definition of one tag as the edge's settings give it; see `plant.measurement.Tag`."""

    name: str
    work_unit: str
    value_type: ValueType = ValueType.NUMBER
    role: TagRole = TagRole.NONE
    unit: str = ""
    description: str = ""
    low: float | None = None
    high: float | None = None
    counter_modulus: float | None = None
    max_rate_per_s: float | None = None
    max_silence_s: float = 60.0

    def tag(self) -> Tag:
        """Return the tag that it defines."""
        return Tag(**msgspec.structs.asdict(self))


class Birth(msgspec.Struct, frozen=True):
    """What an edge announces after every connect, before any data."""

    schema: int
    epoch: str
    agent_version: str
    sent_us: Microseconds
    tags: list[TagDeclaration]


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """An edge's heartbeat. As Last Will only `schema`, `online` and `epoch` are filled."""

    schema: int
    online: bool
    epoch: str
    sent_us: Microseconds | None = None
    issued_id: int | None = None
    """Highest outbox id given out so far; 0 before the first."""
    pending: int | None = None
    """Measurements in the outbox that the platform has not confirmed."""
    oldest_pending_us: Microseconds | None = None
    """Source time of the oldest of them."""
    sampled_us: Microseconds | None = None
    """Whatever was measured before this moment is in the outbox already, late values apart."""
    dropped: int | None = None
    """Measurements of this epoch that the edge will not send: given up, lost or damaged."""
    dropped_ranges: list[tuple[int, int]] | None = None
    """Ids of them that the platform has not passed yet, as inclusive ranges, the first ones first
    and not necessarily all."""
    dropped_because: dict[str, list[tuple[int, int]]] | None = None
    """Those of `dropped_ranges` with a reason of `DropReason`; the others were given up because
    the outbox was full."""
    buffer_hours_left: float | None = None
    """Hours until the outbox must give up rows, at the rate at which they are taken, if nothing is
    confirmed from now on; None while the rate is not known yet."""
    unreachable: list[str] | None = None
    """Tags or sources that cannot be read at present, each with its reason."""
    refused: list[str] | None = None
    """What the platform refused lately, as its acks told it, and readings that no message can hold:
    each with its reason."""
    config_version: int | None = None
    """Version of the `Config` in force; None when the edge reads what its own file says."""
    config_error: str | None = None
    """Why the newest `Config` is not in force; None when it is, or when there was none."""
    config_on_trial: bool | None = None
    """Whether the `Config` in force has yet to prove itself."""
    config_refused: int | None = None
    """Version of the newest `Config` that was not taken at all."""
    config_rolled_back: int | None = None
    """Version of the newest `Config` that was tried and taken back."""


class Limits(msgspec.Struct, frozen=True):
    """What one data message may hold; the edge keeps to the lower of this and its settings."""

    max_bytes: int
    """Of the payload."""
    max_rows: int


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Measurements or a message that the platform did not accept, for one reason."""

    reason: str
    """One of those on the page of the protocol."""
    count: int
    """Measurements; of a message without any, messages."""
    tag: str | None = None
    """The tag that is concerned, if it is one."""
    detail: str = ""
    """One example in words."""


class Ack(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the platform has committed of one edge and epoch.

    An ack below an earlier one of the same epoch says that the platform was set back.
    """

    schema: int
    epoch: str
    committed_to: int
    """Every id up to this one is committed (or was declared dropped); 0 for none."""
    sent_us: Microseconds
    limits: Limits | None = None
    """What the platform takes at most in one message."""
    birth_wanted: bool = False
    """Whether the platform lacks the edge's birth: it is to be said again."""
    rejected: int | None = None
    """Measurements of this epoch that are refused until now, those replayed since excepted."""
    refused: list[Refusal] | None = None
    """What was refused since the last ack, twenty at most; it is kept raw at the platform."""


class Config(msgspec.Struct, frozen=True):
    """What an edge is to read: the `sources` block of its settings, in place of its file's."""

    schema: int
    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    """Counts up; an edge takes only a version above the one it has."""
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    """Digest of `sources` in UTF-8, as 64 hexadecimal digits."""
    sources: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CONFIG_CHARACTERS)]
    """YAML text with one key, `sources`."""
    sent_us: Microseconds


M = TypeVar("M", DataBatch, Birth, Status, Ack, Config)

_encoder = msgspec.json.Encoder()


def encode(message: DataBatch | Birth | Status | Ack | Config) -> bytes:
    """Return the message as JSON bytes."""
    return _encoder.encode(message)


_data_decoder = msgspec.json.Decoder(DataBatch)
_birth_decoder = msgspec.json.Decoder(Birth)
_status_decoder = msgspec.json.Decoder(Status)
_ack_decoder = msgspec.json.Decoder(Ack)
_config_decoder = msgspec.json.Decoder(Config)


def decode_data(payload: bytes) -> DataBatch:
    """Decode a data message and check that its columns agree; raise DataError otherwise.

    Reasons: `malformed` (not this message), `unknown_schema`, `inconsistent` (column lengths,
    ids or tag indexes disagree).
    """
    batch = _decoded(_data_decoder, payload)
    rows = batch.last_id - batch.first_id + 1
    quality = batch.value if batch.quality is None else batch.quality
    if not 0 < rows == len(batch.tag) == len(batch.time_us) == len(batch.value) == len(quality):
        raise DataError("inconsistent", _disagreement(batch, rows))
    if min(batch.tag) < 0 or max(batch.tag) >= len(batch.tags):
        raise DataError("inconsistent", "a tag index is outside the list of tags")
    return batch


def _disagreement(batch: DataBatch, rows: int) -> str:
    lengths = {"tag": len(batch.tag), "time_us": len(batch.time_us), "value": len(batch.value)}
    if batch.quality is not None:
        lengths["quality"] = len(batch.quality)
    name, length = next(one for one in lengths.items() if one[1] != rows or rows < 1)
    return f"ids {batch.first_id}..{batch.last_id} are {rows} rows, {name} has {length}"


def decode_birth(payload: bytes) -> Birth:
    """Decode a birth message; raise DataError `malformed` or `unknown_schema`."""
    return _decoded(_birth_decoder, payload)


def decode_status(payload: bytes) -> Status:
    """Decode a status message; raise DataError `malformed` or `unknown_schema`."""
    return _decoded(_status_decoder, payload)


def decode_ack(payload: bytes) -> Ack:
    """Decode an ack; raise DataError `malformed` or `unknown_schema`."""
    return _decoded(_ack_decoder, payload)


def config_message(version: int, sources: str, sent_us: int) -> Config:
    """Return the message that gives an edge these sources, with their digest."""
    return Config(SCHEMA, version, _digest(sources), sources, sent_us)


def decode_config(payload: bytes) -> Config:
    """Decode a configuration; raise DataError `malformed`, `unknown_schema` or `inconsistent`.

    The text itself is checked by the edge, which knows its drivers.
    """
    config = _decoded(_config_decoder, payload)
    if _digest(config.sources) != config.sha256:
        raise DataError("inconsistent", f"version {config.version} does not have its digest")
    return config


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _decoded(decoder: msgspec.json.Decoder[M], payload: bytes) -> M:
    try:
        # The decoder passes over the texts of fields that it does not know, whatever their bytes:
        # a damaged name of `quality` would make every value good.
        if not payload.isascii():
            payload.decode()
        message = decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise DataError("malformed", str(exc)) from exc
    if message.schema != SCHEMA:
        raise DataError("unknown_schema", f"schema {message.schema}; this platform reads {SCHEMA}")
    return message
