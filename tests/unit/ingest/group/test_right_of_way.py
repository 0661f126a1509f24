import threading
from time import monotonic

from ingest.group.right_of_way import RightOfWay
from tests.waiting import HANG_S


def waits(way: RightOfWay, at_most_s: float) -> bool:
    """Tell whether somebody else still waits after so long; lets them go."""
    passed = threading.Event()

    def pass_by() -> None:
        way.give_way()
        passed.set()

    other = threading.Thread(target=pass_by)
    other.start()
    waiting = not passed.wait(at_most_s)
    way.release()
    other.join(HANG_S)
    assert passed.is_set()
    return waiting


def test_others_wait_while_the_way_is_claimed() -> None:
    way = RightOfWay(longest_s=60)
    way.claim()

    assert waits(way, 0.05)


def test_nobody_waits_when_the_way_was_released() -> None:
    way = RightOfWay(longest_s=60)
    way.claim()
    way.release()

    assert not waits(way, HANG_S)


def test_a_claim_that_is_not_renewed_ends_by_itself() -> None:
    way = RightOfWay(longest_s=0.02)
    way.claim()
    begun = monotonic()
    way.give_way()
    way.give_way()

    assert monotonic() - begun > 0.01
