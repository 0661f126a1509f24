"""No bytes break a decoder: the promises of the fuzzing targets, for what hypothesis thinks of."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fuzz.targets import TARGETS, Target

ROOT = Path(__file__).parents[2]
EXAMPLES = 60


@st.composite
def damaged(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A seed with parts cut out, doubled, exchanged or replaced."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        put = draw(
            st.one_of(st.binary(max_size=12), st.just(data[start:end] * 2), st.sampled_from(seeds))
        )
        data = data[:start] + put + data[end:]
    return data


def test_every_target_is_named_when_fuzzing_is_documented() -> None:
    page = (ROOT / "docs" / "how-to" / "fuzz-the-decoders.md").read_text(encoding="utf-8")
    assert [name for name in TARGETS if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_right_is_accepted_and_what_once_broke_it_is_refused(name: str) -> None:
    target = TARGETS[name]
    assert [target.feed(seed) for seed in target.seeds] == [True] * len(target.seeds)
    assert [target.feed(found) for found in target.findings] == [False] * len(target.findings)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@settings(max_examples=examples(EXAMPLES), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_promises_hold_for_any_bytes(target: Target, data: st.DataObject) -> None:
    raw = data.draw(st.binary(max_size=target.longest))
    assert target.feed(raw) in {True, False}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@settings(max_examples=examples(EXAMPLES), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_promises_hold_for_damaged_messages(target: Target, data: st.DataObject) -> None:
    raw = data.draw(damaged(target.seeds))
    assert target.feed(raw) in {True, False}
