"""Thirty days of forty machines in four lines, written by set-based SQL.

It is what boards and pages read, not what the services would compute: states of five minutes each
come from numbers in the database itself, and stops, base sums, and figures by hour and shift are
summed up from those very states, so that what is beside each other agrees.
"""

from datetime import UTC, datetime, timedelta

from plant.description import PlantDescription
from plant.settings import DatabaseSettings
from store import connect, load_plant

START = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
DAYS = 30
END = START + timedelta(days=DAYS)
"""10:00 in Hồ Chí Minh City: the plant's present, in the middle of the first shift."""
ENTERPRISE = "dong-nai"
SITE = f"{ENTERPRISE}/bien-hoa"
LINES = [f"{SITE}/xuong/day-chuyen-{number}" for number in range(1, 5)]
LINE = LINES[0]
UNIT = f"{LINE}/may-1"
MACHINES = 40
SIGNAL = "day-chuyen-1/may-1/nhiet-do"

_EDGES = """
insert into tag (site_id, work_unit_id, edge_id, name, value_type, unit, max_silence_s)
select e.site_id, p.place_id, e.edge_id,
    split_part(p.path, '/', 4) || '/' || split_part(p.path, '/', 5) || '/' || n.name,
    'number', n.unit, 3600
from place p, edge e, (values ('nhiet-do', 'Cel'), ('rung', 'mm/s')) as n (name, unit)
where p.level = 'work_unit'
order by p.path, n.name
"""
_STATUS = """
insert into edge_status (edge_id, online, epoch, reported_at, issued_id, pending, sampled_time,
    buffer_hours_left, clock_offset_ms)
select edge_id, true, 'life', %(end)s, 1000000, 0, %(end)s, 72, 3 from edge
"""
_LEDGER = """
insert into delivery_ledger (edge_id, epoch, committed, issued_id)
select edge_id, 'life', '{[1,1000001)}', 1000000 from edge
"""
# Two machines in three are read every half hour, the first one every half minute.
_READINGS = """
insert into measurement (tag_id, source_time, received_time, value, quality)
select t.tag_id, at, at + interval '1 second',
    60 + 10 * sin(extract(epoch from at) / 13751) + (hashint8(extract(epoch from at)::bigint
        + t.tag_id) % 1000) / 400.0, 0
from tag t
cross join lateral generate_series(
    %(start)s::timestamptz, %(end)s::timestamptz - interval '1 second',
    case when t.name = %(signal)s then interval '30 seconds' else interval '30 minutes' end) as at
"""
_STATES = """
with drawn as (
    select u.place_id, at, extract(doy from at)::int as day, l.position as line,
        (hashint8(extract(epoch from at)::bigint * 64 + u.place_id) & 2147483647) % 100 as die
    from place u
    join place l on l.place_id = u.parent_id
    cross join generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '5 minutes',
        interval '5 minutes') as at
    where u.level = 'work_unit'
)
insert into state_interval (work_unit_id, start_time, end_time, element, state, stop_kind,
    stop_reason, order_number, product_code)
select place_id, at, at + interval '5 minutes', element,
    case element when 'production' then 'EXECUTE' when 'unknown' then null else 'HELD' end, kind,
    case when die between 80 and 85 then 'ket-phoi' when die in (88, 89) then 'cho-vat-tu' end,
    case when element <> 'unknown' then 'LSX-' || line + 1 || '-' || day end,
    case when element <> 'unknown' then case (day + line) % 2 when 0 then 'truc' else 'banh' end end
from drawn
cross join lateral (values (
    case when die < 80 then 'production' when die < 92 then 'delay' when die < 95 then 'setup'
        when die < 98 then 'down' else 'unknown' end,
    case when die < 80 then null when die < 86 then 'held' when die < 90 then 'suspended'
        when die < 92 then 'breakdown' end
)) as made (element, kind)
"""
_STOPS = """
with marked as (
    select *, stop_kind is distinct from lag(stop_kind) over machine
        or element is distinct from lag(element) over machine as begins
    from state_interval
    window machine as (partition by work_unit_id order by start_time)
), numbered as (
    select *, sum(begins::int) over (partition by work_unit_id order by start_time) as run
    from marked
)
insert into stop (work_unit_id, start_time, end_time, element, state, stop_kind, stop_reason,
    machine_reason)
select work_unit_id, min(start_time), max(end_time), element, min(state), stop_kind,
    min(stop_reason), min(stop_reason)
from numbered
where element in ('delay', 'down')
group by work_unit_id, run, element, stop_kind
"""
_SUMS = """
with spent as (
    select work_unit_id, date_trunc('hour', start_time) as hour, element, stop_kind, order_number,
        product_code, 300000 as ms
    from state_interval
), hourly as (
    select work_unit_id, hour, max(order_number) as order_number, max(product_code) as product,
        coalesce(sum(ms) filter (where element = 'production'), 0) as apt,
        coalesce(sum(ms) filter (where element = 'setup'), 0) as aust,
        coalesce(sum(ms) filter (where element = 'delay'), 0) as adet,
        coalesce(sum(ms) filter (where element = 'down'), 0) as adot,
        coalesce(sum(ms) filter (where element = 'unknown'), 0) as unknown,
        coalesce(sum(ms) filter (where stop_kind = 'breakdown'), 0) as broken,
        count(*) filter (where stop_kind = 'breakdown') as failures
    from spent
    group by 1, 2
)
insert into base_sum (work_unit_id, slice_start, slice_end, hour, business_date, shift, shift_start,
    shift_end, order_number, product_code, calendar_ms, pot_ms, pbt_ms, apt_ms, aust_ms, adet_ms,
    adot_ms, unknown_ms, unscheduled_production_ms, pri_pq_ms, pri_gq_ms, produced_quantity,
    good_quantity, scrap_quantity, failure_events, energy_kwh, policy_version, formula_version,
    as_of, breakdown_ms, line_pri_gq_ms, start_up_pri_ms, idle_energy_kwh, produced_items,
    good_items, scrap_items)
select work_unit_id, hour, hour + interval '1 hour', hour, begun::date + 1,
    'ca-' || (floor(extract(epoch from hour - begun) / 28800)::int + 1),
    begun + floor(extract(epoch from hour - begun) / 28800) * interval '8 hours',
    begun + (floor(extract(epoch from hour - begun) / 28800) + 1) * interval '8 hours',
    order_number, product, 3600000, 3600000, 3600000, apt, aust, adet, adot, unknown, 0,
    parts * run_ms, good * run_ms, parts, good, parts - good, failures, apt / 400000.0 + 1, 1,
    '1', hour + interval '1 hour', broken, good * run_ms, 0, (3600000 - apt) / 3600000.0,
    parts, good, parts - good
from hourly
cross join lateral (values (case product when 'truc' then 20000 else 30000 end)) as planned (run_ms)
cross join lateral (values (
    date_trunc('day', hour - interval '23 hours') + interval '23 hours',
    round(apt / (run_ms * 1.125))
)) as made (begun, parts)
cross join lateral (values (floor(parts * 0.97))) as kept (good)
"""
_RESULTS = """
with summed as (
    select p.place_id, p.path,
        case when %(kind)s = 'hour' then b.hour else b.shift_start end as begun,
        max(case when %(kind)s = 'hour' then b.slice_end else b.shift_end end) as ended,
        min(b.business_date) as day, min(b.shift) as shift, sum(b.pbt_ms) as pbt,
        sum(b.apt_ms) as apt, sum(b.aust_ms) as aust, sum(b.adet_ms) as adet,
        sum(b.adot_ms) as adot, sum(b.unknown_ms) as unknown, sum(b.pri_pq_ms) as pri_pq,
        sum(b.pri_gq_ms) as pri_gq,
        sum(b.produced_quantity) as pq, sum(b.good_quantity) as gq, sum(b.energy_kwh) as kwh,
        sum(b.failure_events) as failures
    from base_sum b
    join place u on u.place_id = b.work_unit_id
    join place p on u.path = p.path or starts_with(u.path, p.path || '/')
    where p.level in ('work_unit', 'work_center', 'site')
    group by 1, 2, 3
)
insert into oee_result (place_id, kind, window_start, window_end, business_date, shift,
    availability, effectiveness, quality_ratio, oee, coverage, availability_low, availability_high,
    pbt_ms, apt_ms, aust_ms, adet_ms, adot_ms, unknown_ms, produced_quantity, good_quantity,
    scrap_quantity, failure_events, energy_kwh, policy_version, formula_version, as_of, final,
    faults)
select place_id, %(kind)s, begun, ended, day, shift, apt / pbt, pri_pq / nullif(apt, 0),
    pri_gq / nullif(pri_pq, 0), pri_gq / pbt,
    1 - unknown / pbt, apt / pbt, (apt + unknown) / pbt, pbt, apt, aust, adet, adot, unknown, pq,
    gq, pq - gq, failures, kwh, 1, '1', least(ended, %(end)s::timestamptz),
    ended <= %(end)s::timestamptz,
    case when unknown / pbt > 0.08 then array['machine_silent:' || path] else '{}' end
from summed
"""
_REFUSED = """
insert into rejection (received_time, topic, edge_id, tag_name, reason, detail, raw)
select at, 'nm/v1/dong-nai/bien-hoa/edge-1/data', edge_id, 'day-chuyen-1/may-1/rung',
    case when extract(minute from at) < 20 then 'out_of_range' else 'wrong_type' end, 'too high', ''
from edge
cross join generate_series(%(start)s::timestamptz, %(end)s::timestamptz, interval '5 minutes') as at
"""
_CELLS = """
insert into measurement_rollup (tag_id, width_s, start_time, samples, mean, low, low_time, high,
    high_time, first_value, first_time, last_value, last_time)
select tag_id, w, date_bin(w * interval '1 second', source_time, '2000-01-01 00:00:00+00') as cell,
    count(*), avg(value), min(value), min(source_time), max(value), max(source_time),
    (array_agg(value order by source_time))[1], min(source_time),
    (array_agg(value order by source_time desc))[1], max(source_time)
from measurement, (values (300), (3600)) as width (w)
group by 1, 2, 3
"""


