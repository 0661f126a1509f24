from dataclasses import replace

import pytest

from edge_agent.outbox import ROW_BYTES, OutboxState
from edge_agent.publisher.buffer_forecast import LOOKS, BufferForecast
from tests.unit.edge_agent.outbox.outboxes import HOUR, NOW, memory_outbox

EMPTY = memory_outbox().state()
MAX_HOURS = 72.0


def state(
    issued: int, pending: int = 0, oldest_pending_age_s: int = 0, used_bytes: int = 0
) -> OutboxState:
    return replace(
        EMPTY,
        issued_id=issued,
        pending=pending,
        confirmed=issued - pending,
        oldest_pending_age_s=oldest_pending_age_s,
        used_bytes=used_bytes,
    )


def told(states: list[OutboxState], max_rows: int = 10_000) -> list[float | None]:
    forecast = BufferForecast(max_rows * ROW_BYTES, MAX_HOURS)
    return [forecast.hours_left(NOW + n * HOUR, one) for n, one in enumerate(states)]


def test_the_hours_are_told_before_the_connection_is_lost() -> None:
    *before, last = told([state(500 * n) for n in range(LOOKS)])

    assert before == [None] * (LOOKS - 1)
    assert last == 10_000 / 500


def test_the_hours_become_fewer_while_nothing_is_confirmed() -> None:
    found = told([state(500 * n, pending=500 * n) for n in range(LOOKS + 2)])

    assert found[LOOKS - 1 :] == [(10_000 - 500 * n) / 500 for n in range(LOOKS - 1, LOOKS + 2)]


def test_the_bound_in_hours_is_told_when_it_is_reached_first() -> None:
    fresh = [state(n) for n in range(LOOKS)]
    assert told(fresh)[-1] == MAX_HOURS
    kept = [state(n, pending=n, oldest_pending_age_s=n * 36_000) for n in range(LOOKS)]
    assert told(kept)[-1] == MAX_HOURS - (LOOKS - 1) * 10
    overdue = [state(n, pending=n, oldest_pending_age_s=999_999) for n in range(LOOKS)]
    assert told(overdue)[-1] == 0


def test_a_machine_that_stands_has_all_the_hours() -> None:
    assert told([state(500)] * LOOKS)[-1] == MAX_HOURS


def test_long_texts_leave_fewer_hours_than_numbers() -> None:
    long = [
        state(500 * n, pending=500 * n, used_bytes=500 * n * 4 * ROW_BYTES) for n in range(LOOKS)
    ]
    assert told(long)[-1] == 0
    assert told(long, max_rows=100_000)[-1] == (25_000 - 2_500) / 500


def test_a_full_outbox_has_no_hours_left() -> None:
    full = [state(500 * n, pending=min(500 * n, 1_000)) for n in range(LOOKS)]
    assert told(full, max_rows=1_000)[-1] == 0


@pytest.mark.parametrize("epoch", ["next", EMPTY.epoch], ids=["new life", "clock set back"])
def test_it_looks_anew_when_a_new_life_begins_or_the_clock_is_set_back(epoch: str) -> None:
    forecast = BufferForecast(10_000 * ROW_BYTES, MAX_HOURS)
    for n in range(LOOKS):
        forecast.hours_left(NOW + n * HOUR, state(500 * n))
    at = NOW if epoch == EMPTY.epoch else NOW + LOOKS * HOUR

    assert forecast.hours_left(at, replace(state(10), epoch=epoch)) is None
