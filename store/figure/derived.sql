-- Hours are deleted and written again whole, and nothing is changed in place: so computing them twice
-- gives the same rows, and a late reading needs no path of its own (docs/decisions/0007).

-- name: try_lock
-- One analytics at a time; held until the session ends.
select pg_try_advisory_lock(7461002)

-- name: dirty_windows_shared
-- The same, and what has come of a meter that several machines share concerns each of them. One
-- statement sees one moment: an hour that is marked meanwhile is neither read nor left unspread.
with spread as (
    insert into dirty_window (work_unit_id, hour, marked_at, cause)
    select distinct on (shared.work_unit_id, dirty.hour)
        shared.work_unit_id, dirty.hour, dirty.marked_at, dirty.cause
    from unnest(%(tags)s::integer[], %(units)s::integer[]) as shared (tag_id, work_unit_id)
    join tag using (tag_id)
    join dirty_window dirty on dirty.work_unit_id = tag.work_unit_id
    where shared.work_unit_id <> tag.work_unit_id
    order by 1, 2, dirty.cause nulls last
    on conflict (work_unit_id, hour) do nothing
    returning work_unit_id, hour, revision, cause
)
select work_unit_id, hour, revision, cause from dirty_window
union all
select work_unit_id, hour, revision, cause from spread
order by hour, work_unit_id
limit %(limit)s

-- name: dirty_windows
-- Hours whose figures are out of date, oldest first.
select work_unit_id, hour, revision, cause
from dirty_window
order by hour, work_unit_id
limit %(limit)s

-- name: delete_dirty
-- Only rows that nobody marked again in the meantime.
delete from dirty_window
using unnest(
    %(units)s::integer[], %(hours)s::timestamptz[], %(revisions)s::bigint[]
) as done (work_unit_id, hour, revision)
where dirty_window.work_unit_id = done.work_unit_id
    and dirty_window.hour = done.hour
    and dirty_window.revision = done.revision

-- name: computed_extents
-- From when until when the base sums of each work unit reach.
select
    asked.work_unit_id,
    (
        select slice_start from base_sum
        where work_unit_id = asked.work_unit_id
        order by slice_start limit 1
    ),
    (
        select slice_end from base_sum
        where work_unit_id = asked.work_unit_id
        order by slice_start desc limit 1
    )
from unnest(%(units)s::integer[]) as asked (work_unit_id)

-- name: delete_state_intervals
-- Intervals are cut at hours, so none reaches into a window of whole hours.
delete from state_interval
where work_unit_id = %(unit)s and start_time >= %(start)s and start_time < %(end)s

-- name: delete_base_sums
-- Slices are cut at hours as well.
delete from base_sum
where work_unit_id = %(unit)s and slice_start >= %(start)s and slice_start < %(end)s

-- name: delete_minute_sums
-- Of slices, which are cut at hours.
delete from minute_sum
where work_unit_id = %(unit)s and slice_start >= %(start)s and slice_start < %(end)s

-- name: copy_minute_sums
copy minute_sum (
    work_unit_id, slice_start, coarse_ms, produced_quantity, good_quantity, scrap_quantity,
    rework_quantity, energy_kwh, idle_energy_kwh, start_up_pri_ms, unseen_pri_pq_ms,
    stopped_pri_pq_ms, inspected_parts, good_at_first_parts, rework_found_parts
) from stdin (format binary)

-- name: copy_state_intervals
copy state_interval (
    work_unit_id, start_time, end_time, element, state, stop_kind, stop_reason, order_number,
    product_code
) from stdin (format binary)

-- name: copy_base_sums
copy base_sum (
    work_unit_id, slice_start, slice_end, hour, business_date, shift, shift_start, shift_end,
    order_number, product_code, calendar_ms, pot_ms, pbt_ms, apt_ms, aust_ms, adet_ms, adot_ms,
    unknown_ms, unscheduled_production_ms, pri_pq_ms, pri_gq_ms, produced_quantity, good_quantity,
    scrap_quantity, rework_quantity, failure_events, energy_kwh, planned_break_ms, planned_maintenance_ms,
    planned_setup_ms, breakdown_ms, line_pri_gq_ms, start_up_pri_ms, idle_energy_kwh,
    inspected_parts, good_at_first_parts, rework_found_parts, produced_items, good_items, scrap_items,
    rework_items, unpriced_items, unseen_pri_pq_ms, stopped_pri_pq_ms, line_pri_sq_ms, marks, lot_number, policy_version, formula_version, as_of
) from stdin (format binary)

