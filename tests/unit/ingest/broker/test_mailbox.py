from ingest.broker.mailbox import Letter, Mailbox
from ingest.decoding.message import Message
from ingest.decoding.sender import sender_of
from tests.plants.deliveries import NOW

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
    letters = [LETTER._replace(topic=str(k)) for k in range(5)]
    for letter in letters:
        mailbox.put(letter, 0)

    assert mailbox.take(3, 0) + mailbox.take(3, 0) == letters
    assert mailbox.take(3, 0) == []


def letter_of(site: str, number: int = 0) -> Message:
    return Message(f"nm/v1/co-khi/{site}/edge-1/data", str(number).encode(), NOW)


def test_sites_are_served_in_turn_when_one_floods() -> None:
    mailbox = Mailbox(max_messages=100, max_bytes=1_000)
    for number in range(50):
        mailbox.put(letter_of("a", number), 0)
    mailbox.put(letter_of("b"), 0)

    taken = mailbox.take(5, 0)

    assert taken[1] == letter_of("b")
    assert [one.payload for one in taken if one.topic == taken[0].topic] == [b"0", b"1", b"2", b"3"]


def test_who_sends_large_messages_waits_the_longer_for_the_next_turn() -> None:
    mailbox = Mailbox(1_000, 10_000_000)
    for _ in range(3):
        mailbox.put(letter_of("greedy")._replace(payload=bytes(10_000)), 0)
    for number in range(40):
        mailbox.put(letter_of("modest", number), 0)

    sites = [message.topic.split("/")[3] for message in mailbox.take(20, 0)]

    assert sites.count("greedy") == 1


def offered(mailbox: Mailbox, *messages: Message, repeated: bool = True) -> tuple[int, int]:
    """Offer messages; return how many are settled, and how many of these were left."""
    letters = [Letter(sender_of(one.topic), one, repeated) for one in messages]
    settled, shed = mailbox.offer(letters)
    return settled, len(shed)


def test_what_comes_again_is_left_when_its_site_has_its_share_and_there_are_others() -> None:
    mailbox = Mailbox(100, 1_000, site_max_messages=2, site_max_bytes=1_000)
    assert offered(mailbox, *(letter_of("a", number) for number in range(3))) == (3, 0)
    assert offered(mailbox, letter_of("b")) == (1, 0)

    assert offered(mailbox, letter_of("a", 4), letter_of("b"), letter_of("b")) == (3, 2)
    assert offered(mailbox, letter_of("a", 4), repeated=False) == (1, 0)
    mailbox.take(100, 0)
    assert offered(mailbox, letter_of("a", 4)) == (1, 0)


def test_what_comes_again_is_left_when_the_bytes_of_its_site_are_reached() -> None:
    mailbox = Mailbox(100, 1_000, site_max_messages=50, site_max_bytes=2)
    offered(mailbox, letter_of("b"), letter_of("a"), letter_of("a"))

    assert offered(mailbox, letter_of("a")) == (1, 1)


def test_an_offer_ends_where_there_is_no_more_room() -> None:
    mailbox = Mailbox(max_messages=2, max_bytes=1_000)

    assert offered(mailbox, letter_of("a", 1), letter_of("a", 2), letter_of("b", 3)) == (2, 0)

    assert [one.payload for one in mailbox.take(9, 0)] == [b"1", b"2"]


def sites(taken: list[Message]) -> list[str]:
    return [message.topic.split("/")[3] for message in taken]


def test_what_is_given_back_keeps_its_order_and_lets_those_pass_who_came_meanwhile() -> None:
    mailbox = Mailbox(1_000, 1_000_000)
    for number in range(100):
        mailbox.put(letter_of("a", number), 0)
    taken = mailbox.take(50, 0)
    mailbox.put(letter_of("b"), 0)

    mailbox.give_back(taken[10:])

    again = mailbox.take(100, 0)
    assert "b" in sites(again[:2])
    assert [int(one.payload) for one in again if sites([one]) == ["a"]] == list(range(10, 100))
    assert mailbox.take(1, 0) == []


def test_all_that_was_given_back_comes_again_when_nothing_else_waits() -> None:
    mailbox = Mailbox(1_000, 1_000_000)
    mailbox.put(letter_of("a"), 0)
    mailbox.give_back(mailbox.take(1, 0))

    assert mailbox.take(2, 0) == [letter_of("a")]
    assert len(mailbox) == 0


def test_whose_messages_cost_more_than_their_bytes_waits_the_longer() -> None:
    mailbox = Mailbox(1_000, 1_000_000)
    for number in range(300):
        mailbox.put(letter_of("dear", number), 0)
        mailbox.put(letter_of("cheap", number), 0)
    mailbox.take(2, 0)

    mailbox.charge(letter_of("dear").topic, 20_000)

    assert sites(mailbox.take(100, 0)).count("dear") <= 3


def test_who_sends_cheap_messages_again_has_its_share_again() -> None:
    mailbox = Mailbox(1_000, 1_000_000)
    mailbox.put(letter_of("a"), 0)
    mailbox.charge(letter_of("a").topic, 20_000)
    for _ in range(400):
        mailbox.put(letter_of("a"), 0)
        mailbox.take(1, 0)
    for number in range(40):
        mailbox.put(letter_of("a", number), 0)
        mailbox.put(letter_of("b", number), 0)

    assert abs(sites(mailbox.take(40, 0)).count("a") - 20) <= 1


def test_nothing_of_a_held_sender_comes_until_it_is_let_go() -> None:
    mailbox = Mailbox(1_000, 1_000_000)
    offered(mailbox, letter_of("a", 1), letter_of("b"), letter_of("a", 2))
    held = sender_of(letter_of("a").topic)

    mailbox.hold(frozenset([held]))
    offered(mailbox, letter_of("a", 3))
    assert sites(mailbox.take(9, 0)) == ["b"]
    assert mailbox.take(9, 0) == []
    mailbox.hold(frozenset())

    assert [one.payload for one in mailbox.take(9, 0)] == [b"1", b"2", b"3"]


def test_what_of_a_held_sender_is_beyond_its_share_comes_all_the_same() -> None:
    mailbox = Mailbox(1_000, 1_000_000, site_max_messages=10)
    held = sender_of(letter_of("a").topic)
    mailbox.hold(frozenset([held]))

    offered(mailbox, *(letter_of("a", number) for number in range(15)), repeated=False)

    assert [int(one.payload) for one in mailbox.take(99, 0)] == [0, 1, 2, 3, 4]
    assert len(mailbox) == 10
