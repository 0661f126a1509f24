-- part: group_start
-- The start of the hour or shift that a slice belongs to.
case %(by)s when 'hour' then b.hour when 'shift' then b.shift_start end

-- part: group_text
-- The day, product, order or lot that a slice belongs to.
case %(by)s
    when 'day' then coalesce(b.business_date, (b.slice_start at time zone asked.zone)::date)::text
    when 'product' then coalesce(b.product_code, '')
    when 'order' then coalesce(b.order_number, '')
    when 'lot' then coalesce(b.lot_number, '')
end

-- part: chosen
-- Slices of what alone is asked for.
(%(order)s::text is null or b.order_number = %(order)s)
and (%(product)s::text is null or b.product_code = %(product)s)
and (%(lot)s::text is null or b.lot_number = %(lot)s)

-- name: units
-- Work units with the line they belong to, and whether they have a state signal and any signal.
select
    unit.place_id, unit.path, unit.parent_id,
    exists (select 1 from tag t where t.work_unit_id = unit.place_id and t.role = 'state'),
    exists (select 1 from tag t where t.work_unit_id = unit.place_id and t.role <> 'none')
from place unit
where unit.place_id = any(%(units)s)
order by unit.position, unit.path

-- name: lines
-- Lines with all of their machines in the order of the flow, also those not asked for.
select
    line.place_id, line.path, coalesce(line.line_kind, 'serial'), line.bottleneck_id,
    array_agg(unit.place_id order by unit.position, unit.path)
from place line
join place unit on unit.parent_id = line.place_id and unit.level = 'work_unit'
where line.place_id = any(%(lines)s)
group by line.place_id, line.path, line.line_kind, line.bottleneck_id
order by line.path

-- name: policies
-- The policy in force of each site, by the site's path.
select distinct on (site.path)
    site.path, version, minor_stop_threshold_s, minor_stops_in, breaks_in, setup_in,
    failure_states, failure_at_least_s, failure_merge_s, mtbf_per, order_from,
    minor_stop_thresholds_s
from place site
join oee_policy on oee_policy.site_id = site.place_id
order by site.path, version desc

-- name: grouped_sums
-- Base sums per work unit, group and versions, of slices that lie in a window. A sum of which any
-- part is unknown is unknown. Versions gathered in arrays would have every slice sorted.
select
    b.work_unit_id,
    {group_start} as key_start,
    {group_text} as key_text,
    max(b.shift), max(b.business_date), min(b.slice_start), max(b.slice_end), max(b.as_of),
    array[b.policy_version], array[b.formula_version],
    sum(b.calendar_ms)::bigint,
    sum(b.pot_ms)::bigint,
    sum(b.pbt_ms)::bigint,
    sum(b.apt_ms)::bigint,
    sum(b.aust_ms)::bigint,
    sum(b.adet_ms)::bigint,
    sum(b.adot_ms)::bigint,
    sum(b.unknown_ms)::bigint,
    sum(b.unscheduled_production_ms)::bigint,
    case when count(b.pri_pq_ms) = count(*) then sum(b.pri_pq_ms) end,
    case when count(b.pri_gq_ms) = count(*) then sum(b.pri_gq_ms) end,
    case when count(b.produced_quantity) = count(*) then sum(b.produced_quantity) end,
    case when count(b.good_quantity) = count(*) then sum(b.good_quantity) end,
    case when count(b.scrap_quantity) = count(*) then sum(b.scrap_quantity) end,
    case when count(b.rework_quantity) = count(*) then sum(b.rework_quantity) end,
    sum(b.failure_events)::integer,
    case when count(b.energy_kwh) = count(*) then sum(b.energy_kwh) end,
    sum(b.planned_break_ms)::bigint,
    sum(b.planned_maintenance_ms)::bigint,
    sum(b.planned_setup_ms)::bigint,
    sum(b.breakdown_ms)::bigint,
    case when count(b.line_pri_gq_ms) = count(*) then sum(b.line_pri_gq_ms) end,
    case when count(b.start_up_pri_ms) = count(*) then sum(b.start_up_pri_ms) end,
    case when count(b.idle_energy_kwh) = count(*) then sum(b.idle_energy_kwh) end,
    sum(b.inspected_parts)::integer,
    sum(b.good_at_first_parts)::integer,
    sum(b.rework_found_parts)::integer,
    case when count(b.produced_items) = count(*) then sum(b.produced_items) end,
    case when count(b.good_items) = count(*) then sum(b.good_items) end,
    case when count(b.scrap_items) = count(*) then sum(b.scrap_items) end,
    case when count(b.rework_items) = count(*) then sum(b.rework_items) end,
    case when count(b.unpriced_items) = count(*) then sum(b.unpriced_items) end,
    case when count(b.unseen_pri_pq_ms) = count(*) then sum(b.unseen_pri_pq_ms) end,
    case when count(b.stopped_pri_pq_ms) = count(*) then sum(b.stopped_pri_pq_ms) end,
    case when count(b.line_pri_sq_ms) = count(*) then sum(b.line_pri_sq_ms) end
