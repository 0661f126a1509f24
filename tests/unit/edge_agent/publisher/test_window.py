from edge_agent.publisher.window import LONGEST_TIMEOUT_S, Window


def full_window() -> Window:
    window = Window(max_in_flight=3, timeout_s=10)
    for number in range(3):
        window.sent(number * 100 + 1, number * 100 + 100, now_s=number)
    return window


def test_there_is_no_room_when_enough_is_under_way() -> None:
    window = full_window()
    assert not window.has_room()
    assert window.next_after == 300
    window.confirmed(100, now_s=4)
    assert window.has_room()
    assert window.in_flight == 2


def test_a_batch_stays_under_way_when_only_part_of_it_is_confirmed() -> None:
    window = full_window()
    window.confirmed(99, now_s=4)
    assert window.in_flight == 3


def test_everything_is_sent_again_when_the_oldest_waits_too_long() -> None:
    window = full_window()
    assert not window.overdue(9.9)
    assert window.overdue(10)
    window.timed_out(confirmed_to=0)
    assert window.next_after == 0
    assert window.in_flight == 0


def test_the_rest_gets_its_full_time_when_there_is_progress() -> None:
    window = full_window()
    window.confirmed(100, now_s=9)
    assert not window.overdue(18)
    assert window.overdue(19)


def test_patience_grows_when_the_platform_stays_silent_and_ends_when_it_speaks() -> None:
    window = Window(max_in_flight=1, timeout_s=10)
    waited = []
    now = 0.0
    for _ in range(7):
        window.sent(1, 100, now)
        started = now
        while not window.overdue(now):
            now += 1
        waited.append(now - started)
        window.timed_out(0)
    assert waited == [10, 20, 40, 80, 160, LONGEST_TIMEOUT_S, LONGEST_TIMEOUT_S]
    window.sent(1, 100, now)
    window.confirmed(100, now)
    window.sent(101, 200, now)
    assert window.overdue(now + 10)


def test_sending_goes_on_after_what_is_confirmed_when_that_is_further() -> None:
    window = Window(max_in_flight=3, timeout_s=10)
    window.confirmed(500, now_s=0)
    assert window.next_after == 500
