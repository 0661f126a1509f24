"""Who is believed about the order, moment by moment."""

import numpy as np
import pytest

from analytics.oee.execution import Execution, OrderRun, execution
from analytics.readings.signal import NOTHING, Steps


def steps(*pairs: tuple[int, str | None]) -> Steps:
    names = tuple(sorted({name for _, name in pairs if name is not None}))
    return Steps(
        np.array([time for time, _ in pairs], dtype=np.int64),
        np.array(
            [NOTHING if name is None else names.index(name) for _, name in pairs], dtype=np.int64
        ),
        names,
    )


def at(signal: Steps, *moments: int) -> list[str | None]:
    return [signal.name(code) for code in signal.at(np.array(moments, dtype=np.int64)).tolist()]


RUNS = (
    OrderRun(100, None, "X", None, "L-1"),
    OrderRun(200, 250, "Y", "p-y", None),
)
PRODUCTS = {"X": "p-x", "A": "p-a"}


def found(
    order: Steps | None, product: Steps | None = None, *, mes_first: bool = False
) -> Execution:
    return execution(order, product, RUNS, PRODUCTS, mes_first=mes_first)


def test_runs_alone_end_at_the_next_one_and_at_their_end() -> None:
    seen = found(None)

    assert at(seen.order, 99, 100, 199, 200, 249, 250) == [None, "X", "X", "Y", "Y", None]
    assert at(seen.product, 99, 100, 200, 250) == [None, "p-x", "p-y", None]
    assert at(seen.lot, 100, 200) == ["L-1", None]
    assert seen.told_since == 100


@pytest.mark.parametrize(
    ("mes_first", "expected"),
    [(False, [None, "X", "A", None]), (True, [None, "X", "X", None])],
)
def test_who_is_believed_first_is_so_from_the_first_word_on(
    mes_first: bool, expected: list[str | None]
) -> None:
    seen = found(steps((150, "A"), (260, None)), mes_first=mes_first)

    assert at(seen.order, 50, 120, 150, 260) == expected
    assert seen.told_since is None


def test_before_the_mes_speaks_the_machine_is_believed() -> None:
    seen = found(steps((10, "A")), mes_first=True)

    assert at(seen.order, 50, 100, 250) == ["A", "X", None]
    assert at(seen.product, 50, 100) == ["p-a", "p-x"]


def test_a_run_gives_its_lot_only_where_its_order_is_in_force() -> None:
    seen = found(steps((0, "X"), (150, "A")))

    assert at(seen.lot, 50, 120, 160) == [None, "L-1", None]


def test_a_product_that_the_machine_tells_outranks_the_run_unless_the_mes_comes_first() -> None:
    order, product = steps((0, "X")), steps((0, None), (120, "p-m"))

    assert at(found(order, product).product, 110, 130) == ["p-x", "p-m"]
    assert at(found(order, product, mes_first=True).product, 110, 130) == ["p-x", "p-x"]
