"""The histogram of lags against exact quantiles."""

import numpy as np
import pytest

from plant.delivery.lag import RELATIVE_ERROR, SHORTEST, lag_counts, lag_quantile_s


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 1.0])
def test_a_quantile_is_within_the_stated_error_when_lags_span_milliseconds_to_days(
    share: float,
) -> None:
    lags_us = np.exp(np.random.default_rng(7).uniform(7, 26, 10_001)).astype(np.int64)
    exact = float(np.quantile(lags_us, share, method="inverted_cdf")) / 1e6
    found = lag_quantile_s(lag_counts(lags_us), share)
    assert found is not None
    assert abs(found / exact - 1) <= RELATIVE_ERROR + 1e-9


def test_parts_add_up_to_the_whole_when_they_are_counted_apart() -> None:
    lags_us = np.random.default_rng(8).integers(-5_000, 10**10, 1000)
    parts = [lag_counts(part) for part in np.split(lags_us, 4)]
    whole = lag_counts(lags_us)
    assert {bucket: sum(part.get(bucket, 0) for part in parts) for bucket in whole} == whole
    assert sum(whole.values()) == 1000


@pytest.mark.parametrize("lag_us", [-(10**12), -1, 0, 999])
def test_a_lag_below_a_millisecond_is_the_shortest_when_a_clock_is_ahead(lag_us: int) -> None:
    counts = lag_counts(np.array([lag_us]))
    assert counts == {SHORTEST: 1}
    assert lag_quantile_s(counts, 0.5) == 0.0


def test_there_is_no_quantile_when_nothing_was_counted() -> None:
    assert lag_counts(np.array([], np.int64)) == {}
    assert lag_quantile_s({}, 0.5) is None
