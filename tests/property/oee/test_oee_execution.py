"""The order in force, against a slow reading of the rules, whatever window is looked at."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.oee.execution import OrderRun, execution
from analytics.readings.signal import NOTHING, Steps

END = 60
NAMES = ("A", "B", "C")
PRODUCTS = {"A": "p-a", "B": "p-b"}

moments = st.integers(0, END)
runs = st.lists(
    st.tuples(
        moments,
        st.none() | st.integers(1, 30),
        st.sampled_from(NAMES),
        st.none() | st.just("p-run"),
        st.none() | st.sampled_from(("L-1", "L-2")),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda run: run[0],
).map(
    lambda rows: [
        OrderRun(start, None if length is None else start + length, order, product, lot)
        for start, length, order, product, lot in rows
    ]
)
readings = st.none() | st.dictionaries(moments, st.none() | st.sampled_from(NAMES), max_size=6)


def steps(told: dict[int, str | None]) -> Steps:
    times = sorted(told)
    return Steps(
        np.array(times, dtype=np.int64),
        np.array(
            [NOTHING if (name := told[time]) is None else NAMES.index(name) for time in times],
            dtype=np.int64,
        ),
        NAMES,
    )


def naive(
    moment: int, told: dict[int, str | None] | None, every: list[OrderRun], *, mes_first: bool
) -> tuple[str | None, str | None, str | None]:
    """Return order, product and lot at a moment, read off the rules one by one."""
    begun = [run for run in every if run.start <= moment]
    run = max(begun, key=lambda one: one.start) if begun else None
    in_force = run if run is not None and (run.end is None or moment < run.end) else None
    spoken = [time for time in told or () if time <= moment]
    if told is None:
        by_machine = False
    elif mes_first:
        by_machine = not begun
    else:
        by_machine = bool(spoken)
    if by_machine:
        order = (told or {})[max(spoken)] if spoken else None
    else:
        order = None if in_force is None else in_force.order
    agrees = in_force is not None and in_force.order == order
    assert not agrees or in_force is not None
    product = (in_force.product if in_force and agrees else None) or PRODUCTS.get(order or "")
    return order, product, in_force.lot if in_force and agrees else None


@given(told=readings, every=runs, mes_first=st.booleans(), start=moments)
def test_the_order_in_force_is_the_one_of_the_rules(
    told: dict[int, str | None] | None, every: list[OrderRun], mes_first: bool, start: int
) -> None:
    machine = None if told is None else steps(told)
    asked = np.arange(start, END, dtype=np.int64)
    expected = [naive(moment, told, every, mes_first=mes_first) for moment in asked.tolist()]
    # What a window needs: the runs that begin in it and the one before.
    first = max((run.start for run in every if run.start <= start), default=start)
    needed = [run for run in every if run.start >= first]

    for given_runs in filter(None, (every, needed)):
        seen = execution(machine, None, given_runs, PRODUCTS, mes_first=mes_first)
        found = zip(
            *(
                [signal.name(code) for code in signal.at(asked).tolist()]
                for signal in (seen.order, seen.product, seen.lot)
            ),
            strict=True,
        )
        assert list(found) == expected
