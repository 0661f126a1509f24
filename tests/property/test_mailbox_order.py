"""Order and shares through the real mailbox, however messages come and are taken."""

from collections import Counter, defaultdict, deque

from hypothesis import given
from hypothesis import strategies as st

from ingest.broker.mailbox import Mailbox
from ingest.decoding.message import Message
from plant.native.message import Leaf
from tests.plants.deliveries import NOW

SITES = ("a", "b", "c")
arrivals = st.tuples(
    st.sampled_from(SITES),
    st.sampled_from([Leaf.DATA, Leaf.BIRTH, Leaf.STATUS, Leaf.VALUES]),
    st.integers(0, 5_000),
)
takings = st.integers(1, 8)


def letter(site: str, leaf: str, size: int, number: int) -> Message:
    payload = number.to_bytes(4, "big") + bytes(size)
    return Message(f"nm/v1/co-khi/{site}/edge-1/{leaf}", payload, NOW)


def site_of(message: Message) -> str:
    return message.topic.split("/")[3]


@given(st.lists(arrivals | takings, max_size=200))
def test_each_sender_keeps_its_order_and_nothing_is_lost(
    steps: list[tuple[str, str, int] | int],
) -> None:
    mailbox = Mailbox(1_000, 10_000_000)
    sent: dict[str, deque[Message]] = defaultdict(deque)
    for number, step in enumerate(steps):
        if isinstance(step, int):
            for message in mailbox.take(step, 0):
                assert message == sent[site_of(message)].popleft()
        else:
            message = letter(*step, number)
            assert mailbox.put(message, 0)
            sent[step[0]].append(message)
    for message in mailbox.take(1_000, 0):
        assert message == sent[site_of(message)].popleft()

    assert not any(sent.values())
    assert len(mailbox) == 0


@given(st.lists(arrivals, min_size=30, max_size=200), st.integers(1, 100))
def test_no_sender_gets_more_than_its_share_while_another_waits(
    letters: list[tuple[str, str, int]], taken: int
) -> None:
    mailbox = Mailbox(1_000, 10_000_000)
    waiting: Counter[str] = Counter()
    for number, (site, leaf, size) in enumerate(letters):
        mailbox.put(letter(site, leaf, size, number), 0)
        waiting[site] += 1
    cost: Counter[str] = Counter()
    largest = 0
    for message in mailbox.take(taken, 0):
        site = site_of(message)
        waiting[site] -= 1
        cost[site] += 500 + len(message.payload)
        largest = max(largest, 500 + len(message.payload))
    present = [site for site in SITES if waiting[site]]

    for one in present:
        for other in present:
            assert abs(cost[one] - cost[other]) <= largest
