"""The end within the grace: what waits is broken off, and by force in the end."""

from threading import Event

from ingest.ending import ending
from tests.waiting import HANG_S


def test_nothing_is_broken_off_when_the_end_comes_by_itself() -> None:
    stop, broken = Event(), Event()

    with ending(stop, [broken.set]):
        stop.set()

    assert not broken.is_set()


def test_whatever_waits_is_broken_off_when_its_time_is_up() -> None:
    stop, broken = Event(), Event()

    with ending(stop, [broken.set], patience_s=0):
        stop.set()
        assert broken.wait(HANG_S)


def test_the_process_is_left_when_nothing_else_helps() -> None:
    stop, left = Event(), Event()

    with ending(stop, [], leave=left.set, patience_s=0, grace_s=0):
        stop.set()
        assert left.wait(HANG_S)
