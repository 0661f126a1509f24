"""Messages as no edge should send them."""

import random
from collections.abc import Iterator

from ingest.decoding.message import Message
from tests.plants.deliveries import NOW, STATE, birth, data, status

_ODD_PIECES = (b"9" * 30, b"-", b"null", b'"\\u0000"', b"\\u0000", b"1e308", b"[[", b"\xff")


def damaged_messages(number: int, seed: int) -> Iterator[Message]:
    """Yield messages of every kind, nearly all of them damaged, some mere noise."""
    choice = random.Random(seed)
    originals = [
        birth(),
        data(1, [20.5, 999, "x", None, True, 10**400], quality=[0, 1, 2, 2, 0, 7]),
        data(5, ["EXECUTE", "a\0b", 3, None], tag=STATE.name),
        status(issued_id=9, pending=1, dropped_ranges=[(2, 3)], unreachable=["a\0"]),
        status(online=False, sent_us=None),
    ]
    for _ in range(number):
        original = choice.choice(originals)
        payload = (
            damaged(original.payload, choice)
            if choice.random() < 0.95
            else choice.randbytes(choice.randrange(60))
        )
        yield Message(original.topic, payload, NOW, retained=choice.random() < 0.1)


def damaged(payload: bytes, choice: random.Random) -> bytes:
    """Return a payload with some bytes taken out, repeated or put in."""
    for _ in range(choice.randrange(1, 5)):
        at = choice.randrange(len(payload) + 1)
        pieces = (choice.randbytes(1), payload[at : at + 20], b"", *_ODD_PIECES)
        payload = payload[:at] + choice.choice(pieces) + payload[at + choice.randrange(8) :]
    return payload