-- name: looking_ahead
-- Of hours of work units those whose hour before may be told differently by what they hold: a
-- reading of it may be judged by the next one, and a state that was lost at its end may come back
-- the same.
select asked.work_unit_id, asked.hour
from unnest(%(units)s::integer[], %(hours)s::timestamptz[]) as asked (work_unit_id, hour)
where
    exists (
        select from counter_judgement j
        where
            j.work_unit_id = asked.work_unit_id and j.source_time < asked.hour
            and j.source_time >= asked.hour - interval '1 hour'
            and (j.next_time is null or j.next_time >= asked.hour)
    ) or exists (
        select from state_interval i
        where
            i.work_unit_id = asked.work_unit_id and i.end_time = asked.hour
            and i.start_time >= asked.hour - interval '1 hour' and i.start_time < asked.hour
            and i.state is null
    )

-- name: hours_told
-- The hours of a span in which a work unit says what state it is in.
select distinct date_bin('1 hour', start_time, timestamptz '1970-01-01 00:00:00+00')
from state_interval
where work_unit_id = %(unit)s and start_time >= %(start)s and start_time < %(end)s
    and state is not null

-- name: stop_neighbourhood
-- The span in which stops may change when a window does: from the stop before it to the stop
-- after it, as far as a planned break may lie between (`reach`).
select
    coalesce((
        select start_time from stop
        where work_unit_id = %(unit)s and start_time < %(start)s
            and (end_time is null or end_time >= %(start)s - %(reach)s::interval)
        order by start_time desc limit 1
    ), %(start)s),
    greatest(
        %(end)s,
        (
            select coalesce(end_time, timestamptz '9999-01-01 00:00:00+00') from stop
            where work_unit_id = %(unit)s and start_time < %(end)s
            order by start_time desc limit 1
        ),
        (
            select coalesce(end_time, timestamptz '9999-01-01 00:00:00+00') from stop
            where work_unit_id = %(unit)s and start_time >= %(end)s
                and start_time < %(end)s + %(reach)s::interval
            order by start_time limit 1
        )
    )

-- name: state_intervals
-- Tiles of a work unit in order of time.
select
    start_time, end_time, element, state, stop_kind, stop_reason, order_number, product_code
from state_interval
where work_unit_id = %(unit)s and start_time >= %(start)s and start_time < %(end)s
order by start_time

-- name: delete_stops
delete from stop
where work_unit_id = %(unit)s and start_time >= %(start)s and start_time < %(end)s

-- name: insert_stops
insert into stop (
    work_unit_id, start_time, end_time, element, state, stop_kind, machine_reason, stop_reason,
    paused_ms
)
select
    %(unit)s, each.start_time, each.end_time, each.element, each.state, each.stop_kind,
    each.reason, each.reason, each.paused_ms
from unnest(
    %(start)s::timestamptz[], %(end)s::timestamptz[], %(element)s::text[], %(state)s::text[],
    %(stop_kind)s::text[], %(stop_reason)s::text[], %(paused_ms)s::bigint[]
) as each (start_time, end_time, element, state, stop_kind, reason, paused_ms)

-- name: stop_divisions
-- Where people divided and joined stops of a work unit in a span, as they said it last.
select moment, kind
from (
    select distinct on (moment) moment, kind
    from stop_division
    where work_unit_id = %(unit)s and moment >= %(start)s and moment <= %(end)s
    order by moment, said_at desc, division_id desc
) said
where kind <> 'none'

-- name: stops_overlapping
-- Whole stops that overlap a window.
select start_time, end_time, element, state, stop_kind, stop_reason, paused_ms
from stop
where work_unit_id = %(unit)s and start_time < %(end)s
    and (end_time is null or end_time > %(start)s)
order by start_time

-- name: slices
-- Base sums of work units in windows, in order of time.
select
    base_sum.work_unit_id, slice_start, slice_end, hour, shift_start, product_code, marks,
    calendar_ms, pot_ms, pbt_ms, apt_ms, aust_ms, adet_ms, adot_ms, unknown_ms,
    unscheduled_production_ms, pri_pq_ms, pri_gq_ms, produced_quantity, good_quantity,
    scrap_quantity, rework_quantity, failure_events, energy_kwh, planned_break_ms, planned_maintenance_ms,
    planned_setup_ms, breakdown_ms, line_pri_gq_ms, start_up_pri_ms, idle_energy_kwh,
    inspected_parts, good_at_first_parts, rework_found_parts, produced_items, good_items, scrap_items,
    rework_items, unpriced_items, unseen_pri_pq_ms, stopped_pri_pq_ms, line_pri_sq_ms
from unnest(%(units)s::integer[]) as asked (work_unit_id)
cross join unnest(
    %(starts)s::timestamptz[], %(ends)s::timestamptz[]
) as span (start_time, end_time)
join base_sum
    on base_sum.work_unit_id = asked.work_unit_id
    and slice_start >= span.start_time and slice_start < span.end_time
order by base_sum.work_unit_id, slice_start
