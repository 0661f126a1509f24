"""The session of a node as the host follows it: births, order, aliases, deaths."""

import pytest

from ingest.decoding.message import Message
from ingest.sparkplug.session import Birth, Data, Death, Incoming, NodeSession, Step, Verdict
from plant.sparkplug import SEQUENCE, Metric, decode, parse_topic
from tests.peers.sparkplug_nodes import (
    COUNT,
    DEVICE,
    METRICS,
    TEMPERATURE,
    NodeScript,
    retained,
    with_,
)

TIMEOUT_S = 2.0


class Driven:
    """A session whose clock the test moves."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self.session = NodeSession(timeout_s)
        self.now = 100.0

    def take(self, *messages: Message) -> list[Step]:
        return [
            step
            for message in messages
            for step in self.session.receive(
                Incoming(message, parse_topic(message.topic), decode(message.payload)), self.now
            )
        ]

    def wait(self, seconds: float) -> list[Step]:
        self.now += seconds
        return self.session.pass_time(self.now)


@pytest.fixture
def script() -> NodeScript:
    return NodeScript()


@pytest.fixture
def driven(script: NodeScript) -> Driven:
    driven = Driven()
    driven.take(script.node_birth(), script.device_birth())
    return driven


def values(steps: list[Step]) -> list[object]:
    return [
        reading.metric.value
        for step in steps
        if isinstance(step.event, Data)
        for reading in step.event.readings
    ]


def verdicts(steps: list[Step]) -> list[Verdict]:
    return [step.verdict for step in steps]


def test_a_node_and_its_device_are_there_when_they_are_born(script: NodeScript) -> None:
    """tck-id-payloads-nbirth-bdseq, tck-id-topics-nbirth-metric-reqs"""
    driven = Driven()

    node, device = driven.take(script.node_birth(bd_seq=7), script.device_birth())

    assert driven.session.online
    assert isinstance(node.event, Birth)
    assert node.event.bd_seq == 7
    assert isinstance(device.event, Birth)
    assert [metric.name for metric in device.event.definitions] == [m.name for m in METRICS]
    assert [reading.metric.value for reading in device.event.readings] == [m.value for m in METRICS]
    assert all(reading.may_repeat for reading in device.event.readings)
    assert not driven.session.wants_birth


def test_an_alias_stands_for_the_name_that_the_birth_gave_it(
    driven: Driven, script: NodeScript
) -> None:
    """tck-id-payloads-alias-birth-requirement, tck-id-payloads-alias-data-cmd-requirement,
    tck-id-payloads-metric-datatype-not-req"""
    (step,) = driven.take(script.data(script.value(2, 9)))

    assert isinstance(step.event, Data)
    (reading,) = step.event.readings
    assert (reading.name, reading.datatype) == ("count", COUNT.datatype)


def test_a_name_does_where_there_are_no_aliases(script: NodeScript) -> None:
    """tck-id-payloads-name-requirement"""
    driven = Driven()
    driven.take(script.node_birth(), script.device_birth([with_(TEMPERATURE, alias=None)]))

    steps = driven.take(script.data(Metric(name="temperature", timestamp=5, value=1.5)))

    assert values(steps) == [1.5]


def test_an_alias_may_mean_another_metric_in_another_device(script: NodeScript) -> None:
    driven = Driven()
    other = with_(COUNT, name="other", alias=1)
    driven.take(script.node_birth(), script.device_birth(), script.device_birth([other], "CNC 2"))

    steps = driven.take(
        script.data(script.value(1, 1.0)), script.data(script.value(1, 2), device="CNC 2")
    )

    names = [r.name for step in steps if isinstance(step.event, Data) for r in step.event.readings]
    assert names == ["temperature", "other"]


def test_a_rebirth_is_wanted_when_an_alias_is_unknown(driven: Driven, script: NodeScript) -> None:
    (step,) = driven.take(script.data(script.value(1, 1.0), script.value(77, 2.0)))

    assert isinstance(step.event, Data)
    assert [reading.metric.value for reading in step.event.readings] == [1.0]
    assert step.event.unknown == ("alias 77",)
    assert driven.session.wants_birth


def test_data_are_rejected_and_a_birth_is_wanted_when_there_was_none(script: NodeScript) -> None:
    driven = Driven()

    (step,) = driven.take(script.data(script.value(1, 1.0)))

    assert (step.verdict, step.reason) == (Verdict.REJECT, "no_birth")
    assert driven.session.wants_birth


def test_data_of_a_device_are_rejected_when_it_is_not_born(
    driven: Driven, script: NodeScript
) -> None:
    (step,) = driven.take(script.data(script.value(1, 1.0), device="CNC 2"))

    assert (step.verdict, step.reason) == (Verdict.REJECT, "no_birth")
    assert "CNC 2" in step.detail
    assert driven.session.wants_birth


def test_messages_come_in_their_order_when_the_missing_one_arrives_in_time(
    driven: Driven, script: NodeScript
) -> None:
    """tck-id-operational-behavior-host-reordering-start,
    tck-id-operational-behavior-host-reordering-success"""
    first, second, third = (script.data(script.value(1, float(k))) for k in (1, 2, 3))

    waiting = driven.take(second, third)
    driven.now += TIMEOUT_S * 0.9
    steps = driven.take(first)

    assert verdicts(waiting) == [Verdict.RETRY, Verdict.RETRY]
    assert values(steps) == [1.0, 2.0, 3.0]
    assert driven.wait(10 * TIMEOUT_S) == []
    assert not driven.session.wants_birth


def test_a_rebirth_is_wanted_when_the_missing_message_does_not_come(
    driven: Driven, script: NodeScript
) -> None:
    """tck-id-operational-behavior-host-reordering-rebirth"""
    script.data(script.value(1, 1.0))
    driven.take(script.data(script.value(1, 2.0)))
    early = driven.wait(TIMEOUT_S * 0.9), driven.session.wants_birth

    steps = driven.wait(TIMEOUT_S * 0.2)

    assert early == ([], False)
    assert values(steps) == [2.0]
    assert driven.session.wants_birth
    assert values(driven.take(script.data(script.value(1, 3.0)))) == [3.0]


def test_a_gap_is_told_at_once_when_the_timeout_is_zero(script: NodeScript) -> None:
    """tck-id-operational-behavior-host-reordering-param"""
    driven = Driven(timeout_s=0)
    driven.take(script.node_birth(), script.device_birth())
    script.data(script.value(1, 1.0))

    steps = driven.take(script.data(script.value(1, 2.0)))

    assert values(steps) == [2.0]
    assert driven.session.wants_birth


def test_sequence_numbers_begin_again_after_255(driven: Driven, script: NodeScript) -> None:
    """tck-id-payloads-sequence-num-incrementing"""
    steps = driven.take(*(script.data(script.value(1, float(k))) for k in range(2 * SEQUENCE)))

    assert values(steps) == [float(k) for k in range(2 * SEQUENCE)]
    assert not driven.session.wants_birth


def test_a_repeated_message_is_taken_as_one_that_may_be_stored(
    driven: Driven, script: NodeScript
) -> None:
    driven.now += 1000
    message = script.data(script.value(1, 1.0))

    first, second = driven.take(message, message)

    assert isinstance(first.event, Data)
    assert isinstance(second.event, Data)
    assert not first.event.readings[0].may_repeat
    assert second.event.readings[0].may_repeat


def test_data_may_repeat_shortly_after_a_birth_or_when_they_are_history(
    driven: Driven, script: NodeScript
) -> None:
    early = driven.take(script.data(script.value(1, 1.0)))
    driven.now += 1000
    later = driven.take(script.data(script.value(1, 1.0), script.value(1, 2.0, is_historical=True)))

    flags = [
        reading.may_repeat
        for step in early + later
        if isinstance(step.event, Data)
        for reading in step.event.readings
    ]
    assert flags == [True, False, True]


def test_a_lost_birth_of_a_new_session_is_noticed(driven: Driven, script: NodeScript) -> None:
    driven.take(*(script.data(script.value(1, 1.0)) for _ in range(150)))
    script.node_birth(bd_seq=1)

    steps = driven.take(script.device_birth())

    assert verdicts(steps) == [Verdict.RETRY]
    driven.wait(TIMEOUT_S)
    assert driven.session.wants_birth


def test_a_birth_that_overtook_messages_of_its_own_session_takes_them_up(
    driven: Driven, script: NodeScript
) -> None:
    birth = script.node_birth(bd_seq=1)
    device = script.device_birth()

    steps = driven.take(device, birth)

    assert [type(step.event) for step in steps] == [type(None), Birth, Birth]
    assert values(driven.take(script.data(script.value(1, 4.0)))) == [4.0]


def test_waiting_data_of_the_old_session_come_before_the_new_birth(
    driven: Driven, script: NodeScript
) -> None:
    script.data(script.value(1, 1.0))
    waiting = script.data(script.value(1, 2.0))

    steps = driven.take(waiting, script.node_birth(bd_seq=1))

    assert [type(step.event) for step in steps[1:]] == [Data, Birth]


def test_data_are_rejected_when_they_are_older_than_the_present_birth(
    driven: Driven, script: NodeScript
) -> None:
    old = script.data(script.value(1, 1.0))
    driven.take(script.node_birth(bd_seq=1), script.device_birth(), script.data(), script.data())

    (step,) = driven.take(old)

    assert (step.verdict, step.reason) == (Verdict.REJECT, "stale")


def test_a_rebirth_keeps_its_bd_seq_and_begins_the_sequence_again(
    driven: Driven, script: NodeScript
) -> None:
    """tck-id-operational-behavior-data-commands-rebirth-action-3, tck-id-payloads-nbirth-seq"""
    driven.take(script.data(script.value(1, 1.0)), script.node_birth(), script.device_birth())

    assert values(driven.take(script.data(script.value(1, 2.0)))) == [2.0]
    assert not driven.session.wants_birth


def test_the_same_birth_twice_changes_nothing(driven: Driven, script: NodeScript) -> None:
    birth = script.node_birth(bd_seq=3)
    driven.take(birth, script.device_birth())

    (again,) = driven.take(birth)

    assert (again.verdict, again.event) == (Verdict.ACCEPT, None)
    assert values(driven.take(script.data(script.value(1, 2.0)))) == [2.0]


def test_node_and_devices_are_gone_when_the_death_is_that_of_the_present_birth(
    driven: Driven, script: NodeScript
) -> None:
    """tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-offline,
    tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-offline"""
    (step,) = driven.take(script.node_death())

    assert step.event == Death((None, DEVICE))
    assert not driven.session.online
    (after,) = driven.take(script.data(script.value(1, 1.0)))
    assert after.reason == "no_birth"


def test_a_death_changes_nothing_when_it_is_that_of_an_earlier_connection(
    driven: Driven, script: NodeScript
) -> None:
    """tck-id-topics-nbirth-bdseq-matching, tck-id-payloads-ndeath-bdseq"""
    driven.take(script.node_birth(bd_seq=1), script.device_birth())

    (step,) = driven.take(script.node_death(bd_seq=0))

    assert (step.verdict, step.event) == (Verdict.ACCEPT, None)
    assert driven.session.online


def test_every_death_is_believed_when_the_node_counts_wrongly(script: NodeScript) -> None:
    driven = Driven()
    driven.session = NodeSession(TIMEOUT_S, counts_connections=False)
    driven.take(script.node_birth(bd_seq=1), script.device_birth())

    (step,) = driven.take(script.node_death(bd_seq=0))

    assert step.event == Death((None, DEVICE))


def test_a_name_is_found_when_the_birth_put_a_folder_before_it(script: NodeScript) -> None:
    driven = Driven()
    named = with_(TEMPERATURE, name="DATA/temperature", alias=None)
    driven.take(script.node_birth(), script.device_birth([named]))

    steps = driven.take(script.data(Metric(name="temperature", timestamp=5, value=1.5)))

    assert values(steps) == [1.5]


def test_a_death_without_number_is_believed(driven: Driven, script: NodeScript) -> None:
    message = script.node_death()
    empty = Message(message.topic, b"", message.received_time)

    (step,) = driven.take(empty)

    assert step.event == Death((None, DEVICE))


def test_what_waits_comes_before_the_death(driven: Driven, script: NodeScript) -> None:
    script.data(script.value(1, 1.0))
    driven.take(script.data(script.value(1, 2.0)))

    steps = driven.take(script.node_death())

    assert [type(step.event) for step in steps] == [Data, Death]


def test_only_the_device_is_gone_when_it_dies(driven: Driven, script: NodeScript) -> None:
    """tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-offline"""
    (step,) = driven.take(script.device_death())

    assert step.event == Death((DEVICE,))
    assert driven.session.online
    (again,) = driven.take(script.device_death())
    assert again.event is None


def test_a_device_is_back_when_it_is_born_again(driven: Driven, script: NodeScript) -> None:
    driven.take(script.device_death(), script.device_birth())

    assert values(driven.take(script.data(script.value(1, 2.0)))) == [2.0]


def test_a_retained_birth_is_not_believed(script: NodeScript) -> None:
    """tck-id-payloads-nbirth-retain"""
    driven = Driven()

    (step,) = driven.take(retained(script.node_birth()))

    assert (step.verdict, step.reason) == (Verdict.REJECT, "retained")
    assert driven.session.wants_birth
    assert not driven.session.online


def test_messages_without_a_number_are_taken_as_they_come(
    driven: Driven, script: NodeScript
) -> None:
    message = script.data(script.value(1, 1.0))
    payload = decode(message.payload)
    bare = type(payload)(payload.timestamp, payload.metrics, None)

    steps = driven.session.receive(Incoming(message, parse_topic(message.topic), bare), driven.now)

    assert values(steps) == [1.0]


def test_a_number_above_255_is_refused(driven: Driven, script: NodeScript) -> None:
    message = script.data(script.value(1, 1.0))
    payload = type(decode(message.payload))(seq=256)

    (step,) = driven.session.receive(
        Incoming(message, parse_topic(message.topic), payload), driven.now
    )

    assert step.reason == "bad_seq"


def test_nothing_more_is_kept_when_too_many_messages_wait(
    driven: Driven, script: NodeScript
) -> None:
    script.data(script.value(1, 0.0))

    steps = driven.take(*(script.data(script.value(1, float(k))) for k in range(1, 101)))

    assert values(steps) == [float(k) for k in range(1, 101)]
    assert driven.session.wants_birth


def test_everyone_is_gone_when_the_connection_is_lost(driven: Driven, script: NodeScript) -> None:
    script.data(script.value(1, 1.0))
    driven.take(script.data(script.value(1, 2.0)))

    steps, death = driven.session.lose(driven.now)

    assert values(steps) == [2.0]
    assert death == Death((None, DEVICE))
    assert driven.session.lose(driven.now) == ([], None)


def test_another_message_with_a_waiting_number_is_no_repetition(
    driven: Driven, script: NodeScript
) -> None:
    script.data(script.value(1, 1.0))
    waiting = script.data(script.value(1, 2.0))
    script.seq -= 1
    other = script.data(script.value(1, 3.0))

    steps = driven.take(waiting, waiting, other)

    assert verdicts(steps[:2]) == [Verdict.RETRY, Verdict.ACCEPT]
    assert values(steps) == [2.0]
    assert driven.session.wants_birth
    assert values(driven.wait(TIMEOUT_S)) == [3.0]


def test_a_device_birth_after_its_turn_is_kept_and_births_are_asked_for(
    driven: Driven, script: NodeScript
) -> None:
    late = script.device_birth([with_(TEMPERATURE, alias=2), with_(COUNT, alias=1)])
    driven.take(*(script.data(script.value(1, 1.0)) for _ in range(3)))

    steps = driven.take(*(script.data() for _ in range(97)), late)

    assert (steps[-1].verdict, steps[-1].reason) == (Verdict.REJECT, "out_of_turn")
    assert driven.session.wants_birth


def test_a_node_may_answer_with_the_births_that_it_keeps(driven: Driven) -> None:
    script = NodeScript()
    kept = (script.node_birth(), script.device_birth())
    driven.take(*kept, script.data(script.value(1, 1.0)), script.data(script.value(1, 2.0)))

    script.seq = 2
    steps = driven.take(*kept, script.data(script.value(1, 3.0)))

    assert verdicts(steps) == [Verdict.ACCEPT] * 3
    assert values(steps) == [3.0]
    assert not driven.session.wants_birth
    assert driven.wait(10 * TIMEOUT_S) == []


def test_two_births_of_one_moment_are_two_when_they_differ(
    driven: Driven, script: NodeScript
) -> None:
    moment_ms = script.at_ms
    driven.take(script.node_birth(), script.device_birth())
    script.at_ms = moment_ms
    own = with_(TEMPERATURE, name="own", alias=9)
    driven.take(script.node_birth([own]), script.device_birth([with_(TEMPERATURE, alias=2)]))

    (step,) = driven.take(script.data(script.value(2, 5.0)))

    assert isinstance(step.event, Data)
    assert step.event.readings[0].name == "temperature"
