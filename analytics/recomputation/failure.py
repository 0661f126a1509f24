"""Failures of one work unit, from its tiles to the rows that figures of them are formed from."""

from datetime import timedelta

from analytics.readings.interval import instant, millis
from analytics.recomputation.unit import tile_of
from plant.kpi import OeePolicy
from plant.kpi.reliability import failures
from store.engine.connection import Connection
from store.figure import derived as figure
from store.figure import failure as figure_failure


def rewrite_failures(
    connection: Connection,
    unit_id: int,
    policy: OeePolicy,
    span: tuple[int, int],
    horizon: int,
) -> set[int]:
    """Derive the failures of a work unit again wherever a span of milliseconds may change them.

    Returns the hours in which another number of them begins now. Call it in the transaction that
    rewrote the tiles, stops and base sums.
    """
    around = figure_failure.failure_neighbourhood(
        connection,
        unit_id,
        instant(span[0]),
        instant(span[1]),
        policy.failure_states,
        timedelta(seconds=policy.failure_merge_s),
    )
    tiles = [tile_of(row) for row in figure.state_intervals(connection, unit_id, *around)]
    rows = [
        figure_failure.FailureRow(
            instant(one.start), None if one.end is None else instant(one.end), one.worked_ms
        )
        for one in failures(tiles, policy, horizon)
    ]
    changed = figure_failure.replace_failures(connection, unit_id, *around, rows)
    return {millis(hour) for hour in changed}
