from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from plant.measurement import Quality
from simulators.disorder import Disorder, Issue
from simulators.settings import ORDERLY, DisorderSettings

READINGS = 20_000


def issued(settings: DisorderSettings, context: bool = False, seed: int = 3) -> list[Issue]:
    """Pass readings of two tags, one per tick each, and return what came out."""
    disorder = Disorder(settings, np.random.default_rng(seed))
    out: list[Issue] = []
    for tick in range(READINGS):
        for tag in (0, 1):
            disorder.accept(tick, (tag, tick, float(tick), 0), context, out.append)
        disorder.release(tick, out.append)
    return out


def only(**kinds: float) -> DisorderSettings:
    return ORDERLY.model_copy(update={"enabled": True, **kinds})


def test_nothing_changes_when_switched_off() -> None:
    settings = DisorderSettings(missing=0.5, enabled=False)

    out = issued(settings.effective())

    assert out == [(tag, tick, float(tick), 0) for tick in range(READINGS) for tag in (0, 1)]


def test_readings_vanish_when_missing() -> None:
    out = issued(only(missing=0.1))

    assert len(out) == pytest.approx(2 * READINGS * 0.9, rel=0.02)
    assert len(set(out)) == len(out)


def test_every_reading_still_comes_once_when_late() -> None:
    out = issued(only(late=0.1, late_max_s=20))

    late = [issue for at, issue in enumerate(out) if issue[1] < at // 2 - 2]
    assert late
    assert len(set(out)) == len(out)
    # Only what is still on its way at the end may be absent.
    assert 2 * READINGS - len(out) < 20


def test_neighbours_of_a_tag_change_places_when_out_of_order() -> None:
    out = [issue for issue in issued(only(out_of_order=0.1)) if issue[0] == 0]

    steps = Counter(after[1] - before[1] for before, after in pairwise(out))
    assert set(steps) == {-1, 1, 2, 3}
    assert steps[-1] == pytest.approx(READINGS * 0.1 / 1.1, rel=0.1)
    assert len(set(out)) == len(out)


def test_a_reading_comes_again_after_the_next_when_duplicated() -> None:
    out = [issue for issue in issued(only(duplicated=0.1)) if issue[0] == 0]

    twice = [issue for issue, times in Counter(out).items() if times == 2]
    assert len(twice) == pytest.approx(READINGS * 0.1, rel=0.1)
    assert {issue[1] for issue in out} == set(range(READINGS))
    for issue in twice:
        again = out.index(issue, out.index(issue) + 1)
        assert out[again - 1][1] == issue[1] + 1


def test_the_value_is_gone_when_quality_is_bad() -> None:
    out = issued(only(bad_quality=0.1))

    bad = [issue for issue in out if issue[3] == Quality.BAD]
    assert len(bad) == pytest.approx(2 * READINGS * 0.1, rel=0.1)
    assert {issue[2] for issue in bad} == {None}


def test_context_is_spared_when_its_share_is_small() -> None:
    settings = only(missing=0.2, context_share=0.1)

    assert len(issued(settings, context=True)) > len(issued(settings)) * 1.15


def test_disorder_repeats_when_the_seed_repeats() -> None:
    settings = DisorderSettings(missing=0.05, late=0.05, duplicated=0.05, out_of_order=0.05)

    assert issued(settings) == issued(settings)
    assert issued(settings) != issued(settings, seed=4)