from unnest(%(units)s::integer[], %(zones)s::text[]) as asked (work_unit_id, zone)
join base_sum b on b.work_unit_id = asked.work_unit_id
where
    b.slice_start >= %(start)s and b.slice_start < %(end)s and b.slice_end <= %(end)s
    and (%(by)s <> 'shift' or b.shift_start is not null)
    and {chosen}
group by 1, 2, 3, b.policy_version, b.formula_version

-- name: marks
-- The marks of the slices of each group; most slices have none.
select distinct {group_start} as key_start, {group_text} as key_text, mark
from unnest(%(units)s::integer[], %(zones)s::text[]) as asked (work_unit_id, zone)
join base_sum b on b.work_unit_id = asked.work_unit_id and b.marks <> '{}'
cross join unnest(b.marks) as mark
where
    b.slice_start < %(end)s and b.slice_end > %(start)s
    and b.slice_start > %(start)s::timestamptz - interval '1 hour'
    and (%(by)s <> 'shift' or b.shift_start is not null)
    and {chosen}

-- name: cut_slices
-- Slices that a moment cuts, whether anything was counted in them, and, where that is known minute by
-- minute, over how long their counters tell more than one at once.
select
    b.work_unit_id, b.slice_start, b.slice_end,
    coalesce(b.produced_quantity, 0) <> 0 or coalesce(b.good_quantity, 0) <> 0
        or coalesce(b.scrap_quantity, 0) <> 0 or coalesce(b.rework_quantity, 0) <> 0
        or coalesce(b.energy_kwh, 0) <> 0 or b.inspected_parts <> 0,
    m.coarse_ms
from base_sum b
left join minute_sum m using (work_unit_id, slice_start)
where
    b.work_unit_id = any(%(units)s) and b.slice_start < %(moment)s and b.slice_end > %(moment)s
    and b.slice_start > %(moment)s::timestamptz - interval '1 hour'

-- name: cut_minutes
-- What was counted minute by minute in slices that an end of the window cuts, and in all of each.
select
    b.work_unit_id,
    {group_start} as key_start,
    {group_text} as key_text,
    b.slice_start,
    b.pri_pq_ms, b.pri_gq_ms, b.line_pri_gq_ms, b.line_pri_sq_ms, b.produced_quantity,
    b.good_quantity, b.scrap_quantity, b.rework_quantity, b.produced_items, b.good_items,
    b.scrap_items, b.rework_items, b.unpriced_items,
    m.produced_quantity, m.good_quantity, m.scrap_quantity, m.rework_quantity, m.energy_kwh,
    m.idle_energy_kwh, m.start_up_pri_ms, m.unseen_pri_pq_ms, m.stopped_pri_pq_ms,
    m.inspected_parts, m.good_at_first_parts, m.rework_found_parts
from unnest(%(units)s::integer[], %(zones)s::text[]) as asked (work_unit_id, zone)
join base_sum b on b.work_unit_id = asked.work_unit_id
join minute_sum m on m.work_unit_id = b.work_unit_id and m.slice_start = b.slice_start
where
    b.slice_start < %(end)s and b.slice_end > %(start)s
    and b.slice_start > %(start)s::timestamptz - interval '1 hour'
    and (b.slice_start < %(start)s or b.slice_end > %(end)s)
    and (%(by)s <> 'shift' or b.shift_start is not null)
    and {chosen}

