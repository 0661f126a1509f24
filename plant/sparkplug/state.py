"""The STATE message of a host application, as JSON: is it there, and since when."""

import msgspec

from plant.errors import DataError


class State(msgspec.Struct, frozen=True):
    """Whether a host application is there.

    Birth and Last Will of one connection carry the same timestamp, so that a will that comes late
    cannot end a newer connection: who reads it passes over what is older than what it knows.
    """

    online: bool
    timestamp: int
    """Milliseconds since 1970, UTC: when the host connected, or left in good order."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(State)


def encode_state(state: State) -> bytes:
    """Return the message as UTF-8 JSON."""
    return _encoder.encode(state)


def decode_state(payload: bytes) -> State:
    """Return the message; raise DataError `malformed` otherwise (such as Sparkplug 2's ONLINE)."""
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise DataError("malformed", f"no STATE message of Sparkplug 3: {exc}") from exc
