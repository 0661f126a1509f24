from edge_agent.publisher.live_lane import MAX_UNANSWERED, LiveLane


def answered() -> LiveLane:
    lane = LiveLane(behind_rows=100, patience_s=10)
    lane.confirmed(0)
    return lane


def test_there_is_nothing_to_pass_when_the_order_keeps_up() -> None:
    lane = answered()

    assert lane.next_after(900, 1_000, 0) is None
    assert lane.next_after(899, 1_000, 0) == 1_000


def test_it_goes_on_after_what_was_sent_until_the_order_arrives_there() -> None:
    lane = answered()
    assert lane.next_after(0, 1_000, 0) == 1_000
    lane.sent(1_020, number=7)

    assert lane.next_after(980, 1_030, 0) == 1_020
    assert lane.next_after(1_020, 1_030, 0) is None


def test_it_waits_when_the_broker_does_not_answer() -> None:
    lane = answered()
    for number in range(MAX_UNANSWERED):
        assert lane.next_after(0, 1_000, 0) is not None
        lane.sent(1_000 + number, number)

    assert lane.next_after(0, 1_100, 0) is None
    lane.delivered(0)
    assert lane.next_after(0, 1_100, 0) == 1_000 + MAX_UNANSWERED - 1


def test_it_waits_when_the_platform_is_silent_or_the_connection_is_new() -> None:
    lane = answered()

    assert lane.next_after(0, 1_000, 10.5) is None
    lane.confirmed(10.5)
    assert lane.next_after(0, 1_000, 10.5) == 1_000
    lane.reset()
    assert lane.next_after(0, 1_000, 10.5) is None