-- name: partial_sums
-- The times of slices that an end of the window cuts, from the state intervals within it; what was
-- counted there comes from its minutes.
select
    b.work_unit_id,
    {group_start} as key_start,
    {group_text} as key_text,
    max(b.shift), max(b.business_date), min(t.start_time), max(t.end_time), max(b.as_of),
    array_agg(distinct b.policy_version), array_agg(distinct b.formula_version),
    coalesce(sum(t.ms), 0)::bigint,
    coalesce(sum(t.ms) filter (where b.shift_start is not null), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element in ('production', 'delay', 'down', 'unknown')
        or (t.element = 'setup' and b.planned_setup_ms = 0)), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element = 'production'), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element = 'setup' and b.planned_setup_ms = 0), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element = 'delay'), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element = 'down'), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element = 'unknown'), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element = 'unscheduled_production'), 0)::bigint,
    case when count(b.pri_pq_ms) = count(*) then 0::float8 end,
    case when count(b.pri_gq_ms) = count(*) then 0::float8 end,
    case when count(b.produced_quantity) = count(*) then 0::float8 end,
    case when count(b.good_quantity) = count(*) then 0::float8 end,
    case when count(b.scrap_quantity) = count(*) then 0::float8 end,
    case when count(b.rework_quantity) = count(*) then 0::float8 end,
    0,
    case when count(b.energy_kwh) = count(*) then 0::float8 end,
    coalesce(sum(t.ms) filter (where t.element = 'planned_break'), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element = 'planned_maintenance'), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element = 'setup' and b.planned_setup_ms > 0), 0)::bigint,
    coalesce(sum(t.ms) filter (where t.element = 'delay' and t.stop_kind = 'breakdown'), 0)::bigint,
    case when count(b.line_pri_gq_ms) = count(*) then 0::float8 end,
    case when count(b.start_up_pri_ms) = count(*) then 0::float8 end,
    case when count(b.idle_energy_kwh) = count(*) then 0::float8 end,
    0,
    0,
    0,
    case when count(b.produced_items) = count(*) then 0::float8 end,
    case when count(b.good_items) = count(*) then 0::float8 end,
    case when count(b.scrap_items) = count(*) then 0::float8 end,
    case when count(b.rework_items) = count(*) then 0::float8 end,
    case when count(b.unpriced_items) = count(*) then 0::float8 end,
    case when count(b.unseen_pri_pq_ms) = count(*) then 0::float8 end,
    case when count(b.stopped_pri_pq_ms) = count(*) then 0::float8 end,
    case when count(b.line_pri_sq_ms) = count(*) then 0::float8 end
from unnest(%(units)s::integer[], %(zones)s::text[]) as asked (work_unit_id, zone)
join base_sum b on b.work_unit_id = asked.work_unit_id
cross join lateral (
    select
        greatest(i.start_time, %(start)s) as start_time, least(i.end_time, %(end)s) as end_time,
        i.element, i.stop_kind,
        (extract(epoch from least(i.end_time, %(end)s) - greatest(i.start_time, %(start)s)) * 1000)
            ::bigint as ms
    from state_interval i
    where
        i.work_unit_id = b.work_unit_id and i.start_time >= b.slice_start
        and i.start_time < least(b.slice_end, %(end)s) and i.end_time > %(start)s
) t
where
    b.slice_start < %(end)s and b.slice_end > %(start)s
    and b.slice_start > %(start)s::timestamptz - interval '1 hour'
    and (b.slice_start < %(start)s or b.slice_end > %(end)s)
    and (%(by)s <> 'shift' or b.shift_start is not null)
    and {chosen}
group by 1, 2, 3

-- name: order_execution
-- How long orders were executed per group: each from its first to its last moment on any of the
-- machines (AOET), in milliseconds.
select key_start, key_text, sum(ms)::bigint
from (
    select
        {group_start} as key_start,
        {group_text} as key_text,
        (extract(
            epoch from least(max(b.slice_end), %(end)s) - greatest(min(b.slice_start), %(start)s)
        ) * 1000)::bigint as ms
    from unnest(%(units)s::integer[], %(zones)s::text[]) as asked (work_unit_id, zone)
    join base_sum b on b.work_unit_id = asked.work_unit_id
    where
        b.slice_start < %(end)s and b.slice_end > %(start)s
        and b.slice_start > %(start)s::timestamptz - interval '1 hour'
        and b.order_number is not null
        and (%(by)s <> 'shift' or b.shift_start is not null)
        and {chosen}
    group by 1, 2, b.order_number
) executed
group by 1, 2