def description() -> PlantDescription:
    """Return a site of four lines of ten machines, with three shifts a day."""
    codes = [f"may-{number}" for number in range(1, MACHINES // len(LINES) + 1)]
    shifts = [("ca-1", "06:00", "14:00"), ("ca-2", "14:00", "22:00"), ("ca-3", "22:00", "06:00")]
    lines = [line.rpartition("/")[2] for line in LINES]
    kinds = ("tiện", "phay", "mài", "ép", "rửa")
    return PlantDescription.model_validate(
        {
            "enterprise": {"code": ENTERPRISE, "name_vi": "Cơ khí Đồng Nai"},
            "sites": [
                {
                    "code": "bien-hoa",
                    "name_vi": "Nhà máy Biên Hòa",
                    "edges": ["edge-1"],
                    "shifts": [
                        {"name": name, "start": start, "end": end} for name, start, end in shifts
                    ],
                    "areas": [
                        {
                            "code": "xuong",
                            "name_vi": "Xưởng cơ khí",
                            "work_centers": [
                                {
                                    "code": line,
                                    "name_vi": f"Dây chuyền {number}",
                                    "bottleneck": "may-3",
                                    "work_units": [
                                        {
                                            "code": code,
                                            "name_vi": f"Máy {kinds[k % 5]} {number}.{k + 1}",
                                        }
                                        for k, code in enumerate(codes)
                                    ],
                                }
                                for number, line in enumerate(lines, start=1)
                            ],
                        }
                    ],
                }
            ],
            "products": [
                {
                    "code": product,
                    "name_vi": name,
                    "planned_run_times": [
                        {"work_unit": f"bien-hoa/xuong/{line}/{code}", "seconds": seconds}
                        for line in lines
                        for code in codes
                    ],
                }
                for product, name, seconds in (("truc", "Trục", 20), ("banh", "Bánh răng", 30))
            ],
            "stop_reasons": [
                {"code": "ket-phoi", "name_vi": "Kẹt phôi"},
                {"code": "cho-vat-tu", "name_vi": "Chờ vật tư"},
            ],
        }
    )


def store_month(database: DatabaseSettings) -> None:
    """Fill a migrated, empty database with the month."""
    load_plant(database, description())
    asked = {"start": START, "end": END, "signal": SIGNAL}
    with connect(database, autocommit=True) as connection:
        for statement in (
            _EDGES,
            _STATUS,
            _LEDGER,
            _READINGS,
            _REFUSED,
            _CELLS,
            _STATES,
            _STOPS,
            _SUMS,
        ):
            given = asked if "%(" in statement else None
            text = statement if given is None else statement.replace(" % ", " %% ")
            connection.execute(text.encode(), given)
        for kind in ("hour", "shift"):
            connection.execute(_RESULTS.encode(), {"kind": kind, "end": END})
        # Nothing of the plan's own changes is left to be computed again.
        connection.execute("delete from dirty_window")
        connection.execute("vacuum analyze")
