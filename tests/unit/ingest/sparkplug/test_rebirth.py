"""When nodes are asked for their births."""

import pytest

from ingest.sparkplug.rebirth import RebirthRequests
from plant.sparkplug import NodeId

NODE = NodeId("g", "n")
OTHER = NodeId("g", "m")


@pytest.fixture
def requests() -> RebirthRequests:
    return RebirthRequests(delay_s=0.5, pause_s=10)


def test_a_node_is_asked_once_when_there_are_many_causes(requests: RebirthRequests) -> None:
    for k in range(10):
        requests.want(NODE, now=k / 100)

    assert requests.due(0.4) == []
    assert requests.due(0.5) == [NODE]
    assert requests.due(100) == []


def test_a_node_is_not_asked_when_its_birth_comes_by_itself(requests: RebirthRequests) -> None:
    requests.want(NODE, now=0)
    requests.born(NODE)

    assert requests.due(100) == []


def test_a_node_is_asked_less_often_while_it_does_not_answer(requests: RebirthRequests) -> None:
    asked = []
    for now in range(200):
        requests.want(NODE, float(now))
        if requests.due(float(now)):
            asked.append(now)

    assert asked == [1, 11, 31, 71, 151]


def test_a_node_is_asked_after_the_usual_pause_when_it_answers_but_fails_again(
    requests: RebirthRequests,
) -> None:
    asked = []
    for now in range(40):
        requests.want(NODE, float(now))
        if requests.due(float(now)):
            asked.append(now)
            requests.born(NODE)

    assert asked == [1, 11, 21, 31]


def test_nodes_are_asked_apart(requests: RebirthRequests) -> None:
    requests.want(NODE, 0)
    requests.want(OTHER, 5)

    assert requests.due(1) == [NODE]
    assert requests.due(6) == [OTHER]


def test_a_node_is_asked_less_often_while_it_answers_with_what_it_keeps(
    requests: RebirthRequests,
) -> None:
    asked = []
    for now in range(200):
        requests.want(NODE, float(now))
        if requests.due(float(now)):
            asked.append(now)
            requests.born(NODE, afresh=False)

    assert asked == [1, 11, 31, 71, 151]


def test_many_nodes_are_asked_one_after_the_other() -> None:
    requests = RebirthRequests(delay_s=0, pause_s=10, most_per_s=50)
    nodes = [NodeId("g", str(k)) for k in range(400)]
    requests.want_all(nodes, now=100.0)

    asked = [requests.due(101.0 + k / 10) for k in range(80)]

    assert [node for group in asked for node in group] == nodes
    assert len(asked[0]) == 50
    assert max(map(len, asked[1:])) <= 6


def test_all_are_asked_anew_however_often_they_were(requests: RebirthRequests) -> None:
    for now in range(100):
        requests.want(NODE, float(now))
        requests.due(float(now))

    requests.want_all([NODE, OTHER], now=100.0)

    assert requests.due(100.9) == []
    assert requests.due(101.0) == [NODE, OTHER]
