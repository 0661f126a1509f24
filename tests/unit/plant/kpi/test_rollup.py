from dataclasses import replace

import pytest

from plant.kpi import BaseSums, Missing
from plant.kpi.fault import Figures
from plant.kpi.oee import oee
from plant.kpi.rollup import Line, line_figures

SERIAL = Line("serial", 1, (1, 2))


def machine(minutes: int) -> Figures:
    """Return a machine that made a good part a minute, as far as it is known."""
    known = minutes * 60_000
    return Figures(
        BaseSums(
            calendar_ms=known,
            pot_ms=known,
            pbt_ms=known,
            apt_ms=known,
            pri_pq_ms=known,
            pri_gq_ms=known,
            line_pri_gq_ms=known,
            produced_quantity=minutes,
            good_quantity=minutes,
            produced_items=minutes,
            good_items=minutes,
            energy_kwh=2.0,
        )
    )


@pytest.mark.parametrize(("bottleneck", "last"), [(60, 2), (2, 60), (60, 53)])
def test_a_line_has_no_figure_when_one_of_two_machines_is_known_for_longer(
    bottleneck: int, last: int
) -> None:
    line = line_figures(SERIAL, {1: machine(bottleneck), 2: machine(last)})

    assert line.absent is Missing.BEHIND
    assert oee(line.sums, absent=line.absent).missing["oee"] is Missing.BEHIND
    # What was used and made is known all the same.
    assert (line.sums.energy_kwh, line.sums.good_quantity) == (4.0, last)


@pytest.mark.parametrize("last", [54, 60])
def test_a_line_has_its_figure_when_its_machines_are_known_about_as_far(last: int) -> None:
    line = line_figures(SERIAL, {1: machine(60), 2: machine(last)})

    assert line.absent is None
    assert oee(line.sums).oee == last / 60


def test_a_product_may_take_each_machine_another_time() -> None:
    units = {1: machine(60), 2: machine(20)}
    assert line_figures(SERIAL, units, of_time=False).absent is None


def test_a_pool_adds_up_whatever_is_known() -> None:
    pool = line_figures(replace(SERIAL, kind="parallel"), {1: machine(60), 2: machine(2)})
    assert pool.absent is None
    assert pool.sums.good_quantity == 62
