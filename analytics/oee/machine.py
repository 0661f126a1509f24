"""What a machine says of itself, as step signals under standard names."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.oee.execution import OrderRun, execution
from analytics.readings.interval import Moments, floor_ms
from analytics.readings.signal import (
    NO_TEXT,
    NOTHING,
    Steps,
    TextReadings,
    held,
    ordered_text,
)
from plant.measurement import Quality
from plant.place import told_code
from plant.state import (
    BREAKDOWN_STATES,
    HELD_STATES,
    IDLE_STATES,
    OTHER_STATES,
    PRODUCING_STATES,
    SETUP_MODES,
    SUSPENDED_STATES,
)

_NEVER = Steps(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), ())
PACKML_STATES = PRODUCING_STATES | BREAKDOWN_STATES | HELD_STATES | SUSPENDED_STATES | IDLE_STATES
KNOWN_STATES = PACKML_STATES | OTHER_STATES
_STANDING = KNOWN_STATES - PRODUCING_STATES


@dataclass(frozen=True, slots=True)
class MachineSignals:
    """What a machine says of itself; a signal that it does not have is None."""

    state: TextReadings | None = None
    state_silence_ms: int = 60_000
    mode: TextReadings | None = None
    mode_silence_ms: int = 60_000
    order: TextReadings | None = None
    product: TextReadings | None = None
    stop_reason: TextReadings | None = None
    state_map: Mapping[str, str] | None = None
    """Vendor state names to PackML names."""
    order_products: Mapping[str, str] | None = None
    """Products by order number, for machines that give only the order."""
    runs: tuple[OrderRun, ...] = ()
    """Orders as an MES tells them: those of the window and the one before."""
    mes_first: bool = False
    """Whether the MES is believed where both tell the order."""


@dataclass(frozen=True, slots=True)
class HeldSignals:
    """The step signals that a timeline is made of."""

    state: Steps
    """Codes into PackML names; unmapped names are `NOTHING`."""
    mode: Steps | None
    order: Steps | None
    product: Steps
    lot: Steps
    orders_since: int | None
    """From when orders are told, where the machine itself does not tell them."""
    stop_reason: Steps
    unmapped: tuple[tuple[str, Moments], ...]
    """State names that mean nothing here, and when they were given."""


def held_signals(machine: MachineSignals) -> HeldSignals:
    """Return the step signals of a machine's readings.

    A state stands until the next reading, at most for its silence limit, and not through bad
    ones, unless the machine stood before and stands in the same way within that limit. A mode
    stands through bad readings up to its own limit. Orders, products and reasons stand until
    another one is given: silence does not end an order. Orders that an MES tells join those of the
    machine; see `analytics.oee.execution`.
    """
    state, unmapped = _packml(machine.state or NO_TEXT, machine.state_map or {})
    mode = None
    if machine.mode is not None:
        mode = held(machine.mode, machine.mode_silence_ms, through_bad=True)
    order = None if machine.order is None else _codes(held(machine.order, through_bad=True))
    named = None
    if machine.product is not None:
        named = _codes(held(machine.product, through_bad=True))
    lot, since = _NEVER, None
    if machine.runs:
        found = execution(
            order, named, machine.runs, machine.order_products or {}, mes_first=machine.mes_first
        )
        order, product, lot, since = found.order, found.product, found.lot, found.told_since
    elif named is None and order is not None:
        product = _renamed(order, machine.order_products or {})
    else:
        product = named or _NEVER
    reason = _codes(held(machine.stop_reason or NO_TEXT, through_bad=True))
    return HeldSignals(
        state=held(_bridged(state, machine.state_silence_ms), machine.state_silence_ms),
        mode=mode,
        order=order,
        product=product,
        lot=lot,
        orders_since=since,
        stop_reason=reason,
        unmapped=unmapped,
    )


def is_setup(names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return for each mode name whether it is a setup mode, and False for `NOTHING`; (n + 1,)."""
    return np.array([name.upper() in SETUP_MODES for name in names] + [False], dtype=np.bool_)


def _packml(
    readings: TextReadings, state_map: Mapping[str, str]
) -> tuple[TextReadings, tuple[tuple[str, Moments], ...]]:
    """Return the readings under PackML names, and the names that have none."""
    targets = [state_map.get(name, name).strip().upper() for name in readings.names]
    names = tuple(sorted({target for target in targets if target in KNOWN_STATES}))
    codes = np.array(
        [names.index(target) if target in names else NOTHING for target in targets] + [NOTHING],
        dtype=np.int64,
    )
    used = readings.quality < Quality.BAD
    unmapped = tuple(
        (name, floor_ms(readings.time_us[used & (readings.codes == code)]))
        for code, (name, target) in enumerate(zip(readings.names, targets, strict=True))
        if target not in names
    )
    mapped = TextReadings(readings.time_us, codes[readings.codes], readings.quality, names)
    return mapped, unmapped


def _bridged(readings: TextReadings, silence_ms: int) -> TextReadings:
    """Return the readings without bad ones in the middle of one and the same stop."""
    rows = ordered_text(readings)
    good = np.flatnonzero(rows.quality < Quality.BAD)
    if good.size == rows.quality.size or good.size < 2:
        return rows
    standing = np.array([name in _STANDING for name in rows.names] + [False], dtype=np.bool_)
    codes, times = rows.codes[good], rows.time_us[good]
    joined = (codes[1:] == codes[:-1]) & standing[codes[1:]]
    joined &= np.diff(floor_ms(times)) <= silence_ms
    after = np.searchsorted(good, np.arange(rows.quality.size))
    between = (after > 0) & (after < good.size) & (rows.quality >= Quality.BAD)
    dropped = np.zeros(rows.quality.size, dtype=np.bool_)
    dropped[between] = joined[after[between] - 1]
    kept = ~dropped
    return TextReadings(rows.time_us[kept], rows.codes[kept], rows.quality[kept], rows.names)


def _codes(steps: Steps) -> Steps:
    """Return the signal under codes as documents write them, blank texts as `NOTHING`."""
    return _renamed(steps, {name: code for name in steps.names if (code := told_code(name))})


def _renamed(steps: Steps, names: Mapping[str, str]) -> Steps:
    """Return the signal under other names; those without one become `NOTHING`."""
    known = tuple(sorted(set(names.values())))
    codes = np.array(
        [known.index(names[name]) if name in names else NOTHING for name in steps.names]
        + [NOTHING],
        dtype=np.int64,
    )
    return Steps(steps.times, codes[steps.codes], known)
