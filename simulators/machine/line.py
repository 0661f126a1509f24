"""A serial line: its machines, the buffers between them, and the orders that go through."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from plant.description import ProductionOrder
from simulators.machine.activity import Activity
from simulators.machine.behaviour import FloorSettings
from simulators.machine.flow import Buffer, Order, Record
from simulators.machine.machine import Machine


class OrderBook:
    """The orders of a plant, one after another; a finished list starts anew as `-2`, `-3`, ..."""

    def __init__(self, orders: Sequence[ProductionOrder]) -> None:
        self._orders = tuple(orders)

    def order(self, sequence: int) -> Order:
        """Return the order of a place in the sequence, counted from 0."""
        turn, index = divmod(sequence, len(self._orders))
        given = self._orders[index]
        number = given.number if turn == 0 else f"{given.number}-{turn + 1}"
        return Order(sequence, number, given.product, int(given.planned_quantity))


class Line:
    """The line; the first machine takes an order up when it is due, the others follow."""

    def __init__(
        self,
        settings: FloorSettings,
        book: OrderBook,
        seed: int,
        record: Record,
        run_time: Callable[[str, str, int], float],
        moduli: dict[str, dict[str, int]],
        resets: bool,
    ) -> None:
        """Assign; `run_time(machine, product, tick)` is in seconds, `moduli` by machine and key."""
        self._settings = settings
        self._book = book
        self._record = record
        # One generator per machine and one for the orders, so that none disturbs another.
        *for_machines, for_orders = np.random.SeedSequence(seed).spawn(len(settings.machines) + 1)
        self._rng = np.random.default_rng(for_orders)
        self._buffers = [
            Buffer(machine.buffer.capacity, machine.buffer.restart)
            for machine in settings.machines[:-1]
        ]
        self._started = 0
        self._next_sequence = 0
        self._next_release_tick = 0
        reasons = (settings.starved_reason, settings.blocked_reason)
        self.machines = [
            Machine(
                position,
                machine,
                np.random.default_rng(sequence),
                self,
                record,
                partial(run_time, machine.code),
                moduli.get(machine.code, {}),
                reasons,
                resets,
            )
            for position, (machine, sequence) in enumerate(
                zip(settings.machines, for_machines, strict=True)
            )
        ]

    def advance(self, tick: int, works: bool) -> None:
        """Advance every machine by one tick, in the order of the flow."""
        for machine in self.machines:
            machine.advance(tick, works)

    def order_for(self, position: int, tick: int) -> Order | None:
        """Return the next order for a machine: when released, or when it comes down the line."""
        machine = self.machines[position]
        if position == 0:
            if tick < self._next_release_tick:
                return None
            self._started = 0
            order = self._book.order(self._next_sequence)
            self._next_sequence += 1
        else:
            if self.machines[position - 1].sequence <= machine.sequence:
                return None
            order = self._book.order(machine.sequence + 1)
        self._record.order_loaded(machine.settings.code, order)
        return order

    def may_start(self, position: int) -> bool:
        """Return whether the machine has material; after starving, enough to be worth starting."""
        if position == 0:
            return True
        machine = self.machines[position]
        buffer = self._buffers[position - 1]
        if not buffer.parts or buffer.parts[0] != machine.sequence:
            return False
        if machine.activity is not Activity.STARVED:
            return True
        waiting = buffer.parts.count(machine.sequence)
        return waiting >= buffer.restart or self._is_done(position - 1, machine.sequence)

    def has_room(self, position: int) -> bool:
        """Return whether there is room behind the machine; after blocking, enough of it."""
        if position == len(self._buffers):
            return True
        buffer = self._buffers[position]
        free = buffer.capacity - len(buffer.parts)
        blocked = self.machines[position].activity is Activity.BLOCKED
        return free >= (buffer.restart if blocked else 1)

    def is_through(self, position: int) -> bool:
        """Return whether the machine has seen the last part of its order."""
        machine = self.machines[position]
        if position == 0:
            return machine.order is not None and self._started >= machine.order.quantity
        buffer = self._buffers[position - 1]
        if buffer.parts and buffer.parts[0] == machine.sequence:
            return False
        return self._is_done(position - 1, machine.sequence)

    def take(self, position: int) -> None:
        """Take one part of the machine's order from the buffer in front of it."""
        if position == 0:
            self._started += 1
        else:
            self._buffers[position - 1].parts.pop(0)

    def put(self, position: int) -> None:
        """Put one part of the machine's order into the buffer behind it."""
        if position < len(self._buffers):
            self._buffers[position].parts.append(self.machines[position].sequence)

    def unloaded(self, position: int, tick: int) -> None:
        """Note a finished order; behind the last one of the first machine there may be a gap."""
        machine = self.machines[position]
        self._record.order_unloaded(machine.settings.code, self._book.order(machine.sequence))
        if position == 0:
            gap = 0.0
            if self._rng.random() < self._settings.order_gap_share:
                gap = self._rng.uniform(*self._settings.order_gap_s)
            self._next_release_tick = tick + round(gap)

    def _is_done(self, position: int, sequence: int) -> bool:
        machine = self.machines[position]
        return machine.sequence > sequence or (
            machine.sequence == sequence and machine.order is None
        )
