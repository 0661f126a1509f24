"""A year of many machines, written by set-based SQL into the tables that the services write.

It is what the API reads, not what the ingest would have to do for it: readings, their cells, and
figures by hour and shift come from series of numbers in the database itself, so that a year of a
hundred machines is there in minutes. The cells are summed up from the very rows beside them.
"""

from datetime import UTC, datetime, timedelta

from bench.bench_oee import description
from plant.settings import DatabaseSettings
from store import connect, load_plant, migrate
from store.engine.connection import Connection

START = datetime(2025, 1, 1, tzinfo=UTC)
SITE = "dong-nai/bien-hoa"
LINE = f"{SITE}/x/day-chuyen"
FAST = f"{SITE}/may-1/nhiet-do"
"""The one signal that is read every five seconds; the others every half hour."""
SIGNALS = ("nhiet-do", "rung", "dong-dien", "ap-suat")
_FAST_EVERY = timedelta(seconds=5)
_EVERY = timedelta(minutes=30)
_PIECE = timedelta(days=30)

_TAGS = """
insert into tag (site_id, work_unit_id, edge_id, name, value_type, unit, max_silence_s)
select
    e.site_id, p.place_id, e.edge_id, split_part(p.path, '/', 5) || '/' || n.name, 'number', '°C',
    3600
from place p, edge e, unnest(%(signals)s::text[]) as n (name)
where p.level = 'work_unit'
order by p.position, n.name
"""
# A daily and a weekly wave and something that looks like noise, the same in every run.
_ROWS = """
insert into measurement (tag_id, source_time, received_time, value, quality)
select
    t.tag_id, at, at + interval '1 second',
    round((
        60 + 10 * sin(extract(epoch from at) / 13751) + 4 * sin(extract(epoch from at) / 96000)
        + (hashint8((extract(epoch from at) * 1000)::bigint + t.tag_id) %% 1000) / 400.0
    )::numeric, 2)::float8,
    0
from generate_series(%(start)s::timestamptz, %(end)s::timestamptz - %(every)s, %(every)s) as at
cross join tag t
join place s on s.place_id = t.site_id
where (s.path || '/' || t.name = %(fast)s) = %(is_fast)s
order by at, t.tag_id
"""
_CELLS = """
with cell as (
    select
        tag_id,
        date_bin('5 minutes', source_time, timestamptz '2000-01-01 00:00:00+00') as start_time,
        count(*)::integer as samples, avg(value) as mean,
        min(array[value, extract(epoch from source_time)::float8]) as low,
        max(array[value, -extract(epoch from source_time)::float8]) as high,
        min(array[extract(epoch from source_time)::float8, value]) as first,
        max(array[extract(epoch from source_time)::float8, value]) as last
    from measurement
    where source_time >= %(start)s and source_time < %(end)s
    group by 1, 2
),
both_widths as (
    select tag_id, 300 as width_s, start_time, samples, mean, low, high, first, last from cell
    union all
    select
        tag_id, 3600, date_bin('1 hour', start_time, timestamptz '2000-01-01 00:00:00+00'),
        sum(samples)::integer, sum(mean * samples) / sum(samples), min(low),
        max(high), min(first), max(last)
    from cell
    group by 1, 2, 3
)
insert into measurement_rollup (
    tag_id, width_s, start_time, samples, mean, low, low_time, high, high_time,
    first_value, first_time, last_value, last_time
)
select
    tag_id, width_s, start_time, samples, mean, low[1], to_timestamp(low[2]), high[1],
    to_timestamp(-high[2]), first[2], to_timestamp(first[1]), last[2], to_timestamp(last[1])
from both_widths
order by tag_id, width_s, start_time
"""
_RESULTS = """
insert into oee_result (
    place_id, kind, window_start, window_end, business_date, shift, availability, effectiveness,
    quality_ratio, oee, coverage, availability_low, availability_high, missing, faults,
    pbt_ms, apt_ms, aust_ms, adet_ms, adot_ms, unknown_ms, produced_quantity, good_quantity,
    scrap_quantity, rework_quantity, failure_events, energy_kwh, run_time_coverage,
    policy_version, formula_version, as_of, final
)
select
    p.place_id, %(kind)s, at, at + %(every)s::interval, at::date,
    case when %(kind)s = 'shift' then 'ca-' || (extract(hour from at)::integer / 8 + 1) end,
    a, e, q, a * e * q, 0.995, a - 0.005, a, '{}', '{}',
    ms, (ms * a)::bigint, 0, ms - (ms * a)::bigint, 0, 0, 500 * e, 500 * e * q,
    500 * e * (1 - q), 0, 1, 41.5, 1, 1, 'bench', at + %(every)s::interval, true
from place p
cross join generate_series(
    %(start)s::timestamptz, %(end)s::timestamptz - %(every)s::interval, %(every)s::interval
) as at
cross join lateral (
    select
        0.6 + (hashint8(extract(epoch from at)::bigint + p.place_id) %% 1000) / 5000.0 as a,
        0.8 + (hashint8(extract(epoch from at)::bigint - p.place_id) %% 1000) / 8000.0 as e,
        0.97 as q, (extract(epoch from %(every)s::interval) * 1000)::bigint as ms
) made
where p.level in ('work_unit', 'work_center', 'site')
order by 3, 1
"""


def store_year(settings: DatabaseSettings, machines: int, days: int) -> datetime:
    """Write the year; return the moment at which it ends."""
    migrate(settings)
    load_plant(settings, description(machines))
    end = START + timedelta(days=days)
    with connect(settings, autocommit=True) as connection:
        connection.execute(_TAGS.encode(), {"signals": list(SIGNALS)})
        at = START
        while at < end:
            piece = {"start": at, "end": min(at + _PIECE, end), "fast": FAST}
            for is_fast, every in ((False, _EVERY), (True, _FAST_EVERY)):
                connection.execute(_ROWS.encode(), piece | {"is_fast": is_fast, "every": every})
            connection.execute(_CELLS.encode(), piece)
            print(f"  stored until {piece['end']:%Y-%m-%d}", flush=True)
            at += _PIECE
        for kind, every in (("hour", timedelta(hours=1)), ("shift", timedelta(hours=8))):
            asked = {"kind": kind, "every": every, "start": START, "end": end}
            connection.execute(_RESULTS.encode(), asked)
        connection.execute("vacuum analyze")
    return end


def counts(connection: Connection) -> dict[str, int]:
    """Return how many rows there are."""
    found = {}
    for table in ("measurement", "measurement_rollup", "oee_result"):
        row = connection.execute(f"select count(*) from {table}".encode()).fetchone()  # noqa: S608 - names of ours
        found[table] = int(row[0]) if row else 0
    return found
