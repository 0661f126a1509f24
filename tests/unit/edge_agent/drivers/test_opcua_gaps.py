import pytest

from edge_agent.drivers.opcua.gaps import Gaps


def test_a_gap_survives_the_agent_and_grows_only_backwards() -> None:
    gaps = Gaps()
    gaps.open({"a": 100, "b": 200})
    gaps.open({"a": 150, "b": 50})
    again = Gaps(gaps.text())
    assert (again.start("a"), again.start("b")) == (100, 50)
    again.close(["a"])
    assert again
    again.keep_only(["a"])
    assert not again


@pytest.mark.parametrize("kept", [None, "", "17", "[]", '{"gaps": 3}', '{"gaps": {"a": "x"}}', "{"])
def test_what_another_driver_left_is_no_gap(kept: str | None) -> None:
    assert not Gaps(kept)