-- name: failures
-- Failures that touch a window, by work unit and beginning: one array per column. One that lasts
-- ends at the epoch.
select
    coalesce(array_agg(f.work_unit_id), '{}'), coalesce(array_agg(f.start_time), '{}'),
    coalesce(array_agg(coalesce(f.end_time, timestamptz 'epoch')), '{}'),
    coalesce(array_agg(f.worked_ms), '{}')
from (
    select work_unit_id, start_time, end_time, worked_ms
    from failure
    where
        work_unit_id = any(%(units)s) and start_time < %(end)s
        and (end_time is null or end_time > %(start)s)
    order by work_unit_id, start_time
) f

-- name: slice_groups
-- The chosen slices of a window with the group of each, by work unit and time: one array per
-- column.
select
    coalesce(array_agg(b.work_unit_id), '{}'), coalesce(array_agg(b.slice_start), '{}'),
    coalesce(array_agg(b.slice_end), '{}'),
    coalesce(array_agg({group_text}), '{}')
from unnest(%(units)s::integer[], %(zones)s::text[]) as asked (work_unit_id, zone)
join base_sum b on b.work_unit_id = asked.work_unit_id
where
    b.slice_start < %(end)s and b.slice_end > %(start)s
    and b.slice_start > %(start)s::timestamptz - interval '1 hour'
    and {chosen}

-- name: operating_before
-- Operating time (APT + AUST) of each work unit and group up to its last failure, in milliseconds:
-- of the whole hours between from the base sums, at both ends from the state intervals of their
-- slices. Each is a subquery of its own, so that no join of all with all is ever planned.
select
    asked.number,
    coalesce((
        select sum(case
            when b.slice_start >= asked.whole_from and b.slice_start < asked.last_hour
                then b.apt_ms + b.aust_ms
            else (
                select coalesce(sum(extract(
                    epoch from least(i.end_time, asked.until) - greatest(i.start_time, asked.first)
                ) * 1000), 0)
                from state_interval i
                where
                    i.work_unit_id = asked.work_unit_id
                    and (i.element = 'production' or (i.element = 'setup' and b.planned_setup_ms = 0))
                    and i.start_time >= b.slice_start
                    and i.start_time < least(b.slice_end, asked.until)
                    and i.end_time > asked.first
            )
        end)
        from base_sum b
        where
            b.work_unit_id = asked.work_unit_id and b.slice_start >= asked.first_hour
            and b.slice_start < asked.until
            and (%(by)s <> 'product' or coalesce(b.product_code, '') = asked.key_text)
            and (%(by)s <> 'order' or coalesce(b.order_number, '') = asked.key_text)
            and (%(by)s <> 'lot' or coalesce(b.lot_number, '') = asked.key_text)
            and {chosen}
    ), 0)::bigint
from (
    select
        number, work_unit_id, key_text, first, until, date_trunc('hour', until) as last_hour,
        date_trunc('hour', first) as first_hour,
        date_trunc('hour', first + interval '1 hour' - interval '1 microsecond') as whole_from
    from (
        select
            number, work_unit_id, key_text,
            timestamptz 'epoch' + first_ms * interval '1 millisecond' as first,
            timestamptz 'epoch' + until_ms * interval '1 millisecond' as until
        from unnest(
            %(units)s::integer[], %(firsts)s::bigint[], %(untils)s::bigint[], %(key_texts)s::text[]
        ) with ordinality as given (work_unit_id, first_ms, until_ms, key_text, number)
    ) moments
    offset 0
) asked

-- name: worked_within
-- Planned busy time in which a machine did not run, of spans of its failures.
select
    asked.number,
    (
        select coalesce(sum(extract(
            epoch from least(i.end_time, asked.until) - greatest(i.start_time, asked.first)
        ) * 1000), 0)::bigint
        from state_interval i
        where
            i.work_unit_id = asked.work_unit_id and i.element in ('delay', 'down', 'unknown')
            and i.start_time > asked.first - interval '1 hour' and i.start_time < asked.until
            and i.end_time > asked.first
    )
