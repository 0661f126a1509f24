-- part: units
select p.place_id, p.path from place p where p.path = any(%(units)s)

-- name: days
-- Sums per machine and working day: what E01, E02, E05, E06, E14 and E18 are made of.
select u.path as work_unit, b.business_date as day,
    sum(b.pbt_ms)::bigint as planned_ms,
    sum(b.pbt_ms - b.unknown_ms)::bigint as known_ms,
    sum(b.apt_ms)::bigint as run_ms,
    sum(b.apt_ms) filter (where b.order_number is not null)::bigint as ordered_ms,
    sum(b.aust_ms)::bigint as setup_ms, sum(b.adet_ms)::bigint as delay_ms,
    sum(b.adot_ms)::bigint as down_ms,
    sum(b.pri_pq_ms) as pri_pq_ms, sum(b.pri_gq_ms) as pri_gq_ms,
    sum(b.produced_quantity) as produced, sum(b.good_quantity) as good,
    sum(b.scrap_quantity) as scrap,
    sum(b.energy_kwh) as energy_kwh, sum(b.idle_energy_kwh) as idle_kwh,
    sum(b.inspected_parts)::bigint as inspected, sum(b.good_at_first_parts)::bigint as passed_first,
    count(*) filter (where b.produced_quantity is not null) as counted,
    min(b.formula_version) as formula_version, max(b.formula_version) as last_formula_version
from base_sum b
join ({units}) u on u.place_id = b.work_unit_id
where b.slice_start >= %(start)s and b.slice_start < %(end)s and b.business_date is not null
group by 1, 2 order by 1, 2

-- name: products
-- Good parts by product.
select coalesce(b.product_code, ''), sum(b.good_quantity)
from base_sum b
join ({units}) u on u.place_id = b.work_unit_id
where b.slice_start >= %(start)s and b.slice_start < %(end)s and b.good_quantity > 0
group by 1 order by 1

-- name: stops
-- Unplanned stops by machine and kind: how many, how long, how much of it with a reason.
select u.path, coalesce(s.stop_kind, s.element), count(*),
    sum(extract(epoch from least(s.end_time, %(end)s) - greatest(s.start_time, %(start)s)) * 1000
        - s.paused_ms)::bigint,
    coalesce(sum(extract(epoch from least(s.end_time, %(end)s) - greatest(s.start_time, %(start)s))
        * 1000 - s.paused_ms) filter (where s.stop_reason is not null), 0)::bigint,
    count(*) filter (where s.classification_id is not null)
from stop s
join ({units}) u on u.place_id = s.work_unit_id
where s.element in ('delay', 'down') and s.end_time > %(start)s and s.start_time < %(end)s
group by 1, 2 order by 1, 2

-- name: bookings
-- Parts booked by hand.
select u.path, count(*) from scrap_booking b
join ({units}) u on u.place_id = b.work_unit_id
where b.produced_at >= %(start)s and b.produced_at < %(end)s
group by 1 order by 1

-- name: lags
-- The time from source to commit, as a histogram.
select l.bucket, sum(l.count)::bigint from delivery_lag l
where l.hour >= %(start)s and l.hour < %(end)s
and l.edge_id in (
    select g.edge_id from tag g join ({units}) u on u.place_id = g.work_unit_id
)
group by 1 order by 1

-- name: sources
-- Systems that sent documents, and weeks in which each did.
select count(distinct (e.source, date_trunc('week', e.recorded_at))) from master_data_event e
where e.recorded_at >= %(start)s and e.recorded_at < %(end)s
and split_part(e.scope, '/', 1) = %(enterprise)s

-- name: modes
-- Producing time by mode of the machine.
with said as (
    select g.work_unit_id, m.source_time as since, upper(m.value) as mode,
        lead(m.source_time, 1, %(end)s) over (partition by g.tag_id order by m.source_time) as until
    from text_measurement m
    join tag g on g.tag_id = m.tag_id and g.role = 'mode'
    join ({units}) u on u.place_id = g.work_unit_id
    where m.source_time >= %(start)s and m.source_time < %(end)s
)
select u.path, said.mode,
    sum(extract(epoch from least(said.until, i.end_time) - greatest(said.since, i.start_time)) * 1000)::bigint
from said
join ({units}) u on u.place_id = said.work_unit_id
join state_interval i on i.work_unit_id = said.work_unit_id and i.element = 'production'
    and i.start_time < said.until and i.end_time > said.since
group by 1, 2 order by 1, 2

-- name: traces
-- Parts with a serial number that were met at two machines or more, by product.
select p.code, count(*) from (
    select i.product_id, i.serial_number from inspection i
    join ({units}) u on u.place_id = i.work_unit_id
    where i.serial_number is not null and i.inspected_at >= %(start)s and i.inspected_at < %(end)s
    group by 1, 2 having count(distinct i.work_unit_id) >= 2
) met
join product p on p.product_id = met.product_id
group by 1 order by 1

-- name: alarms
-- Deviations, and what people said of them.
select e.event_id, e.opened_at,
    (select min(r.said_at) from anomaly_remark r where r.event_id = e.event_id),
    e.end_time,
    (select r.verdict from anomaly_remark r where r.event_id = e.event_id
        and r.verdict in ('confirmed', 'not_anomaly') order by r.remark_id desc limit 1)
from anomaly_event e
join ({units}) u on u.place_id = e.work_unit_id
where e.opened_at >= %(start)s and e.opened_at < %(end)s and not e.trial
order by e.event_id

-- name: tags
-- Signals of the machines: all, those with unit and description, those with a role.
select count(*), count(*) filter (where g.description <> '' and (g.unit <> '' or g.value_type = 'text')),
    count(*) filter (where g.role <> 'none')
from tag g join ({units}) u on u.place_id = g.work_unit_id

-- name: lots
-- Lots of the enterprise in the window, and those with an inspection.
select count(*), count(*) filter (where exists (
    select from inspection i where i.site_id = l.site_id and i.lot_number = l.number
))
from lot l join place s on s.place_id = l.site_id
where split_part(s.path, '/', 1) = %(enterprise)s
and l.started_at >= %(start)s and l.started_at < %(end)s

-- name: edges
-- Gateways of the machines, and the largest error of their clocks, in milliseconds.
select count(distinct e.edge_id), max(abs(s.clock_offset_ms))::float8
from edge e
left join edge_status s on s.edge_id = e.edge_id
where e.revoked_at is null and e.edge_id in (
    select g.edge_id from tag g join ({units}) u on u.place_id = g.work_unit_id
)

-- name: units
-- Machines that there are.
select path, name_vi from place where level = 'work_unit' and split_part(path, '/', 1) = %(enterprise)s
order by path

-- name: dirty
-- Hours of the window that wait to be computed.
select count(*) from dirty_window d join ({units}) u on u.place_id = d.work_unit_id
where d.hour >= %(start)s and d.hour < %(end)s

-- name: zone
-- The zone of the enterprise's first site.
select time_zone from place where level = 'site' and split_part(path, '/', 1) = %(enterprise)s
order by path limit 1
