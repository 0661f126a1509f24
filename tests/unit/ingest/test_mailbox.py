from dataclasses import replace

from ingest.mailbox import Mailbox
from ingest.message import Message
from tests.deliveries import NOW

LETTER = Message("t", b"12345", NOW)


def test_put_is_refused_when_the_count_is_reached() -> None:
    mailbox = Mailbox(max_messages=2, max_bytes=1_000)

    assert mailbox.put(LETTER, 0)
    assert mailbox.put(LETTER, 0)
    assert not mailbox.put(LETTER, 0)
    assert len(mailbox) == 2


def test_put_is_refused_when_the_bytes_are_reached_and_taken_again_when_room_is_made() -> None:
    mailbox = Mailbox(max_messages=10, max_bytes=12)
    assert mailbox.put(LETTER, 0)
    assert mailbox.put(LETTER, 0)
    assert not mailbox.put(LETTER, 0)

    assert mailbox.take(1, 0) == [LETTER]

    assert mailbox.put(LETTER, 0)


def test_one_message_fits_when_it_is_larger_than_all_the_room() -> None:
    mailbox = Mailbox(max_messages=10, max_bytes=3)

    assert mailbox.put(LETTER, 0)
    assert not mailbox.put(LETTER, 0)


def test_messages_come_out_in_their_order_when_taken_in_parts() -> None:
    mailbox = Mailbox(max_messages=10, max_bytes=1_000)
    letters = [replace(LETTER, topic=str(k)) for k in range(5)]
    for letter in letters:
        mailbox.put(letter, 0)

    assert mailbox.take(3, 0) + mailbox.take(3, 0) == letters
    assert mailbox.take(3, 0) == []


def test_half_empty_is_told_when_neither_bound_is_half_reached() -> None:
    mailbox = Mailbox(max_messages=4, max_bytes=20)
    for _ in range(4):
        mailbox.put(LETTER, 0)

    assert not mailbox.wait_half_empty(0)
    mailbox.take(1, 0)
    assert not mailbox.wait_half_empty(0)
    mailbox.take(1, 0)
    assert mailbox.wait_half_empty(0)