from (
    select
        number, work_unit_id, timestamptz 'epoch' + first_ms * interval '1 millisecond' as first,
        timestamptz 'epoch' + until_ms * interval '1 millisecond' as until
    from unnest(%(units)s::integer[], %(firsts)s::bigint[], %(untils)s::bigint[])
        with ordinality as given (work_unit_id, first_ms, until_ms, number)
) asked

-- name: minor_stop_tiles
-- Delay tiles within short whole stops; whether a stop is minor is decided on the whole stop.
select
    s.work_unit_id, s.start_time, s.end_time, s.stop_kind, s.paused_ms,
    greatest(i.start_time, %(start)s), least(i.end_time, %(end)s),
    b.key_start, b.key_text
from unnest(
    %(units)s::integer[], %(zones)s::text[], %(thresholds)s::float8[]
) as asked (work_unit_id, zone, threshold)
join stop s
    on s.work_unit_id = asked.work_unit_id and s.element = 'delay'
    and s.start_time < %(end)s and (s.end_time is null or s.end_time > %(start)s)
    and coalesce(s.end_time, %(now)s) - s.start_time - s.paused_ms * interval '1 millisecond'
        < make_interval(secs => asked.threshold)
join state_interval i
    on i.work_unit_id = s.work_unit_id and i.element = 'delay'
    and i.start_time >= s.start_time and i.start_time < coalesce(s.end_time, %(now)s)
    and i.start_time < %(end)s and i.end_time > %(start)s
join lateral (
    select
        {group_start} as key_start,
        {group_text} as key_text,
        b.order_number, b.product_code, b.lot_number
    from base_sum b
    where b.work_unit_id = i.work_unit_id and b.slice_start <= i.start_time
    order by b.slice_start desc
    limit 1
) b on true
where
    {chosen}

-- name: open_hours
-- Hours in a window whose figures may still change.
select window_start
from oee_result
where
    place_id = any(%(units)s) and kind = 'hour' and not final
    and window_end > %(start)s and window_start < %(end)s
group by window_start
order by window_start

-- name: without_calendar
-- Work units with an hour in the window for which no calendar was in force.
select asked.work_unit_id
from unnest(%(units)s::integer[]) as asked (work_unit_id)
where exists (
    select 1 from oee_result r
    where
        r.place_id = asked.work_unit_id and r.kind = 'hour'
        and r.window_start < %(end)s and r.window_start > %(start)s::timestamptz - interval '1 hour'
        and r.missing ->> 'oee' = 'no_calendar'
)

-- name: restatements
-- Final figures that changed: of windows that overlap the asked one, newest change first.
select
    p.path as place, r.kind, r.window_start as start, r.figure, r.old_value, r.new_value, r.cause,
    r.restated_at
from oee_restatement r
join place p on p.place_id = r.place_id
where
    r.place_id = any(%(places)s) and r.window_start < %(end)s
    and r.window_start > %(start)s::timestamptz
        - case r.kind when 'hour' then interval '1 hour' else interval '1 day' end
    and r.restated_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
order by r.restated_at desc, r.restatement_id desc
limit %(limit)s

-- name: faults
-- What results name as wrong in the set-up, and why ratios are missing; per place with how many
-- hours, the first and the last.
select p.path as place, f.fault, count(*), min(r.window_start), max(r.window_end)
from oee_result r
join place p on p.place_id = r.place_id
cross join lateral (
    select unnest(r.faults)
    union
    select value from jsonb_each_text(r.missing)
) f (fault)
where
    r.place_id = any(%(places)s) and r.kind = 'hour'
    and r.window_start < %(end)s and r.window_start > %(start)s::timestamptz - interval '1 hour'
group by 1, 2
order by 1, 2

-- name: products_without_run_time
-- Products made without a planned run time, per machine.
select p.path, coalesce(b.product_code, ''), count(*), min(b.slice_start), max(b.slice_end)
from base_sum b
join place p on p.place_id = b.work_unit_id
where
    b.work_unit_id = any(%(units)s) and b.slice_start >= %(start)s and b.slice_start < %(end)s
    and b.unpriced_items > 0
group by 1, 2
order by 1, 2
