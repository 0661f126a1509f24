"""Signals in few points."""

import numpy as np
from numpy.typing import NDArray

from api.figures.downsample import candidates, largest_triangles, stretches
from store.reading.rollup import Cells


def cells_of(times: NDArray[np.int64], values: NDArray[np.float64], every: int) -> Cells:
    """Return cells of `every` values each."""
    parts = []
    for k in range(0, len(times), every):
        time, value = times[k : k + every], values[k : k + every]
        low, high = int(np.argmin(value)), int(np.argmax(value))
        parts.append(
            Cells(
                *(
                    np.array([one])
                    for one in (
                        *(time[0], len(value), value.mean(), value[low], time[low], value[high]),
                        *(time[high], value[0], time[0], value[-1], time[-1]),
                    )
                )
            )
        )
    return Cells.joined(parts)


TIMES = np.arange(6000, dtype=np.int64) * 1_000_000
VALUES = np.sin(np.arange(6000) / 200)
VALUES[2500] = 50.0


def test_stretches_keep_every_low_and_high_and_the_mean() -> None:
    found = stretches(cells_of(TIMES, VALUES, 10), 0, 6000 * 1_000_000, 100)

    assert len(found.start_us) == 100
    assert found.samples.sum() == 6000
    assert found.high.max() == 50.0
    assert found.low.min() == VALUES.min()
    assert np.isclose((found.mean * found.samples).sum() / 6000, VALUES.mean())


def test_nothing_measured_is_no_point() -> None:
    whole, real = np.empty(0, np.int64), np.empty(0)
    empty = Cells(whole, whole, real, real, whole, real, whole, real, whole, real, whole)

    assert len(stretches(empty, 0, 1000, 10).start_us) == 0
    assert len(largest_triangles(*candidates(empty), 10)) == 0


def test_the_points_of_a_drawing_keep_its_ends_and_its_peak() -> None:
    for points in (2, 3, 10, 999):
        chosen = largest_triangles(TIMES, VALUES, points)
        assert len(chosen) == points
        assert (np.diff(chosen) > 0).all()
        assert (chosen[0], chosen[-1]) == (0, 5999)
    assert 2500 in largest_triangles(TIMES, VALUES, 10)
    assert len(largest_triangles(TIMES, VALUES, 7000)) == 6000


def test_cells_give_values_that_were_measured() -> None:
    times, values = candidates(cells_of(TIMES, VALUES, 60))

    assert len(times) <= 400
    assert (np.diff(times) > 0).all()
    assert (values == VALUES[times // 1_000_000]).all()
    assert 50.0 in values
