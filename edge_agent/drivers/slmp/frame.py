"""Frames of SLMP (MC protocol), form 3E in binary: reading neighbouring devices."""

import struct
from typing import Final, NamedTuple

from edge_agent.drivers.slmp.address import Group

HEAD: Final = 9
"""Bytes of an answer up to and with its length."""
LONGEST: Final = 8192
_REQUEST: Final = b"\x50\x00"
_ANSWER: Final = b"\xd0\x00"
_READ: Final = 0x0401
_WORDS: Final = 0
_BITS: Final = 1
_OK: Final = 0

_REASONS: Final = {
    0x4030: "the controller has no such device",
    0x4031: "the controller has no device of this number",
    0x4080: "the request does not fit the controller",
    0xC050: "the controller expects ASCII: set its port to binary code",
    0xC051: "the controller refuses so many points at once",
    0xC052: "the controller refuses so many points at once",
    0xC053: "the controller refuses so many points at once",
    0xC054: "the controller refuses so many points at once",
    0xC056: "the controller has no device of this number",
    0xC059: "the controller does not know this request",
    0xC05B: "the controller cannot read this device",
    0xC05C: "the controller does not take this form of request",
    0xC05F: "the controller cannot do this to that station",
    0xC060: "the controller does not take this for bits",
    0xC061: "the controller found the request too long or too short",
    0xC200: "the controller is locked by a remote password",
    0xC201: "the controller is locked by a remote password",
}


class Route(NamedTuple):
    """Which controller is meant, by the network of controllers."""

    network: int = 0
    station: int = 0xFF
    """PC number; 255 for the controller that is connected."""
    module: int = 0x03FF
    """Number of the module's input and output; 0x03FF for the CPU."""
    multidrop: int = 0


def request(route: Route, group: Group, timer_s: float) -> bytes:
    """Return the request that reads a group."""
    # How long the controller may wait for another station, in quarters of a second.
    timer = min(0xFFFF, max(1, round(timer_s * 4)))
    subcommand = _BITS if group.device.is_bit else _WORDS
    number = group.start.to_bytes(3, "little")
    body = struct.pack("<HHH", timer, _READ, subcommand) + number
    body += struct.pack("<BH", group.device.code, group.count)
    return _REQUEST + struct.pack("<BBHBH", *route, len(body)) + body


def length_after(head: bytes) -> int:
    """Return how many bytes follow an answer's head; raise ValueError when it is none."""
    length: int = struct.unpack_from("<H", head, 7)[0]
    if head[:2] != _ANSWER or not 2 <= length <= LONGEST:
        raise ValueError(f"{head.hex()} begins no answer in binary 3E frames")
    return length


def refusal(body: bytes) -> str | None:
    """Return why the controller gives nothing; None when it gives data."""
    code = int.from_bytes(body[:2], "little")
    if code == _OK:
        return None
    words = _REASONS.get(code, "the controller refuses it")
    return f"{words} (end code {code:04X}H)"


def values(group: Group, data: bytes) -> list[int]:
    """Return the words, or bits, of an answer's data; raise ValueError when they are not all."""
    wanted = (group.count + 1) // 2 if group.device.is_bit else 2 * group.count
    if len(data) != wanted:
        raise ValueError(f"{len(data)} bytes came instead of {wanted}")
    if group.device.is_bit:
        # Two bits a byte, the first in the upper half.
        return [data[n // 2] >> (0 if n % 2 else 4) & 1 for n in range(group.count)]
    return list(struct.unpack(f"<{group.count}H", data))
