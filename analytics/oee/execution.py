"""Which order is executed: as the machine tells it, as an MES does, and who is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.readings.interval import Moments
from analytics.readings.signal import NOTHING, Codes, Steps


@dataclass(frozen=True, slots=True)
class OrderRun:
    """An order on a machine as an MES tells it, in milliseconds."""

    start: int
    end: int | None
    """None while it lasts."""
    order: str
    product: str | None
    """None where the order says it."""
    lot: str | None


@dataclass(frozen=True, slots=True)
class Execution:
    """What is executed, as signals."""

    order: Steps
    product: Steps
    lot: Steps
    told_since: int | None
    """From when orders are told at all: before that nobody can claim that there was none. None
    where the machine itself tells them."""


def execution(
    order: Steps | None,
    product: Steps | None,
    runs: Sequence[OrderRun],
    order_products: Mapping[str, str],
    *,
    mes_first: bool,
) -> Execution:
    """Return the order, product and lot in force, from a machine's signals and an MES's runs.

    Whoever is believed first is believed from its first word on, also when that word is that there
    is no order; before it the other one is. A run gives its product and lot wherever its order is
    the one in force; a product that the machine tells outranks it unless the MES is believed
    first. A run lasts until its end and at most until the next one begins.
    """
    told = sorted(runs, key=lambda run: run.start)
    moments = _moments(order, product, told)
    run = _run_at(told, moments)
    names = _Names([one.order for one in told] + list(order.names if order else ()))
    of_runs = names.codes([one.order for one in told])[run]
    if order is None:
        chosen = of_runs
    else:
        own = names.codes(order.names)[order.at(moments)]
        first = told[0].start
        spoke = moments >= (order.times[0] if order.times.size else np.iinfo(np.int64).max)
        by_machine = (moments < first) if mes_first else spoke
        chosen = np.where(by_machine, own, of_runs)
    agrees = (run >= 0) & (of_runs == chosen)
    lots = _Names([one.lot for one in told])
    return Execution(
        order=Steps(moments, chosen, names.names),
        product=_product(
            moments,
            product,
            chosen,
            names,
            np.where(agrees, run, NOTHING),
            told,
            order_products,
            mes_first=mes_first,
        ),
        lot=Steps(
            moments,
            lots.codes([one.lot for one in told])[np.where(agrees, run, NOTHING)],
            lots.names,
        ),
        told_since=None if order is not None else told[0].start,
    )


class _Names:
    """Codes of texts; None and whatever is no name is `NOTHING`."""

    def __init__(self, names: Sequence[str | None]) -> None:
        self.names = tuple(sorted({name for name in names if name is not None}))
        self._codes: dict[str | None, int] = {name: code for code, name in enumerate(self.names)}

    def codes(self, names: Sequence[str | None]) -> Codes:
        """Return the code of each name and of `NOTHING` behind them; shape (n + 1,)."""
        return np.array(
            [self._codes.get(name, NOTHING) for name in names] + [NOTHING], dtype=np.int64
        )


def _moments(order: Steps | None, product: Steps | None, runs: Sequence[OrderRun]) -> Moments:
    of_runs = [moment for run in runs for moment in (run.start, run.end) if moment is not None]
    signals = [signal.times for signal in (order, product) if signal is not None]
    return np.unique(np.concatenate([*signals, np.array(of_runs, dtype=np.int64)]))


def _run_at(runs: Sequence[OrderRun], moments: Moments) -> NDArray[np.int64]:
    """Return the index of the run in force at each moment, `NOTHING` without one."""
    starts = np.array([run.start for run in runs], dtype=np.int64)
    far = np.iinfo(np.int64).max
    ends = np.array([far if run.end is None else run.end for run in runs] + [0], dtype=np.int64)
    run = np.searchsorted(starts, moments, side="right") - 1
    return np.where((run >= 0) & (moments < ends[run]), run, NOTHING)


def _product(
    moments: Moments,
    product: Steps | None,
    order: Codes,
    orders: _Names,
    run: NDArray[np.int64],
    runs: Sequence[OrderRun],
    order_products: Mapping[str, str],
    *,
    mes_first: bool,
) -> Steps:
    of_run = [one.product or order_products.get(one.order) for one in runs]
    of_order = [order_products.get(name) for name in orders.names]
    names = _Names([*of_run, *of_order, *(product.names if product else ())])
    by_run = names.codes(of_run)[run]
    if product is None:
        chosen = np.where(by_run >= 0, by_run, names.codes(of_order)[order])
    else:
        own = names.codes(product.names)[product.at(moments)]
        first, second = (by_run, own) if mes_first else (own, by_run)
        chosen = np.where(first >= 0, first, second)
    return Steps(moments, chosen, names.names)
