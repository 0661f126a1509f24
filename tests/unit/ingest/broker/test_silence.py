from ingest.broker.silence import Look, SilenceWatch


def test_a_session_is_deaf_when_it_does_not_even_hear_itself() -> None:
    watch = SilenceWatch("nm-ingest-1", quiet_s=10)
    watch.begin(0)

    assert [watch.look(now) for now in (9, 10, 19, 20)] == [
        Look.NOTHING,
        Look.PROBE,
        Look.NOTHING,
        Look.DEAF,
    ]


def test_nothing_is_asked_while_something_is_heard() -> None:
    watch = SilenceWatch("nm-ingest-1", quiet_s=10)
    watch.begin(0)
    for now in range(0, 100, 5):
        watch.heard(now)
        assert watch.look(now + 4) is Look.NOTHING


def test_a_session_is_given_up_when_connecting_again_did_not_help() -> None:
    watch = SilenceWatch("nm-ingest-1", quiet_s=10)
    hopeless = []
    for start in (0, 100):
        watch.begin(start)
        assert watch.look(start + 10) is Look.PROBE
        assert watch.look(start + 20) is Look.DEAF
        hopeless.append(watch.is_beyond_hope())

    assert hopeless == [False, True]
    assert not watch.is_beyond_hope()


def test_a_connection_that_heard_something_counts_as_help() -> None:
    watch = SilenceWatch("nm-ingest-1", quiet_s=10)
    watch.begin(0)
    watch.look(10)
    watch.look(20)
    watch.begin(21)
    watch.heard(22)
    watch.look(40)
    watch.look(60)

    assert not watch.is_beyond_hope()
