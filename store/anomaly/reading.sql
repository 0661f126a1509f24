-- name: numbers
-- One array per column. What the source calls bad is a reading without a value.
select
    coalesce(array_agg(tag_id), '{}'), coalesce(array_agg(source_time), '{}'),
    coalesce(array_agg(
        case when quality < 2 then coalesce(value, 'NaN') else double precision 'NaN' end
    ), '{}')
from measurement
where tag_id = any(%(tags)s::integer[]) and source_time > %(after)s and source_time <= %(until)s

-- name: texts
-- In one order, however they arrived.
select tag_id, source_time, coalesce(value, '') from (
    select tag_id, source_time, value
    from text_measurement
    where tag_id = any(%(tags)s::integer[]) and quality < 2
        and source_time > %(after)s and source_time <= %(until)s
    union all
    select before.tag_id, before.source_time, before.value
    from unnest(%(tags)s::integer[]) as asked (tag_id)
    cross join lateral (
        select tag_id, source_time, value from text_measurement
        where tag_id = asked.tag_id and quality < 2 and source_time <= %(after)s
        order by source_time desc, value desc
        limit 1
    ) before
) said
order by source_time, tag_id, value

-- name: counts
-- Readings of every kind; an hour holds what lies behind its start and up to its end.
select hour, sum(number)::bigint from (
    select
        date_bin('1 hour', source_time - interval '1 microsecond', timestamptz 'epoch') as hour,
        count(*) as number
    from measurement
    where tag_id = any(%(tags)s::integer[]) and source_time > %(start)s and source_time <= %(end)s
    group by 1
    union all
    select
        date_bin('1 hour', source_time - interval '1 microsecond', timestamptz 'epoch'), count(*)
    from text_measurement
    where tag_id = any(%(tags)s::integer[]) and quality < 2
        and source_time > %(start)s and source_time <= %(end)s
    group by 1
) counted
group by hour

-- name: newest
-- The newest reading of each machine: of each tag the newest, by the index.
select tag.work_unit_id, max(last.source_time)
from tag
cross join lateral (
    (
        select source_time from measurement
        where tag_id = tag.tag_id
        order by source_time desc
        limit 1
    )
    union all
    (
        select source_time from text_measurement
        where tag_id = tag.tag_id
        order by source_time desc
        limit 1
    )
) last
where tag.work_unit_id = any(%(units)s::integer[])
group by tag.work_unit_id

-- name: signals
-- Each number tag with what it said; steps are counted between neighbouring readings.
select
    tag.tag_id, tag.name, tag.unit, tag.description, tag.role, tag.low, tag.high,
    tag.max_silence_s, tag.counter_modulus is not null as counter,
    coalesce(said.readings, 0) as readings, said.first_time, said.last_time, said.least, said.most,
    said.rises, said.falls
from tag
left join lateral (
    select
        count(*) as readings, min(source_time) as first_time, max(source_time) as last_time,
        min(value) as least, max(value) as most,
        count(*) filter (where value > before) as rises,
        count(*) filter (where value < before) as falls
    from (
        select source_time, value, lag(value) over (order by source_time) as before
        from measurement
        where tag_id = tag.tag_id and quality < 2 and value is not null
            and source_time >= %(start)s and source_time < %(end)s
    ) reading
) said on true
where tag.work_unit_id = %(unit)s and tag.value_type = 'number'
order by tag.name

-- name: alike
-- Pairs of tags whose means of minutes go together in all but name.
with minute as (
    select
        tag_id, date_bin('1 minute', source_time, timestamptz 'epoch') as bucket,
        avg(value) as value
    from measurement
    where tag_id = any(%(tags)s::integer[]) and quality < 2 and value is not null
        and source_time >= %(start)s and source_time < %(end)s
    group by 1, 2
)
select one.tag_id, other.tag_id
from minute one
join minute other on other.bucket = one.bucket and other.tag_id > one.tag_id
group by 1, 2
having count(*) >= 20 and abs(corr(one.value, other.value)) > 0.9995
order by 1, 2

-- name: window
-- A small chart: means of equal parts of a window.
select
    tag_id,
    date_bin(%(step)s::interval, source_time, timestamptz 'epoch') as moment,
    avg(value) as value
from measurement
where tag_id = any(%(tags)s::integer[]) and quality < 2 and value is not null
    and source_time >= %(start)s and source_time < %(end)s
