import struct
from collections.abc import Callable

import pytest

from edge_agent.drivers.opcua.client.bounded import MessageSizes, MessageTooLargeError


def frame(size: int, place: bytes = b"F", *, whole: bool = True) -> bytes:
    """The beginning of a message that announces `size` bytes, and the rest of it if wanted."""
    head = struct.pack("<3scI", b"MSG", place, size)
    return head + bytes(size - len(head)) if whole else head


def in_steps_of(step: int) -> Callable[[MessageSizes, bytes], None]:
    def feed(sizes: MessageSizes, data: bytes) -> None:
        for place in range(0, len(data), step):
            sizes.feed(data[place : place + step])

    return feed


@pytest.mark.parametrize("step", [1, 3, 8, 9, 1000])
def test_messages_within_the_bounds_pass_however_they_are_cut(step: int) -> None:
    sizes = MessageSizes(chunk=40, message=100)
    feed = in_steps_of(step)
    for _ in range(3):
        feed(sizes, frame(40, b"C") + frame(40, b"C") + frame(20) + frame(8))
    # What was begun anew begins at nothing: an aborted message counts no more.
    feed(sizes, frame(40, b"C") + frame(40, b"C") + frame(12, b"A") + frame(40, b"C"))


@pytest.mark.parametrize("step", [1, 5, 8, 1000])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (frame(41, whole=False), "41 bytes at once; at most 40"),
        (frame(2**32 - 1, whole=False), "4,294,967,295 bytes at once"),
        (frame(8) + frame(41, whole=False), "41 bytes at once"),
        (frame(40, b"C") * 2 + frame(21, whole=False), "more than 100 bytes"),
        (frame(40, b"C") * 2 + frame(40, b"C", whole=False), "more than 100 bytes"),
        (struct.pack("<3scI", b"HTT", b"P", 7), "7 bytes, which is none"),
    ],
)
def test_what_is_too_large_is_refused_when_it_is_announced(
    step: int, data: bytes, words: str
) -> None:
    with pytest.raises(MessageTooLargeError, match=words):
        in_steps_of(step)(MessageSizes(chunk=40, message=100), data)
