"""A machine's day under each policy, from readings to base sums."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.oee.base_sum import Amendments
from analytics.oee.unit_figure import UnitFacts, unit_figures
from analytics.readings.interval import EMPTY, millis
from plant.calendar import Break, ShiftPattern
from plant.kpi import BaseSums, OeePolicy, add
from plant.kpi.loss import six_losses
from plant.kpi.oee import oee
from plant.kpi.ratio import idle_energy_share
from plant.measurement import TagRole
from store.figure.reading import NumberColumns, TextColumns
from store.figure.source import (
    RoleTag,
    RunTimeEntry,
    SiteSource,
    UnitSource,
)

MORNING = datetime(2026, 3, 3, 6, tzinfo=UTC)
START = millis(MORNING)
MINUTE = 60_000
SHIFT = ShiftPattern(
    "C1", time(6), time(8), frozenset(range(7)), (Break("nghỉ", time(7), time(7, 30)),)
)

Rows = Mapping[TagRole, list[tuple[int, str | float]]]


def figures(
    rows: Rows,
    policy: OeePolicy | None = None,
    *,
    seconds: int | None = 60,
    tags: list[RoleTag] | None = None,
    maintenance: tuple[int, int] | None = None,
) -> BaseSums:
    """Return the base sums of two hours from readings at minutes after six."""
    policy = policy or OeePolicy()
    own = tags or [RoleTag(number, 1, role, None, None, 86_400) for number, role in enumerate(rows)]
    readings: dict[int, NumberColumns | TextColumns] = {}
    for tag in own:
        times = np.array([START + at * MINUTE for at, _ in rows[tag.role]], np.int64) * 1000
        good = np.zeros(times.size, np.int64)
        values = [value for _, value in rows[tag.role]]
        readings[tag.tag_id] = (
            TextColumns(times, [str(value) for value in values], good)
            if tag.is_text
            else NumberColumns(times, np.array(values, np.float64), good)
        )
    entry = (
        ()
        if seconds is None
        else (RunTimeEntry("a", datetime(2026, 1, 1, tzinfo=UTC), None, seconds),)
    )
    site = SiteSource(1, "a/b", ZoneInfo("UTC"), policy, (SHIFT,), {}, ())
    found = unit_figures(
        UnitSource(1, "a/b/c/d/e", 1, 1, tuple(own), {}, entry),
        site,
        readings,
        EMPTY.starts,
        START,
        START + 120 * MINUTE,
        UnitFacts(
            ()
            if maintenance is None
            else ((START + maintenance[0] * MINUTE, START + maintenance[1] * MINUTE),)
        ),
        Amendments(setup_planned=policy.setup_in == "planned_downtime"),
    )
    return add(part.sums for part in found.slices)


HELD_THROUGH_THE_BREAK: Rows = {TagRole.STATE: [(0, "EXECUTE"), (50, "HELD"), (100, "EXECUTE")]}


def minutes(sums: BaseSums, *names: str) -> list[float]:
    return [getattr(sums, f"{name}_ms") / MINUTE for name in names]


def test_a_break_is_no_busy_time_when_the_policy_plans_it() -> None:
    sums = figures(HELD_THROUGH_THE_BREAK)
    assert minutes(sums, "pot", "pbt", "apt", "adet", "planned_break") == [120, 90, 70, 20, 30]


def test_a_break_is_a_loss_when_the_policy_leaves_it_in_busy_time() -> None:
    sums = figures(HELD_THROUGH_THE_BREAK, OeePolicy(breaks_in="busy_time"))
    assert minutes(sums, "pot", "pbt", "apt", "adet", "planned_break") == [120, 120, 70, 50, 0]


def test_work_through_a_break_is_availability_only_when_breaks_are_busy_time() -> None:
    rows: Rows = {TagRole.STATE: [(0, "EXECUTE")]}
    planned, busy = figures(rows), figures(rows, OeePolicy(breaks_in="busy_time"))
    assert minutes(planned, "pbt", "apt", "unscheduled_production") == [90, 90, 30]
    assert minutes(busy, "pbt", "apt", "unscheduled_production") == [120, 120, 0]


SET_UP: Rows = {
    TagRole.STATE: [(0, "EXECUTE")],
    TagRole.MODE: [(0, "PRODUCTION"), (20, "SETUP"), (40, "PRODUCTION")],
}


def test_setup_lowers_availability_by_iso_and_is_planned_where_the_policy_says_so() -> None:
    iso, planned = figures(SET_UP), figures(SET_UP, OeePolicy(setup_in="planned_downtime"))
    assert minutes(iso, "pbt", "apt", "aust", "planned_setup") == [90, 70, 20, 0]
    assert minutes(planned, "pbt", "apt", "aust", "planned_setup") == [70, 70, 0, 20]


def test_setup_in_a_break_is_the_break() -> None:
    rows: Rows = {TagRole.STATE: [(0, "EXECUTE")], TagRole.MODE: [(0, "SETUP")]}
    assert minutes(figures(rows), "pbt", "aust", "planned_break") == [90, 90, 30]


def test_maintenance_outranks_setup_and_a_break_outranks_maintenance() -> None:
    rows: Rows = {TagRole.STATE: [(0, "HELD")], TagRole.MODE: [(0, "SETUP")]}
    sums = figures(rows, maintenance=(50, 100))
    names = ("planned_break", "planned_maintenance", "aust", "pbt")
    assert minutes(sums, *names) == [30, 20, 70, 70]


def test_energy_is_idle_where_the_machine_is_known_not_to_produce() -> None:
    sums = figures(
        {
            TagRole.STATE: [(0, "EXECUTE"), (20, "HELD"), (40, "?"), (50, "EXECUTE")],
            TagRole.ENERGY: [(0, 0.0), (10, 4.0), (30, 5.0), (45, 7.0), (55, 8.0), (70, 10.0)],
        }
    )
    # 1 while held; unknown time accuses nobody; 2 through the break, in which it produced.
    assert (sums.energy_kwh, sums.idle_energy_kwh) == (10.0, 1.0)
    assert idle_energy_share(sums) == 0.1


def test_rejects_of_the_setup_are_start_up_losses_and_the_others_defects() -> None:
    sums = figures(
        {
            **SET_UP,
            TagRole.PRODUCT: [(0, "a")],
            TagRole.GOOD_COUNT: [(0, 0.0), (19, 15.0), (39, 16.0), (59, 30.0)],
            TagRole.SCRAP_COUNT: [(0, 0.0), (19, 1.0), (39, 4.0), (59, 6.0)],
        }
    )
    losses = six_losses(sums)
    assert losses is not None
    assert [losses.start_up_ms / MINUTE, losses.defects_ms / MINUTE] == [3, 3]
    assert losses.total_ms == sums.pbt_ms


def test_two_tags_of_a_role_are_one_signal_and_their_counts_add_up() -> None:
    # A renamed tag takes the role; the former keeps its history.
    former = RoleTag(1, 1, TagRole.GOOD_COUNT, None, None, 60)
    later = RoleTag(2, 1, TagRole.GOOD_COUNT, None, None, 60)
    state = RoleTag(3, 1, TagRole.STATE, None, None, 86_400)
    rows: Rows = {
        TagRole.STATE: [(0, "EXECUTE")],
        TagRole.GOOD_COUNT: [(0, 5.0), (10, 9.0), (30, 12.0)],
    }
    assert figures(rows, tags=[state, former, later]).good_quantity == 14


def test_increments_count_like_a_counter_of_the_same_parts() -> None:
    added = figures(
        {
            TagRole.STATE: [(0, "EXECUTE")],
            TagRole.PRODUCT: [(0, "a")],
            TagRole.GOOD_INCREMENT: [(5, 5.0), (10, 5.0), (50, 5.0)],
            TagRole.SCRAP_INCREMENT: [(10, 1.0)],
        }
    )
    assert (added.good_quantity, added.scrap_quantity, added.produced_quantity) == (15, 1, 16)
    assert oee(added).oee == pytest.approx(15 / 90)


def test_a_state_stands_into_the_window_and_an_order_goes_on_in_silence() -> None:
    rows: Rows = {TagRole.STATE: [(-30, "IDLE")], TagRole.ORDER: [(-60, "LSX-1")]}
    assert minutes(figures(rows), "adet", "adot") == [90, 0]
    none: Rows = {TagRole.STATE: [(-30, "IDLE")], TagRole.ORDER: [(-60, "")]}
    assert minutes(figures(none), "adet", "adot") == [0, 90]