group by 1, 2
order by 1, 2

-- name: facts
-- What models must know of the tags of machines.
select work_unit_id, tag_id, edge_id, value_type, role, low, high, max_silence_s
from tag
where work_unit_id = any(%(units)s::integer[])
order by tag_id

-- name: maintained
-- Machines under planned maintenance at a moment, themselves or with a place that holds them.
select distinct unit.place_id
from planned_maintenance planned
join place meant on meant.place_id = planned.place_id
join place unit on unit.level = 'work_unit'
    and (unit.path = meant.path or starts_with(unit.path, meant.path || '/'))
where planned.start_time <= %(now)s and planned.end_time > %(now)s

-- name: tag_names
select tag_id, name, unit from tag
where work_unit_id = any(%(units)s::integer[]) and value_type = %(type)s
order by name

-- name: text_tags
-- With what they said in a window, most often first.
select t.tag_id, t.name, array(
    select said.value from (
        select m.value, count(*) as number from text_measurement m
        where m.tag_id = t.tag_id and m.quality < 2 and m.value is not null
            and m.source_time >= %(start)s and m.source_time < %(end)s
        group by m.value
    ) said
    order by said.number desc, said.value
    limit %(most)s
) as said
from tag t
where t.work_unit_id = any(%(units)s::integer[]) and t.value_type = 'text'
order by t.name

-- name: edge_clocks
-- Edges of machines that speak, with how far their clocks are ahead as heartbeats tell.
select distinct tag.work_unit_id, tag.edge_id, edge.code, status.clock_offset_ms
from tag
join edge using (edge_id)
join edge_status status using (edge_id)
where tag.work_unit_id = any(%(units)s::integer[]) and status.online
    and status.reported_at > %(since)s and status.clock_offset_ms is not null
order by 1, 2

-- name: refused_times
-- Machines of which readings were refused lately because they bear a time that is not yet; where
-- too many were refused to name each, all machines of the edge.
select tag.work_unit_id, case when refused.named then tag.tag_id end, min(refused.first_time)
from (
    select
        edge_id, tag_name, tag_name is not null as named, min(received_time) as first_time
    from rejection
    where reason = 'future_source_time' and received_time > %(since)s and received_time <= %(now)s
        and edge_id is not null and replayed_at is null
    group by edge_id, tag_name
) refused
join tag on tag.edge_id = refused.edge_id and (not refused.named or tag.name = refused.tag_name)
where tag.work_unit_id = any(%(units)s::integer[])
group by 1, 2
order by 1, 2

-- name: turned_back
-- Tags of which something older than their newest reading came after it, and lately: an edge sends
-- in the order of its readings, so its source's clock went back. The last of those, per machine.
select distinct on (tag.work_unit_id)
    tag.work_unit_id, tag.tag_id, newest.source_time, older.source_time, older.received_time
from tag
join edge_status status on status.edge_id = tag.edge_id and status.online
cross join lateral (
    select source_time, received_time from measurement
    where tag_id = tag.tag_id
    order by source_time desc
    limit 1
) newest
cross join lateral (
    select source_time, received_time from measurement
    where tag_id = tag.tag_id and source_time > newest.source_time - interval '1 day'
        and source_time < newest.source_time - %(tolerance)s::interval
        and received_time > greatest(newest.received_time, %(since)s::timestamptz)
    order by received_time desc, source_time desc
    limit 1
) older
where tag.work_unit_id = any(%(units)s::integer[]) and tag.value_type = 'number'
order by tag.work_unit_id, older.received_time desc, tag.tag_id

-- name: products_since
-- Products that a machine began with after a moment, with when that was.
select text_measurement.value, min(source_time)
from text_measurement
join tag using (tag_id)
where tag.work_unit_id = %(unit)s and tag.role = 'product' and quality < 2
    and source_time > %(since)s and value <> ''
group by 1
order by 2, 1

-- name: maintenance_since
-- Planned maintenance of a machine, or of a place that holds it, that is over since a moment.
select planned.number, planned.end_time
from planned_maintenance planned
join place meant on meant.place_id = planned.place_id
join place unit on unit.place_id = %(unit)s
    and (unit.path = meant.path or starts_with(unit.path, meant.path || '/'))
where planned.end_time > %(since)s and planned.end_time <= %(now)s
order by planned.end_time desc, planned.number
